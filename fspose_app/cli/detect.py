"""fspose detect IMAGES: the people of single images, as COCO results."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import click

from data.coco import CocoAnnotations, read_coco, write_coco_results
from data.skeleton import Skeleton
from fspose_app.config import DetectSettings, NetName, settings
from fspose_app.console import Console
from fspose_app.image_list import list_images, nothing_read, write_image_list
from fspose_app.options import NETWORK_NAMES, default, given, network_options
from fspose_app.stills import Reading, Stills, by_backend, on_boxes

SOME_FAILED = 5  # of several inputs: the exit code


@click.command("detect")
@click.argument("images", nargs=-1, required=True)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default="results.json",
    show_default=True,
    help="The COCO results file.",
)
@click.option(
    "--image-ids",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="ANNOTATIONS",
    show_default="numbers from 1, listed in a file beside the results",
    help="A COCO annotation file in which the images' ids are looked up by file name.",
)
@click.option(
    "--boxes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="ANNOTATIONS",
    show_default="people are found",
    help="A COCO annotation file whose people are taken, with their boxes and the images' ids.",
)
@click.option(
    "--net",
    type=click.Choice(get_args(NetName)),
    default=default(DetectSettings, "net"),
    show_default=True,
    help="Which network reads the people of --boxes.",
)
@click.option(
    "--overlay",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    show_default="none",
    help="A folder for pictures with the skeletons drawn.",
)
@network_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    images: tuple[str, ...],
    out: Path,
    image_ids: Path | None,
    boxes: Path | None,
    overlay: Path | None,
    config: Path | None,
    **_: Any,
) -> None:
    """Find the people of IMAGES (files, folders, globs) and write them as COCO results.

    Where some of several images cannot be read, the others' results are written, the failed ones
    are listed, and the exit code is 5.
    """
    typed = given(ctx, (*NETWORK_NAMES, "net"))
    if "net" in typed and boxes is None:
        raise click.UsageError("--net needs --boxes.")
    chosen = settings(DetectSettings, config, typed)
    truth = None if boxes is None else read_coco(boxes)
    ids = truth if image_ids is None else read_coco(image_ids)
    listed, console = list_images(images, ids), Console()
    if not listed.images:
        raise nothing_read(listed.failed)
    skeleton, reading = _reader(chosen, truth)
    with console.progress("detect", done=0, total=len(listed.images)) as tell:
        stills = Stills(listed, reading, skeleton, overlay, tell)
        write_coco_results(out, stills, skeleton)
    console.say(str(out))
    if ids is None:
        names = out.with_suffix(".images.json")
        write_image_list(names, listed.images)
        console.say(str(names))
    if stills.failed:
        _tell_failed(console, stills)
        ctx.exit(SOME_FAILED)


def _reader(chosen: DetectSettings, truth: CocoAnnotations | None) -> tuple[Skeleton, Reading]:
    """How people are read, and on which skeleton."""
    from fspose_app import build  # brings in torch

    want = build.wanted(chosen)
    if truth is None:
        backend, _ = build.single_images(want)
        return backend.skeleton, by_backend(backend)
    net, _ = build.net_on_boxes(chosen, want)
    return net.skeleton, on_boxes(net, truth)


def _tell_failed(console: Console, stills: Stills) -> None:
    console.note(f"{len(stills.failed)} of {stills.listed.total} inputs failed:")
    for error in stills.failed:
        console.note(f"  {error}")
