"""fspose train: the networks of the scheme (finder, slow, fast, transfer), and the detectors."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from fspose_app.console import Console, clock_time
from fspose_app.options import given
from fspose_app.stopping import StopRequest
from fspose_app.train_config import TrainSettings, TransferSettings
from fspose_app.train_detectors import DETECTORS
from fspose_app.train_kinds import chosen
from fspose_app.train_options import (
    PACK_NAMES,
    PLAN_NAMES,
    RUN_NAMES,
    detector_names,
    settings_options,
)

if TYPE_CHECKING:
    from fspose_app.training import Training

_NOT_SETTINGS = ("preset", "config", "resume", "dry_run")
_CROPS = ("annotations", "images", "val")
_POSE = (
    *(*_CROPS, "hold_out", *PACK_NAMES, "network", "width", "size", "sigma", "half_body"),
    *("augment", "teacher", *PLAN_NAMES, *RUN_NAMES, "out"),
)
_FINDER = (*_CROPS, "hold_out", *PACK_NAMES, "width", "trunk", *PLAN_NAMES, *RUN_NAMES, "out")
_TRANSFER = (
    *("annotations", "heatmaps_slow", "heatmaps_fast", "pairs", "support_range", "width"),
    *("sigma", *PACK_NAMES, "family", "pool", *PLAN_NAMES, *RUN_NAMES, "out"),
)


@click.group("train")
def command() -> None:
    """Train a network of the scheme, or a detector, on annotated people.

    The defaults that are shown are those of the first recipe; the other one and the presets have
    their own. `torchrun --nproc-per-node 2 -m fspose_app train ...` shares a training between two
    processes.
    """


@command.command("finder")
@settings_options("finder", _FINDER)
@click.pass_context
def finder(ctx: click.Context, /, **_: Any) -> None:
    """Train the person finder on whole images.

    With --trunk it begins with the trunk of a trained slow network of the family.
    """
    _run(ctx, "finder")


@command.command("slow")
@settings_options("slow", _POSE)
@click.pass_context
def slow(ctx: click.Context, /, **_: Any) -> None:
    """Train the slow network, an HRNet, on people's crops.

    The published one starts from HRNet's COCO weights: give their file to --start.
    """
    _run(ctx, "slow")


@command.command("fast")
@settings_options("fast", _POSE)
@click.pass_context
def fast(ctx: click.Context, /, **typed: Any) -> None:
    """Train the fast network on people's crops.

    The published MobileNet starts from MobilePose's network without its last layer: give its file
    to --start.
    """
    if typed["recipe"] == "published" and not typed["preset"] and (typed["width"] or 0) % 4:
        raise click.BadParameter("expected a multiple of 4.", param_hint="--width")
    _run(ctx, "fast")


@command.command("transfer")
@settings_options("transfer", _TRANSFER)
@click.pass_context
def transfer(ctx: click.Context, /, **_: Any) -> None:
    """Train the transfer network on the stored maps of the slow and the fast one.

    Both databases are made before with `fspose heatmaps create` for the same annotations; the two
    networks do not run. Without databases the family's own networks read drawn clips (--drawn) or
    those of the packs.
    """
    _run(ctx, "transfer")


def _detector(name: str) -> click.Command:
    """The command of a detector; what can be set, and the help, are its settings' own."""
    kind = DETECTORS[name]

    @settings_options(name, detector_names(kind))
    @click.pass_context
    def train(ctx: click.Context, /, **_: Any) -> None:
        _run(ctx, name)

    return click.command(name, help=inspect.cleandoc(kind.__doc__ or ""))(train)


for _name in DETECTORS:
    command.add_command(_detector(_name))


def _run(ctx: click.Context, network: str) -> None:
    """Train with a progress bar until the end or Ctrl-C, and tell where the weights are."""
    names = [name for name in ctx.params if name not in _NOT_SETTINGS]
    settings = chosen(network, ctx.params["preset"], ctx.params["config"], given(ctx, names))
    _require(settings, dry_run=ctx.params["dry_run"])
    from fspose_app import training, training_data  # brings in torch

    console = Console()
    if ctx.params["dry_run"]:
        with training_data.borrowed_cache(settings) as lent:
            _show(console, _prepared(console, lent, network, resume=ctx.params["resume"]))
        return
    train = _prepared(console, settings, network, resume=ctx.params["resume"])
    if not training.leads():
        with StopRequest() as stop:
            if not train(lambda done, note="": None, stop):
                ctx.exit(stop.exit_code)
        return
    with StopRequest() as stop:
        label = "training"
        with console.progress(label, done=train.done, total=train.total, unit=train.unit) as tell:
            is_whole = train(tell, stop)
        if not is_whole:
            console.note("Stopped. The same command with --resume goes on from here.")
            ctx.exit(stop.exit_code)
    console.say(str(train.final))


def _prepared(console: Console, settings: TrainSettings, network: str, *, resume: bool) -> Training:
    """The training, of which is told what the person should know before."""
    from fspose_app import training

    train = training.prepare(settings, network, resume=resume)
    if training.leads():
        for note in train.notes:
            console.note(note)
    return train


def _require(settings: TrainSettings, *, dry_run: bool) -> None:
    """Usage errors for what must be given, on the command line or in a file."""
    if settings.out is None and not dry_run:
        raise click.UsageError("Missing option '--out' / '-o'.")
    other = any(getattr(settings, name, None) for name in ("packs", "drawn"))
    if isinstance(settings, TransferSettings):
        stores = {"slow": settings.heatmaps_slow, "fast": settings.heatmaps_fast}
        if other and not any(stores.values()):
            return
        for net in settings.pairs.split("-"):
            if stores[net] is None:
                raise click.UsageError(f"--pairs {settings.pairs} needs --heatmaps-{net}.")
    if not settings.annotations and not other:
        more = "" if settings.recipe == "published" else " Or give --packs or --drawn."
        raise click.UsageError(f"Missing option '--annotations'.{more}")
    if settings.annotations and not getattr(settings, "images", True):
        raise click.UsageError("Missing option '--images'.")


def _show(console: Console, train: Training) -> None:
    """What a run would be, with the time of a few steps."""
    course, plan = train.course, train.plan
    seconds = train.seconds_per_step()
    shapes = " and ".join("x".join(map(str, shape)) for shape in course.inputs)
    steps = train.total if plan.minutes is None else 0
    if plan.minutes is not None and seconds:
        steps = round(60 * plan.minutes / seconds)
    rows = [
        ("network", train.settings["network"]),
        ("parameters", f"{course.parameters:,}"),
        ("cost of an image", f"{course.macs / 1e9:.4f} GMACs, input {shapes}"),
        ("examples", f"{len(course.lesson):,} an epoch"),
        ("batches", f"{train.steps_an_epoch:,} an epoch, of {plan.batch}"),
        ("steps", f"{steps:,}"),
        ("where", f"{train.run.device}, {plan.precision}"),
    ]
    if seconds is not None:
        whole = steps * seconds
        rows.append(("a step", f"{seconds:.3f} seconds"))
        rows.append(("expected", f"{whole / 3600:.2f} hours ({clock_time(whole)})"))
    console.table(rows, columns=("", ""))
