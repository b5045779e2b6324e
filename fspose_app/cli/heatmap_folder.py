"""fspose heatmaps import and export: the published database, a folder of .pt files."""

from __future__ import annotations

from pathlib import Path

import click

from data.crop import Crop
from data.draft_folder import draft_folder
from data.errors import StoreError
from data.heatmap_file import HeatmapFile
from data.heatmap_store import UNKNOWN, Header, Key
from data.packing import Precision
from data.posetrack_set import read_set
from data.skeleton import FSPOSE_19, POSETRACK_17, Skeleton
from fspose_app.config import NetName
from fspose_app.console import Console
from fspose_app.heatmap_options import (
    SOME_FAILED,
    database_argument,
    net_option,
    out_option,
    precision_option,
)
from fspose_app.heatmap_report import show_list
from fspose_app.size import PICTURES, Size
from pipelines.heatmap_job import boxed, copy

STRIDE, PADDING = 4, 1.25  # of the published networks' maps and crops (FSPose specification 1.3)


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--annotations",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    required=True,
    help="The annotations that the folder was made for; the boxes are read there.",
)
@net_option
@out_option
@precision_option
@click.option(
    "--image-size",
    type=Size(PICTURES),
    metavar="WxH",
    show_default="as annotated",
    help="The pictures' width and height, where the annotations do not say them.",
)
@click.pass_context
def import_folder(
    ctx: click.Context,
    /,
    folder: Path,
    annotations: Path,
    net: NetName,
    out: Path,
    precision: Precision,
    image_size: tuple[int, int] | None,
) -> None:
    """Read a published database, a FOLDER of .pt files, into a database of fspose.

    FOLDER is the one that holds val/VIDEO/FRAME/TRACK.pt. The files say nothing of the boxes: they
    are computed from the annotations, as the published code does. Where files are missing, the
    others are read and the exit code is 5.
    """
    from models.torch_store import TorchFolder, path_of, read_maps  # brings in torch

    annotated, console = read_set(annotations), Console()
    people = boxed(annotated, image_size)
    found = [one for key, one in people.items() if path_of(folder, key).is_file()]
    if not found:
        example = path_of(folder, next(iter(people), Key("val", "VIDEO/000000", 1)))
        raise StoreError(f"{folder} holds nobody who is annotated; expected files as {example}.")
    first = path_of(folder, found[0].key)
    keypoints, height, width = read_maps(first).shape
    size = (STRIDE * width, STRIDE * height)
    source = TorchFolder(folder, {o.key: Crop.around(o.box, size, PADDING) for o in found})
    header = Header(
        net=net,
        network=f"imported: {folder.name}",
        weights=UNKNOWN,
        annotations=annotated.sha256,
        skeleton=_skeleton(keypoints, first).name,
        size=size,
        precision=precision,
    )
    with HeatmapFile.append(out, header) as store:
        there = set(store.keys())
        fresh = [one for one in found if one.key not in there]
        with console.progress("import", done=0, total=len(fresh), unit="records") as tell:
            copy(source, store, fresh, tell)
        missing = [key for key in people if not source.has(key)]
        if not missing:
            store.finish()
    console.say(str(out))
    strangers = sum(1 for _ in folder.rglob("*.pt")) - len(found)
    rows = [
        ("records", f"{len(found)} ({len(fresh)} of them now)"),
        ("maps", f"{width} x {height}"),
    ]
    rows += [("not annotated", f"{strangers} files, left out")] if strangers else []
    console.table(rows, columns=("imported", ""))
    if missing:
        show_list(console, f"{len(missing)} annotated people have no file:", missing)
        ctx.exit(SOME_FAILED)


def _skeleton(keypoints: int, path: Path) -> Skeleton:
    """The keypoints of maps of which nothing is known but their number."""
    for skeleton in (POSETRACK_17, FSPOSE_19):
        if len(skeleton) == keypoints:
            return skeleton
    raise StoreError(f"{path} holds maps of {keypoints} keypoints, expected 17 or 19.")


@click.command("export")
@database_argument
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def export_folder(file: Path, folder: Path) -> None:
    """Write the maps of FILE into FOLDER as the published database has them.

    One .pt file per person and frame, VIDEO/FRAME/TRACK.pt, each a tensor with a storage of its
    own. FOLDER must be new or empty.
    """
    from models.torch_store import write_maps  # brings in torch

    console = Console()
    with HeatmapFile.read(file) as store:
        keys = store.keys()
        with (
            draft_folder(folder) as fresh,
            console.progress("export", done=0, total=len(keys), unit="records") as tell,
        ):
            for done, key in enumerate(keys, 1):
                write_maps(fresh, key, store.get(key).maps)
                tell(done)
    console.say(f"{folder}: {len(keys)} files")
