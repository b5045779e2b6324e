"""fspose convert RESULT: a result file in other formats."""

from __future__ import annotations

from pathlib import Path

import click

from data.errors import OutputError
from fspose_app.config import Format
from fspose_app.console import Console
from fspose_app.convert import convert
from fspose_app.options import FORMATS
from fspose_app.several import Several

OTHERS = tuple(kind for kind in FORMATS if kind != "jsonl")


@click.command("convert")
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "formats",
    type=Several(OTHERS),
    required=True,
    metavar="FORMATS",
    help=f"Which formats to write, with commas between: {', '.join(OTHERS)}.",
)
@click.option(
    "--out",
    "-o",
    "out_dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=None,
    show_default="where RESULT lies",
    help="The folder for the new files; it is made if it is not there.",
)
def command(result: Path, formats: tuple[Format, ...], out_dir: Path | None) -> None:
    """Write RESULT, the result.jsonl of a finished run, in other formats."""
    folder = result.parent if out_dir is None else out_dir
    if out_dir is not None:
        _make(folder)
    for path in convert(result, formats, folder):
        Console().say(f"{path}")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from error
