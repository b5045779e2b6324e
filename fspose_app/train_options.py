"""Click options that the commands of `fspose train` share."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from models.training.published.schedule import Schedule

Command = TypeVar("Command", bound=Callable[..., Any])


class Milestones(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """`5,7`: epochs from 1, rising; an empty text is none."""

    name = "milestones"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"(\d+(,\d+)*)?", value):
            self.fail(f"{value!r} is not of the form 5,7.", param, ctx)
        epochs = tuple(int(number) for number in value.split(",") if number)
        if list(epochs) != sorted(set(epochs)) or 0 in epochs:
            self.fail(f"{value!r} should be rising epochs, counted from 1.", param, ctx)
        return epochs


class CropSize(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """`192x256`: width and height in pixels, multiples of 32 from 64 on.

    Of smaller crops the coarsest map would be a single cell, too little for batch normalisation.
    """

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", value)
        size = (int(match[1]), int(match[2])) if match else (0, 0)
        if min(size) < 64 or size[0] % 32 or size[1] % 32:
            self.fail(f"{value!r} is not WIDTHxHEIGHT in multiples of 32 from 64 on.", param, ctx)
        return size


def _with(options: tuple[Callable[[Command], Command], ...], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def data_options(command: Command) -> Command:
    """--recipe, --annotations and -o, which every recipe needs."""
    return _with(_DATA, command)


def schedule_options(schedule: Schedule) -> Callable[[Command], Command]:
    """--epochs and the others that say how long and how fast, with a recipe's defaults."""
    options = (
        click.option(
            "--epochs",
            type=click.IntRange(0),
            metavar="N",
            default=schedule.epochs,
            show_default=True,
            help="How often everybody is seen; 0 only writes the network as it begins.",
        ),
        click.option(
            "--batch-size",
            type=click.IntRange(1),
            metavar="N",
            default=schedule.batch,
            show_default=True,
            help="How many people one step learns from.",
        ),
        click.option(
            "--lr",
            type=click.FloatRange(0, min_open=True),
            metavar="RATE",
            default=schedule.rate,
            show_default=True,
            help="Adam's learning rate in the first epoch.",
        ),
        click.option(
            "--milestones",
            type=Milestones(),
            metavar="EPOCHS",
            default=",".join(map(str, schedule.milestones)),
            show_default=True,
            help="Epochs, counted from 1, at whose start the rate drops to a tenth.",
        ),
    )
    return lambda command: _with(options, command)


def run_options(command: Command) -> Command:
    """--start, --resume, --seed, --workers, --device and --threads."""
    return _with(_RUN, command)


def width_option(text: str) -> Callable[[Command], Command]:
    return click.option(
        "--width",
        type=click.IntRange(4),
        metavar="N",
        show_default="the published network",
        help=text,
    )


def images_option(command: Command) -> Command:
    return click.option(
        "--images",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER",
        required=True,
        help="The folder that the annotations' image paths start from.",
    )(command)


def sigma_option(shown: str) -> Callable[[Command], Command]:
    return click.option(
        "--sigma",
        type=click.FloatRange(0.5, 20),
        metavar="CELLS",
        show_default=shown,
        help="The standard deviation of the taught Gaussians, in cells of the maps.",
    )


half_body_option = click.option(
    "--half-body/--no-half-body",
    default=True,
    show_default=True,
    help="Whether three in ten crops show the upper or the lower body only.",
)
augment_option = click.option(
    "--augment/--no-augment",
    default=True,
    show_default=True,
    help="Whether crops vary at all: half bodies, scale, rotation and mirroring.",
)

_DATA = (
    click.option(
        "--recipe",
        type=click.Choice(["published"]),
        default="published",
        show_default=True,
        help="How it is trained: as FSPose was published.",
    ),
    click.option(
        "--annotations",
        type=click.Path(path_type=Path, exists=True),
        metavar="PATH",
        required=True,
        help="PoseTrack annotations to learn from: a folder of files, one per video, or one "
        "merged file.",
    ),
    click.option(
        "--out",
        "-o",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="FOLDER",
        required=True,
        help="Where the weights of each epoch, the log and the last state are written.",
    ),
)
_RUN = (
    click.option(
        "--start",
        type=click.Path(path_type=Path),
        metavar="FILE",
        show_default="random numbers",
        help="A checkpoint to begin with. Its last layer is left out where it is for other "
        "keypoints.",
    ),
    click.option(
        "--resume", is_flag=True, help="Go on with the run in the folder, with its settings."
    ),
    click.option(
        "--seed",
        type=click.IntRange(0),
        metavar="N",
        default=0,
        show_default=True,
        help="The same seed draws the same run again, with however many workers.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(0, 64),
        metavar="N",
        default=2,
        show_default=True,
        help="Threads that prepare batches ahead; 0 prepares them in between.",
    ),
    click.option(
        "--device",
        metavar="NAME",
        default="auto",
        show_default=True,
        help="Where the network learns: cpu, cuda, cuda:1 or mps. With auto, the best there is.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 512),
        metavar="N",
        show_default="one per core",
        help="Threads that the network uses on a CPU.",
    ),
)
