"""fspose heatmaps: the database of heatmaps: create, show, verify, import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from data.errors import SourceError, StoreError
from data.heatmap_file import HeatmapFile, told
from data.heatmap_store import Header, Key
from data.pose import Box
from data.posetrack_set import read_set
from data.skeleton import SKELETONS
from data.sources.folder import SUFFIXES, read_as_stored
from fspose_app.cli.heatmap_folder import export_folder, import_folder
from fspose_app.config import HeatmapSettings, settings
from fspose_app.console import Console
from fspose_app.heatmap_options import (
    SOME_FAILED,
    annotations_argument,
    database_argument,
    images_option,
    net_option,
    out_option,
    precision_option,
)
from fspose_app.heatmap_picture import picture, write_png
from fspose_app.heatmap_report import nearest, show_list, show_summary, show_verdict
from fspose_app.options import NET_NAMES, default, given, net_options
from pipelines.heatmap_check import check
from pipelines.heatmap_job import fill, plan, require_images
from pipelines.timing import Stopwatch


@click.group("heatmaps")
def command() -> None:
    """The database of heatmaps, one record per annotated person and frame."""


command.add_command(import_folder)
command.add_command(export_folder)


@command.command("create")
@annotations_argument
@images_option
@net_option
@out_option
@precision_option
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    default=default(HeatmapSettings, "batch"),
    show_default=True,
    help="How many people the network reads at once, of one frame or several.",
)
@net_options
@click.pass_context
def create(
    ctx: click.Context,
    /,
    annotations: Path,
    images: Path,
    out: Path,
    config: Path | None,
    **_: Any,
) -> None:
    """Let a network read every person of ANNOTATIONS and store the heatmaps.

    ANNOTATIONS is a folder of PoseTrack files, one per video, or one merged file. A run that was
    interrupted goes on where it stopped. Where some of the images cannot be read, the others are
    done, the failed ones are listed, and the exit code is 5.
    """
    from fspose_app import build  # brings in torch

    typed = given(ctx, (*NET_NAMES, "net", "precision", "batch"))
    chosen = settings(HeatmapSettings, config, typed)
    annotated = read_set(annotations)
    require_images(annotated, images)
    net, ((network, weights),) = build.stored_net(chosen, build.wanted(chosen))
    header = Header(
        net=chosen.net,
        network=network,
        weights=weights,
        annotations=annotated.sha256,
        skeleton=net.skeleton.name,
        size=net.crops([Box(0, 0, 1, 1)])[0].size,
        precision=chosen.precision,
    )
    console, watch = Console(), Stopwatch()
    with HeatmapFile.append(out, header) as store, watch("all"):
        work = plan(annotated, store.keys())
        total = work.frames_before + len(work.frames)
        with console.progress("heatmaps", done=work.frames_before, total=total) as tell:
            tally = fill(store, work, images, net, batch=chosen.batch, tell=tell, clock=watch)
        if not tally.failed:
            store.finish()
    console.say(str(out))
    show_summary(console, out, header, work, tally, watch)
    if tally.failed:
        show_list(console, f"{len(tally.failed)} images could not be read:", tally.failed)
        ctx.exit(SOME_FAILED)


@command.command("show")
@database_argument
@click.option("--video", metavar="NAME", required=True, help="The video, as val/000342_mpii_test.")
@click.option("--frame", metavar="NAME", required=True, help="The frame's name, as 000017.")
@click.option("--track", type=int, metavar="N", required=True, help="The person's track number.")
@images_option
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    default="heatmaps.png",
    show_default=True,
    help="The picture.",
)
def show(file: Path, video: str, frame: str, track: int, images: Path, out: Path) -> None:
    """Draw the maps of one person of FILE over the person's crop.

    The first panel holds all keypoints, each of the others one, with the decoded position and the
    score.
    """
    key = Key(video, frame, track)
    with HeatmapFile.read(file) as store:
        if not store.has(key):
            raise StoreError(f"{file} holds no heatmaps of {key}; {nearest(key, store.keys())}")
        record, header = store.record(key), store.header
    image = read_as_stored(_image_of(key, images))
    title = f"{header.net}, {header.precision}"
    write_png(out, picture(record.heatmaps, image, SKELETONS[header.skeleton], title))
    Console().say(str(out))


@command.command("verify")
@database_argument
@click.option(
    "--annotations",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    show_default="none",
    help="The annotations that it was made for: who is missing is looked up there.",
)
@click.pass_context
def verify(ctx: click.Context, /, file: Path, annotations: Path | None) -> None:
    """Look for damage in FILE, and for people who are missing.

    The exit code is 5 where some records are damaged or missing, and 1 where FILE as a whole is
    damaged or belongs to other annotations.
    """
    console = Console()
    with HeatmapFile.read(file) as store:
        wanted = None
        if annotations is not None:
            annotated = read_set(annotations)
            if annotated.sha256 != store.header.annotations:
                raise StoreError(
                    f"{file} was made for other annotations: "
                    f"{told(store.header.annotations)}, and {annotations} is "
                    f"{told(annotated.sha256)}."
                )
            wanted = plan(annotated, ()).wanted
        count = len(store)
        with console.progress("verify", done=0, total=count, unit="records") as tell:
            found = check(store, wanted, tell)
        finished, header = store.is_finished, store.header
    show_verdict(console, header, found, finished=finished)
    if found.flaws or (found.damaged and len(found.damaged) == found.records):
        ctx.exit(1)
    if found.damaged or found.missing or found.strangers or not finished:
        ctx.exit(SOME_FAILED)


def _image_of(key: Key, images: Path) -> Path:
    """The image of a frame below the folder that the annotations' paths start from."""
    folders = [images / "images" / key.video, images / key.video]
    tried = [folder / f"{key.frame}{suffix}" for folder in folders for suffix in SUFFIXES]
    for path in tried:
        if path.is_file():
            return path
    raise SourceError(
        f"{images}: there is no image {key.video}/{key.frame} in it or its folder 'images'."
    )
