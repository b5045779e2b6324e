"""fspose models: the networks that come with fspose."""

from __future__ import annotations

from pathlib import Path

import click

from fspose_app.console import Console

family_option = click.option(
    "--family",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    show_default="the embedded one",
    help="A folder with another family of networks.",
)


@click.group("models")
def command() -> None:
    """The networks that come with fspose."""


@command.command("list")
@family_option
def list_models(family: Path | None) -> None:
    """List the networks: what each is for, and how big it is."""
    from models import zoo  # brings in torch

    rows = [
        (
            model.name,
            model.role,
            model.network,
            model.description.skeleton,
            f"{model.parameters / 1e6:.2f}",
            f"{model.bytes / 1e6:.1f}",
            (model.sha256 or "")[:12],
        )
        for model in zoo.bundled(family or zoo.BUNDLED)
    ]
    columns = ("name", "role", "network", "skeleton", "M parameters", "MB", "sha256")
    Console().table(rows, columns=columns, right=(4, 5))


@command.command("show")
@click.argument("name")
@family_option
def show_model(name: str, family: Path | None) -> None:
    """Show the model card of NAME: data, licence, recipe, figures."""
    from models import zoo  # brings in torch

    model = zoo.find(name, family or zoo.BUNDLED)
    console = Console()
    console.say(model.card.rstrip() or f"{model.name} has no model card.")
    console.say(f"\nfile: {model.path}\nsha256: {model.sha256 or 'not recorded'}")


@command.command("verify")
@family_option
def verify_models(family: Path | None) -> None:
    """Compare every network's file with its recorded checksum."""
    from models import zoo  # brings in torch

    console = Console()
    for model in zoo.bundled(family or zoo.BUNDLED):
        zoo.verify(model)
        console.say(f"{model.name}: intact")
