"""fspose synth OUT_DIR: a drawn clip of people, with its exact annotation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from data.draft import Draft
from data.errors import OutputError
from data.frame import Image
from data.posetrack import dumps
from data.sources import open_source
from data.synthetic.presets import PRESETS
from data.synthetic.scene import Scene, Truth, sequence
from data.video_writer import VideoWriter
from fspose_app.console import Console

CLIP, TRUTH = "clip.mp4", "clip.json"


class Size(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """`640x360`: width and height in pixels."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", value)
        if not match or min(int(match[1]), int(match[2])) < 32:
            self.fail(f"{value!r} is not of the form WIDTHxHEIGHT, from 32x32 on.", param, ctx)
        return int(match[1]), int(match[2])


@click.command("synth")
@click.argument("out_dir", type=click.Path(path_type=Path))
@click.option(
    "--scene",
    "preset",
    type=click.Choice(list(PRESETS)),
    default="random",
    show_default=True,
    help="What happens: anything, people who cross each other, or the repository's demo.",
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
    show_default="the scene's own number",
    help="How many people there are.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 600),
    metavar="SECONDS",
    show_default="the scene's own length",
    help="How long the clip is.",
)
@click.option(
    "--fps",
    type=click.FloatRange(1, 120),
    metavar="RATE",
    default=25.0,
    show_default=True,
    help="Frames per second.",
)
@click.option(
    "--size",
    type=Size(),
    metavar="WxH",
    default="640x360",
    show_default=True,
    help="The clip's width and height in pixels.",
)
@click.option(
    "--background",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    show_default="a drawn one",
    help="An image to draw the people on.",
)
def command(
    out_dir: Path,
    preset: str,
    seed: int,
    people: int | None,
    seconds: float | None,
    fps: float,
    size: tuple[int, int],
    background: Path | None,
) -> None:
    """Draw people who walk, wave and dance, and write clip.mp4 with its truth, clip.json.

    The truth is in the PoseTrack18 format: every person's keypoints, exact, with what is hidden,
    boxes and tracks. Both are put into OUT_DIR, which is made if it is not there.
    """
    wishes = {"people": people, "seconds": seconds, "background": _image(background)}
    given = {name: wish for name, wish in wishes.items() if wish is not None}
    scene = PRESETS[preset](seed, size=size, fps=fps, **given)
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
