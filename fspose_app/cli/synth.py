"""fspose synth OUT_DIR: a drawn clip, or a small PoseTrack18 tree, with its exact annotation."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from data.draft import Draft
from data.draft_folder import draft_folder
from data.errors import OutputError
from data.frame import Image
from data.posetrack import dumps
from data.sources import open_source
from data.synthetic.posetrack_tree import TreePlan, write_tree
from data.synthetic.presets import PRESETS
from data.synthetic.scene import Scene, Truth, sequence
from data.video_writer import VideoWriter
from fspose_app.console import Console
from fspose_app.finite import Finite
from fspose_app.size import PICTURES, Size

CLIP, TRUTH = "clip.mp4", "clip.json"
CLIP_FPS, CLIP_SIZE = 25.0, (640, 360)
TREE_FPS, TREE_SIZE, TREE_PEOPLE = 12.0, (320, 240), 3
_TYPED = ParameterSource.COMMANDLINE
OF_CLIPS = ("preset", "seconds", "background")
OF_TREES = ("sequences", "frames", "label_every")


@click.command("synth")
@click.argument("out_dir", type=click.Path(path_type=Path))
@click.option(
    "--scene",
    "preset",
    type=click.Choice(list(PRESETS)),
    default="random",
    show_default=True,
    help="What happens in a clip: anything, people who cross each other, or the repository's demo.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    default=0,
    show_default=True,
    help="The same seed draws the same clip again.",
)
@click.option(
    "--people",
    type=click.IntRange(1, 30),
    metavar="N",
    show_default=f"the scene's own number, of a tree {TREE_PEOPLE}",
    help="How many people there are.",
)
@click.option(
    "--seconds",
    type=Finite(0.1, 600),
    metavar="SECONDS",
    show_default="the scene's own length",
    help="How long the clip is.",
)
@click.option(
    "--fps",
    type=Finite(1, 120),
    metavar="RATE",
    show_default=f"{CLIP_FPS:g}, of a tree {TREE_FPS:g}",
    help="Frames per second.",
)
@click.option(
    "--size",
    type=Size(PICTURES),
    metavar="WxH",
    show_default="640x360, of a tree 320x240",
    help="The pictures' width and height in pixels.",
)
@click.option(
    "--background",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    show_default="a drawn one",
    help="An image to draw the people on.",
)
@click.option(
    "--posetrack",
    is_flag=True,
    help="Draw a small data set in PoseTrack18's tree, images/ and annotations/, not a clip.",
)
@click.option(
    "--sequences",
    type=click.IntRange(2, 1000),
    metavar="N",
    default=4,
    show_default=True,
    help="With --posetrack: how many videos, by turns of the splits train and val.",
)
@click.option(
    "--frames",
    type=click.IntRange(1, 9999),
    metavar="M",
    default=24,
    show_default=True,
    help="With --posetrack: how many frames a video has.",
)
@click.option(
    "--label-every",
    type=click.IntRange(1),
    metavar="N",
    default=1,
    show_default=True,
    help="With --posetrack: every how many frames one is annotated.",
)
@click.pass_context
def command(
    ctx: click.Context,
    out_dir: Path,
    preset: str,
    seed: int,
    people: int | None,
    seconds: float | None,
    fps: float | None,
    size: tuple[int, int] | None,
    background: Path | None,
    posetrack: bool,
    sequences: int,
    frames: int,
    label_every: int,
) -> None:
    """Draw people who walk, wave and dance, and write clip.mp4 with its truth, clip.json.

    The truth is in the PoseTrack18 format: every person's keypoints, exact, with what is hidden,
    boxes and tracks. Both are put into OUT_DIR, which is made if it is not there.

    With --posetrack, write a whole small data set instead: people stay, come and go, and some
    stand in regions to ignore. OUT_DIR must then be new or empty.
    """
    _refuse(ctx, OF_CLIPS if posetrack else OF_TREES, of="a clip" if posetrack else "a tree")
    if posetrack:
        plan = TreePlan(
            sequences,
            frames,
            size or TREE_SIZE,
            seed,
            people=people or TREE_PEOPLE,
            fps=fps or TREE_FPS,
            label_every=label_every,
        )
        _draw_tree(plan, out_dir)
        return
    wishes = {"people": people, "seconds": seconds, "background": _image(background)}
    given = {name: wish for name, wish in wishes.items() if wish is not None}
    scene = PRESETS[preset](seed, size=size or CLIP_SIZE, fps=fps or CLIP_FPS, **given)
    _draw_clip(scene, out_dir)


def _refuse(ctx: click.Context, names: tuple[str, ...], *, of: str) -> None:
    """Tell of options that were typed and belong to the other kind of drawing."""
    for option in ctx.command.params:
        if option.name in names and ctx.get_parameter_source(option.name) is _TYPED:
            raise click.UsageError(f"{option.opts[0]} is for {of}; see --posetrack.")


def _draw_tree(plan: TreePlan, out_dir: Path) -> None:
    console = Console()
    total = plan.sequences * plan.frames
    with (
        draft_folder(out_dir) as folder,
        console.progress("drawing", done=0, total=total) as show,
    ):
        write_tree(folder, plan, show)
    console.say(f"{out_dir / 'images'}")
    console.say(f"{out_dir / 'annotations'}")


def _draw_clip(scene: Scene, out_dir: Path) -> None:
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out_dir} cannot be made: {error.strerror or error}.") from error
    console = Console()
    _write(scene, out_dir, console)
    console.say(f"{out_dir / CLIP}")
    console.say(f"{out_dir / TRUTH}")


def _image(path: Path | None) -> Image | None:
    if path is None:
        return None
    with open_source(str(path)) as source:
        return next(iter(source)).image


def _write(scene: Scene, folder: Path, console: Console) -> None:
    """Draw the clip; neither file gets its name unless both are whole."""
    truths: list[tuple[Truth, ...]] = []
    with (
        Draft(folder / TRUTH) as draft,
        VideoWriter(folder / CLIP, scene.size, scene.fps) as writer,
        console.progress("drawing", done=0, total=len(scene)) as show,
    ):
        for frame, people in scene:
            writer.write(frame.image, frame.seconds)
            truths.append(people)
            show(len(truths))
        draft.write(dumps(sequence(Path(CLIP).stem, scene.size, truths)))
