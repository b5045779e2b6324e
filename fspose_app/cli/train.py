"""fspose train slow | fast | transfer: the networks of the scheme, as they were published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fspose_app import train_options as options
from fspose_app.console import Console
from fspose_app.stopping import StopRequest
from models.training.published.schedule import FAST, SLOW, SUPPORT_RANGE, TRANSFER

if TYPE_CHECKING:
    from fspose_app.training import Training


@click.group("train")
def command() -> None:
    """Train a network of the scheme on annotated people."""


@command.command("slow")
@options.data_options
@options.images_option
@click.option(
    "--network",
    type=click.Choice(["w32", "w48"]),
    default="w32",
    show_default=True,
    help="HRNet of width 32 or 48.",
)
@options.width_option("A narrow and shallow HRNet of this width, to try things out on a CPU.")
@click.option(
    "--size",
    type=options.CropSize(),
    metavar="WxH",
    show_default="192x256, of w48 288x384",
    help="The crops' width and height in pixels, multiples of 32.",
)
@options.sigma_option("2, of crops from 288x384 on 3")
@options.half_body_option
@options.augment_option
@options.schedule_options(SLOW)
@options.run_options
@click.pass_context
def slow(ctx: click.Context, /, **typed: Any) -> None:
    """Train the slow network, HRNet, on people's crops.

    The published one starts from HRNet's COCO weights: give their file to --start.
    """
    from fspose_app import training  # brings in torch

    _run(ctx, training.slow(typed))


@command.command("fast")
@options.data_options
@options.images_option
@options.width_option("The first convolution's width in place of 32, a multiple of 4.")
@click.option(
    "--size",
    type=options.CropSize(),
    metavar="WxH",
    default="224x224",
    show_default=True,
    help="The crops' width and height in pixels, multiples of 32.",
)
@options.sigma_option("2")
@options.half_body_option
@options.augment_option
@options.schedule_options(FAST)
@options.run_options
@click.pass_context
def fast(ctx: click.Context, /, **typed: Any) -> None:
    """Train the fast network, MobileNet, on people's crops.

    The published one starts from MobilePose's network without its last layer: give its file to
    --start.
    """
    from fspose_app import training  # brings in torch

    if (typed["width"] or 0) % 4:
        raise click.BadParameter("expected a multiple of 4.", param_hint="--width")
    _run(ctx, training.fast(typed))


@command.command("transfer")
@options.data_options
@click.option(
    "--heatmaps-slow",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    show_default="none",
    help="The slow network's database for these annotations, of `fspose heatmaps create`.",
)
@click.option(
    "--heatmaps-fast",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    show_default="none",
    help="The fast network's database for these annotations.",
)
@click.option(
    "--pairs",
    type=click.Choice(["fast-slow", "fast", "slow"]),
    default="fast-slow",
    show_default=True,
    help="Whose maps: the fast network's on the current frame, re-drawn in the slow one's space, "
    "and the slow one's as support (published --use_both_heatmap); the fast one's on both frames, "
    "in its own space, for --weights light-transfer (--is_light); or the slow one's on both.",
)
@click.option(
    "--support-range",
    type=click.IntRange(1),
    metavar="N",
    default=SUPPORT_RANGE,
    show_default=True,
    help="How many annotated frames of the track the support lies back at most; 1 is what the "
    "published programs come to by an error.",
)
@options.width_option("A network of three blocks with so many channels, in place of twenty of 128.")
@options.sigma_option("2, of crops from 288x384 on 3")
@options.schedule_options(TRANSFER)
@options.run_options
@click.pass_context
def transfer(ctx: click.Context, /, **typed: Any) -> None:
    """Train the transfer network on the stored maps of the slow and the fast one.

    Both databases are made before with `fspose heatmaps create` for the same annotations; the two
    networks do not run.
    """
    from fspose_app import training  # brings in torch

    for net in typed["pairs"].split("-"):
        if typed[f"heatmaps_{net}"] is None:
            raise click.UsageError(f"--pairs {typed['pairs']} needs --heatmaps-{net}.")
    _run(ctx, training.transfer(typed))


def _run(ctx: click.Context, train: Training) -> None:
    """Train with a progress bar until the end or Ctrl-C, and tell where the weights are."""
    console = Console()
    for note in train.notes:
        console.note(note)
    with StopRequest() as stop:
        with console.progress("training", done=0, total=train.steps, unit="steps") as tell:
            is_whole = train(tell, stop)
        if not is_whole:
            console.note("Stopped. The same command with --resume goes on from here.")
            ctx.exit(stop.exit_code)
    console.say(str(train.final))
