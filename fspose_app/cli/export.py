"""fspose export NETWORK: a network of the scheme as a file for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import click

from fspose_app.config import FILE_PRECISIONS, ExportSettings, Role, settings
from fspose_app.console import Console
from fspose_app.options import EXPORT_NAMES, default, export_options, given
from models.runtimes.base import SUFFIXES, Precision, Target, cores
from models.runtimes.drift import Drift
from models.runtimes.ranges import SUFFIX

NETWORKS: tuple[Role, ...] = ("slow", "fast", "transfer", "finder")
RANGES: Literal["ranges"] = "ranges"
FORMS: dict[str, str] = dict(SUFFIXES) | {RANGES: SUFFIX}


@click.command("export")
@click.argument("network", type=click.Choice(NETWORKS))
@click.option(
    "--to",
    "target",
    type=click.Choice(tuple(FORMS)),
    required=True,
    help="The form of the file: an ONNX graph, an OpenVINO model (.xml and .bin), a TorchScript "
    "program, or only the ranges that int8 needs, to lie beside the weights.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    show_default="the network's name, .onnx, .xml, .pt or .ranges.json",
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
    help="Images (a file, folder or glob) on whose people the file is compared; an exported "
    "finder is on the whole images. May be given again.",
)
@click.option(
    "--precision",
    type=click.Choice(FILE_PRECISIONS),
    default=default(ExportSettings, "precision"),
    show_default=True,
    help="What the file calculates in; int8 learns the range of every layer from half of what is "
    "on --images.",
)
@export_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    network: Role,
    target: Target | Literal["ranges"],
    out: Path | None,
    check: Path | None,
    images: tuple[str, ...],
    config: Path | None,
    **_: Any,
) -> None:
    """Write NETWORK for another runtime, and say how far it drifts from torch.

    NETWORK is slow, fast, transfer or finder. The file's answers are compared with torch's before
    it gets its name; one that drifts is not written, where int8 may drift further than float32.
    Slow and fast take normalised crops and give maps, the transfer network takes current and
    reference maps, the finder takes normalised pictures of any sides, multiples of 32, and gives
    logits and boxes; the batch may have any size.
    """
    if check is not None and out is not None:
        raise click.UsageError("--check and --out exclude each other.")
    path = check or out or Path(network + FORMS[target])
    if not path.name.endswith(FORMS[target]):
        raise click.UsageError(f"A file for {target} ends in {FORMS[target]}, {path} does not.")
    chosen = settings(ExportSettings, config, given(ctx, (*EXPORT_NAMES, "precision")))
    if target == RANGES and (check is not None or network == "transfer"):
        what = "compared again" if check is not None else "learnt for the transfer network"
        raise click.UsageError(f"Ranges are not {what}.")
    int8 = chosen.precision == "int8" or target == RANGES
    if int8 and check is None and not images:
        raise click.UsageError("int8 needs --images with people to learn from.")
    from fspose_app import build, export_samples  # brings in torch
    from models.runtimes import files, learning

    files.needed("onnx" if target == RANGES else target, chosen.precision)
    want = build.wanted(chosen)
    if not images:
        pictures = export_samples.drawn()
    elif network == "finder":
        pictures = export_samples.whole_images(images)
    else:
        pictures = export_samples.of_images(images, want.finder().find)
    name, whole = build.exportable(network, want, pictures)
    threads, console = chosen.threads or cores(), Console()
    precision: Precision = "int8" if target == RANGES else chosen.precision
    if target == RANGES:
        drift = learning.write_ranges(path, whole, want.weights_of(network), threads)
    elif check is not None:
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
