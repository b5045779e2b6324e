"""fspose data: annotation files of the published data sets, brought into one form."""

from __future__ import annotations

from collections.abc import Sequence as Several
from pathlib import Path

import click

from data.draft_folder import draft_folder
from data.filling import Filling, check_boxes, with_boxes, with_sizes, without_outside
from data.merged import write_merged
from data.posetrack import Sequence, write
from data.posetrack_set import read_set
from fspose_app.console import Console


@click.group("data")
def command() -> None:
    """Annotation files of the published data sets."""


@command.group("posetrack")
def posetrack() -> None:
    """PoseTrack 2017, 2018 and 2021."""


@posetrack.command("prepare")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The merged JSON to write, or with --split a new folder.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    show_default="none",
    help="The folder that holds images/: sizes that are missing are read there, and every image "
    "must be there.",
)
@click.option(
    "--split",
    is_flag=True,
    help="Write one PoseTrack18 file per video. Taken as said when --out is no .json file.",
)
@click.option(
    "--skip-outside",
    is_flag=True,
    help="Leave out people whose box lies wholly outside of the picture, instead of stopping.",
)
def prepare(source: Path, out: Path, images: Path | None, split: bool, skip_outside: bool) -> None:
    """Merge the annotations of SOURCE into the one JSON that training and validation read.

    SOURCE is a folder of per-video files (PoseTrack18 and 21 JSON, PoseTrack17 annolist JSON and
    .mat, also mixed) or one merged JSON. What the files lack is filled in: boxes from the
    keypoints, areas, sizes of images. With --split, the other way: per-video PoseTrack18 files.
    """
    if source.exists() and out.exists() and source.samefile(out):
        raise click.UsageError("--out is SOURCE itself; name another one.")
    console = Console()
    with console.progress("reading", done=0, total=None) as show:
        sequences = read_set(source, show).sequences
    is_split = split or out.suffix.lower() != ".json"
    filled = []
    filling = Filling()
    for sequence in sequences:
        whole, done = _filled(sequence, images, skip_outside, needs_sizes=not is_split)
        filled.append(whole)
        filling += done
    if is_split:
        _write_split(filled, out, console)
    else:
        _write_merged(filled, out, console)
    rows = _summary(filled, filling, has_areas=not is_split)
    console.table(rows, columns=("what", "count"), right=(1,))
    console.say(f"{out}")


def _filled(
    sequence: Sequence, images: Path | None, skip_outside: bool, *, needs_sizes: bool
) -> tuple[Sequence, Filling]:
    sequence, filling = with_boxes(sequence)
    if needs_sizes or images is not None:
        sequence, sizes = with_sizes(sequence, images)
        filling += sizes
    if skip_outside:
        sequence, outside = without_outside(sequence)
        return sequence, filling + outside
    check_boxes(sequence)
    return sequence, filling


def _write_merged(sequences: Several[Sequence], out: Path, console: Console) -> None:
    total = sum(len(sequence.frames) for sequence in sequences)
    with console.progress("writing", done=0, total=total) as show:
        write_merged(sequences, out, show)


def _write_split(sequences: Several[Sequence], out: Path, console: Console) -> None:
    total = sum(len(sequence.frames) for sequence in sequences)
    done = 0
    with (
        draft_folder(out) as folder,
        console.progress("writing", done=0, total=total) as show,
    ):
        for sequence in sequences:
            write(sequence, folder / f"{sequence.name}.json")
            done += len(sequence.frames)
            show(done)


def _summary(
    sequences: Several[Sequence], filling: Filling, *, has_areas: bool
) -> list[tuple[str, str]]:
    frames = [frame for sequence in sequences for frame in sequence.frames]
    people = sum(len(frame.people) for frame in frames)
    counts = {
        "sequences": len(sequences),
        "frames": len(frames),
        "labelled frames": sum(frame.is_labeled for frame in frames),
        "people": people,
        "boxes filled in": filling.boxes,
        "areas filled in": people if has_areas else 0,
        "sizes filled in": filling.sizes,
        "people left out": filling.outside,
    }
    return [(what, str(count)) for what, count in counts.items()]
