"""fspose models: the networks that come with fspose, and the published ones."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from data.errors import WeightsError
from fspose_app.console import Console
from models import archives, fetch, published
from models.published import File, Published

family_option = click.option(
    "--family",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    show_default="the embedded one",
    help="A folder with another family of networks.",
)
MEGA = 1_000_000


@click.group("models")
def command() -> None:
    """The networks that come with fspose, and published checkpoints."""


@command.command("list")
@family_option
def list_models(family: Path | None) -> None:
    """List the networks: what each is for, and how big it is; then the published checkpoints."""
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
    console = Console()
    columns = ("name", "role", "network", "skeleton", "M parameters", "MB", "sha256")
    console.table(rows, columns=columns, right=(4, 5))
    console.say("")
    folder = published.models_folder()
    console.table(
        [
            (i.name, i.use, i.network, i.skeleton, _hashes(i), _where(i, folder))
            for i in published.CATALOGUE
        ],
        columns=("published", "role", "network", "skeleton", "sha256", "file"),
    )


@command.command("show")
@click.argument("name")
@family_option
def show_model(name: str, family: Path | None) -> None:
    """Show what NAME is: the model card of a network that comes with fspose (data, licence,
    recipe, figures), or where a published checkpoint comes from."""
    from models import zoo  # brings in torch

    console = Console()
    found = [item for item in published.CATALOGUE if item.name == name]
    if found:
        console.say(_card(found[0], published.models_folder()))
        return
    model = zoo.find(name, family or zoo.BUNDLED)
    console.say(model.card.rstrip() or f"{model.name} has no model card.")
    console.say(f"\nfile: {model.path}\nsha256: {model.sha256 or 'not recorded'}")


@command.command("verify")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@family_option
def verify_models(file: Path | None, family: Path | None) -> None:
    """Say what the checkpoint FILE holds and whether it is a published one.

    Without FILE, compare the networks that come with fspose with their recorded checksums.
    """
    from models import zoo  # brings in torch

    console = Console()
    if file is not None:
        console.say(_verified(file))
        return
    for model in zoo.bundled(family or zoo.BUNDLED):
        zoo.verify(model)
        console.say(f"{model.name}: intact")


@command.command("fetch")
@click.argument("name")
@click.option(
    "--out",
    "-o",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    show_default="models/ in FSPOSE_HOME, or in the folder for a user's caches",
    help="Where to put it: in a folder of its name there.",
)
def fetch_model(name: str, out: Path | None) -> None:
    """Fetch the published checkpoint NAME and verify it.

    This is the only command that opens a connection. A fetch that was cut off goes on where it
    stopped. Afterwards --weights ROLE=NAME uses it.
    """
    item, console = published.find(name), Console()
    with ExitStack() as stack:
        path = fetch.fetch(item, out or published.models_folder(), _teller(console, stack))
    console.say(str(path))
    console.say(_verified(path))


def _teller(console: Console, stack: ExitStack) -> Callable[[str, int, int | None], None]:
    """Progress in megabytes, one after the other for each file."""
    bars: dict[str, Callable[[int], None]] = {}

    def tell(name: str, done: int, total: int | None) -> None:
        if name not in bars:
            stack.close()  # the bar of the file before
            size = None if total is None else max(1, total // MEGA)
            bar = console.progress(name, done=done // MEGA, total=size, unit="MB")
            bars[name] = stack.enter_context(bar)
        bars[name](done // MEGA)

    return tell


def _verified(path: Path) -> str:
    """What a checkpoint is. Raises WeightsError for one that is damaged or is not what it says."""
    from models import layouts, weights  # brings in torch

    digest = archives.sha256(path)
    pieces = archives.parts(path)
    held = layouts.looks_like(weights.read(path)) or "no network that fspose knows"
    item = published.of_digest(digest)
    if item is not None:
        return f"{path}: {held}\nsha256: {digest}\nthis is {item.name}, as published"
    for known in published.CATALOGUE:
        for file in known.files:
            if file.sha256 and file.name == pieces[0].name:
                raise WeightsError(
                    f"{path} bears the name of '{known.name}', but its SHA-256 begins with "
                    f"{digest[:8]}, not {file.sha256[:8]}. Fetch it again, or rename it."
                )
    return f"{path}: {held}\nsha256: {digest}\nno published checksum is known for it"


def _hashes(item: Published) -> str:
    """The first digits of each file's hash."""
    return ", ".join((file.sha256 or "not published")[:13] for file in item.files[:1]) or "-"


def _where(item: Published, folder: Path) -> str:
    if not item.fetchable:
        return "by hand"
    there = all(item.path(folder).with_name(file.name).is_file() for file in item.files)
    return "fetched" if there else "to fetch"


def _card(item: Published, folder: Path) -> str:
    """All that the catalogue says of a checkpoint."""
    size = "-" if item.size is None else f"{item.size[0]} x {item.size[1]}"
    lines = [
        f"{item.name}: {item.network}, {item.use}",
        f"keypoints: {item.skeleton}",
        f"crop: {size}",
        f"licence: {item.licence}",
        f"page: {item.page}",
        *(line for file in item.files for line in _file_lines(file)),
    ]
    if item.by_hand:
        lines.append(f"get it by hand: {item.by_hand}")
    else:
        lines.append(f"fetched to: {item.path(folder)} ({_where(item, folder)})")
    return "\n".join(lines)


def _file_lines(file: File) -> list[str]:
    known = "not published"
    if file.sha256 is not None:
        whole = len(file.sha256) == 64
        known = file.sha256 if whole else f"{file.sha256}... (its first digits are published)"
    return [
        f"file: {file.name}",
        f"  sha256: {known}",
        *(f"  mirror: {mirror}" for mirror in file.mirrors),
    ]
