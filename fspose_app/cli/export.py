"""fspose export NETWORK: a network of the scheme as a file for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fspose_app.config import FILE_PRECISIONS, ExportSettings, Role, settings
from fspose_app.console import Console
from fspose_app.options import EXPORT_NAMES, default, export_options, given
from fspose_app.size import Bounds, Size
from models.runtimes.base import SUFFIXES, Precision, Target, cores
from models.runtimes.drift import Drift

NETWORKS: tuple[Role, ...] = ("slow", "fast", "transfer", "finder")
FINDER_SIZE = (192, 128)  # what the finder makes of a 16:9 picture


@click.command("export")
@click.argument("network", type=click.Choice(NETWORKS))
@click.option(
    "--to",
    "target",
    type=click.Choice(tuple(SUFFIXES)),
    required=True,
    help="The form of the file: an ONNX graph, an OpenVINO model (.xml and .bin) or a TorchScript "
    "program.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    show_default="the network's name, .onnx, .xml or .pt",
    help="The file.",
)
@click.option(
    "--check",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    show_default="none",
    help="A file that was exported before: it is compared, and nothing is written.",
)
@click.option(
    "--images",
    multiple=True,
    metavar="PATH",
    show_default="drawn people",
    help="Images (a file, folder or glob) on whose people the file is compared. May be given "
    "again.",
)
@click.option(
    "--size",
    type=Size(Bounds(32, 4096, 32)),
    metavar="WxH",
    show_default="{}x{}".format(*FINDER_SIZE),
    help="The pictures that an exported finder takes, in pixels.",
)
@click.option(
    "--precision",
    type=click.Choice(FILE_PRECISIONS),
    default=default(ExportSettings, "precision"),
    show_default=True,
    help="What the file calculates in; int8 learns the range of every layer from the people on "
    "--images.",
)
@export_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    network: Role,
    target: Target,
    out: Path | None,
    check: Path | None,
    images: tuple[str, ...],
    size: tuple[int, int] | None,
    config: Path | None,
    **_: Any,
) -> None:
    """Write NETWORK for another runtime, and say how far it drifts from torch.

    NETWORK is slow, fast, transfer or finder. The file's answers are compared with torch's before
    it gets its name; one that drifts is not written, where int8 may drift further than float32.
    Slow and fast take normalised crops and give maps, the transfer network takes current and
    reference maps, the finder takes normalised pictures and gives logits and boxes; the batch may
    have any size.
    """
    if check is not None and out is not None:
        raise click.UsageError("--check and --out exclude each other.")
    if size is not None and network != "finder":
        raise click.UsageError("--size is of the finder only.")
    path = check or out or Path(network + SUFFIXES[target])
    if path.suffix != SUFFIXES[target]:
        raise click.UsageError(f"A file for {target} ends in {SUFFIXES[target]}, {path} does not.")
    chosen = settings(ExportSettings, config, given(ctx, (*EXPORT_NAMES, "precision")))
    if chosen.precision == "int8" and check is None and not images:
        raise click.UsageError("--precision int8 needs --images with people to learn from.")
    from fspose_app import build, export_samples  # brings in torch
    from models.runtimes import files

    files.needed(target, chosen.precision)
    want = build.wanted(chosen)
    found = export_samples.of_images(images, want.finder().find) if images else None
    pictures = export_samples.drawn() if found is None else found
    name, whole = build.exportable(network, want, pictures, size or FINDER_SIZE)
    threads, console = chosen.threads or cores(), Console()
    precision: Precision = chosen.precision
    if check is not None:
        drift, precision = files.check(check, target, name, whole, threads)
    else:
        drift = files.write(path, target, name, whole, threads, precision)
    _tell(console, drift, "box corners" if network == "finder" else "keypoints")
    if check is not None:
        drift.refuse(str(check), precision)
    console.say(str(path))


def _tell(console: Console, drift: Drift, places: str) -> None:
    console.say(f"largest error {drift.largest:.2g}, mean {drift.mean:.2g}, of an ideal score of 1")
    console.say(
        f"{drift.counted} {places} moved by {drift.moved:.2g} pixels of the map at most, "
        f"{drift.moved_mean:.2g} in the mean"
    )
