"""Click options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
import yaml
from click.core import ParameterSource
from pydantic import BaseModel

from fspose_app.config import (
    FUSION,
    NOT_YAML,
    Format,
    NetworkSettings,
    Role,
    RunSettings,
    Scheme,
    SchemeSettings,
    TrackSettings,
)
from fspose_app.finite import Finite
from models.runtimes.base import PRECISIONS
from models.runtimes.base import WISHES as RUNTIMES
from pipelines import fusion

Command = TypeVar("Command", bound=Callable[..., Any])
Callback = Callable[[click.Context, click.Parameter, Any], Any]

ROLES: tuple[str, ...] = get_args(Role)
FORMATS: tuple[Format, ...] = get_args(Format)
NETWORK_NAMES = (
    "backend",
    "backend_options",
    "weights",
    "weights_as",
    "family",
    "flip_test",
    "device",
    "runtime",
    "precision",
    "threads",
)
"""The settings that `network_options` reads."""
SCHEME_NAMES = (
    *("scheme", "keyframes", "interval", "budget", "skip", "search_interval", "fusion"),
    "smooth",
)
"""The settings that `scheme_options` reads."""
NET_NAMES = ("weights", "weights_as", "family", "device", "threads")
"""The settings that `net_options` reads."""
BENCH_NAMES = (*NET_NAMES, "runtime", "precision")
"""The settings that `bench_options` reads."""
EXPORT_NAMES = ("weights", "weights_as", "family", "threads")
"""The settings that `export_options` reads."""


def default(kind: type[BaseModel], name: str) -> Any:
    """The default of a setting, for click to show: it is written in one place only."""
    return kind.model_fields[name].default


def given(ctx: click.Context, names: Sequence[str]) -> dict[str, object]:
    """Of these parameters those that the person typed, so that defaults do not hide a file's."""
    return {
        name: ctx.params[name]
        for name in names
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }


class FusionName(click.Choice):  # type: ignore[type-arg]  # click 8.1 has it without
    """A fusion's name, which its published number stands for as well."""

    def __init__(self) -> None:
        super().__init__(fusion.names())

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return super().convert(fusion.named(value), param, ctx)


class KeyframesName(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """every, every:N or adaptive."""

    name = "keyframes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if re.fullmatch(r"adaptive|every(:[1-9][0-9]{0,5})?", str(value)) is None:
            self.fail(f"{value!r} is neither every, every:N nor adaptive.", param, ctx)
        return value


def _pairs(form: str, keys: Sequence[str], value_of: Callable[[str], object]) -> Callback:
    """A callback for an option of the form KEY=VALUE that may be given again: a dictionary."""

    def read(ctx: click.Context, param: click.Parameter, values: Any) -> Any:
        pairs = {}
        for text in values:
            key, _, value = text.partition("=")
            if not key or not value:
                raise click.BadParameter(f"{text!r} is not of the form {form}.")
            if keys and key not in keys:
                raise click.BadParameter(f"{key!r} is not one of {', '.join(keys)}.")
            pairs[key] = value_of(value)
        return pairs

    return read


def _scalar(text: str) -> object:
    """`0.5`, `12`, `true` and words, as the settings file would read them."""
    try:
        value = yaml.safe_load(text)
    except NOT_YAML:
        return text
    return value if isinstance(value, (bool, int, float, str, type(None))) else text


def network_options(command: Command) -> Command:
    """--backend, --weights, --family, --device and the others that choose networks."""
    runs = (_FLIP_TEST, _RUNTIME, _PRECISION)
    return _with((*_BACKEND_OPTIONS, *_WEIGHTS_OPTIONS, *runs, *_DEVICE_OPTIONS), command)


def scheme_options(command: Command) -> Command:
    """--scheme and what goes with it: how people are followed from frame to frame."""
    return _with(_SCHEME_OPTIONS, command)


def passes_option(what: str) -> Callable[[Command], Command]:
    """--two-pass and --causal, for commands that follow `what` (a file) and live sources."""
    return click.option(
        "--two-pass/--causal",
        default=default(TrackSettings, "two_pass"),
        show_default="--two-pass where the other settings allow it",
        help=f"Whether {what} is followed in two passes, keyframes first and then what lies "
        "between them, or frame by frame, as what is live always is.",
    )


def net_options(command: Command) -> Command:
    """Of the options above those that choose one network for people whose boxes are known."""
    return _with((*_WEIGHTS_OPTIONS, *_DEVICE_OPTIONS), command)


def bench_options(command: Command) -> Command:
    """The same with runtime and precision: what runs all schemes of a benchmark."""
    return _with((*_WEIGHTS_OPTIONS, _RUNTIME, _PRECISION, *_DEVICE_OPTIONS), command)


def export_options(command: Command) -> Command:
    """The same without the device: what is compared runs on the CPU."""
    return _with((*_WEIGHTS_OPTIONS, *_DEVICE_OPTIONS[1:]), command)


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    show_default="none",
    help="Settings in YAML, named as these options; the command line overrides them.",
)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


_BACKEND_OPTIONS = (
    click.option(
        "--backend",
        metavar="NAME",
        default=default(NetworkSettings, "backend"),
        show_default=True,
        help="Who finds the people; `fspose backends` lists the names.",
    ),
    click.option(
        "--backend-option",
        "backend_options",
        metavar="KEY=VALUE",
        multiple=True,
        callback=_pairs("KEY=VALUE", (), _scalar),
        show_default="the backend's own",
        help="An option of the backend, as `fspose backends` lists them. May be given again.",
    ),
)
_WEIGHTS_OPTIONS = (
    click.option(
        "--weights",
        metavar="ROLE=FILE",
        multiple=True,
        callback=_pairs("ROLE=FILE", ROLES, str),
        show_default="the embedded ones",
        help=f"A checkpoint for one of {', '.join(ROLES)}: a file, or the name of a fetched one; "
        "for finder, slow, fast and transfer also a file of `fspose export`. May be given again.",
    ),
    click.option(
        "--weights-as",
        "weights_as",
        metavar="ROLE=NAME",
        multiple=True,
        callback=_pairs("ROLE=NAME", ("slow", "fast"), str),
        show_default="by the file's name or SHA-256, else FSPose's own",
        help="The published checkpoint whose keypoints and size of crop a file given with "
        "--weights has; `fspose models list` shows the names. May be given again.",
    ),
    click.option(
        "--family",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        metavar="FOLDER",
        show_default="the embedded one",
        help="A folder with another family of finder, slow, fast and transfer network.",
    ),
)
_FLIP_TEST = click.option(
    "--flip-test/--no-flip-test",
    default=default(NetworkSettings, "flip_test"),
    show_default=True,
    help="Whether the slow network reads everyone twice, once mirrored: better and slower.",
)
_RUNTIME = click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    default=default(NetworkSettings, "runtime"),
    show_default=True,
    help="What runs finder, slow, fast and transfer network: torch, or on a CPU ONNX Runtime or "
    "OpenVINO, which are quicker. With auto, the quickest that is installed.",
)
_PRECISION = click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default=default(RunSettings, "precision"),
    show_default=True,
    help="What these networks calculate in: bfloat16 in torch and OpenVINO, half on a CUDA device. "
    "With int8, in ONNX Runtime and OpenVINO, those that have ranges or an int8 file of `fspose "
    "export`, as the embedded finder, slow and fast have; the others in bfloat16 or float32.",
)
_DEVICE_OPTIONS = (
    click.option(
        "--device",
        metavar="NAME",
        default=default(NetworkSettings, "device"),
        show_default=True,
        help="Where the networks run: cpu, cuda, cuda:1 or mps. With auto, the best there is.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 512),
        metavar="N",
        show_default="one per core",
        help="Threads that the networks use on a CPU.",
    ),
    config_option,
)
_SCHEME_OPTIONS = (
    click.option(
        "--scheme",
        type=click.Choice(get_args(Scheme)),
        default=default(SchemeSettings, "scheme"),
        show_default=True,
        help="The slow network on keyframes and a fast one between, or one backend on every frame.",
    ),
    click.option(
        "--keyframes",
        type=KeyframesName(),
        metavar="RULE",
        default=default(SchemeSettings, "keyframes"),
        show_default=True,
        help="When the slow network reads: every, for all people at once after each interval; "
        "every:N, the same with an interval of N; or adaptive, for each person when the evidence "
        "asks for it, while people who hardly move are not read on every frame.",
    ),
    click.option(
        "--interval",
        type=click.IntRange(1),
        metavar="N",
        default=default(SchemeSettings, "interval"),
        show_default=True,
        help="Frames from one keyframe to the next; with adaptive keyframes at most twice as many.",
    ),
    click.option(
        "--budget",
        type=Finite(0.0, 1_000_000),
        metavar="GMAC",
        show_default="none",
        help="Billions of multiply-adds per person and frame that adaptive keyframes may cost on "
        "the mean of a run; what finds the people is not counted.",
    ),
    click.option(
        "--skip",
        type=click.IntRange(0),
        metavar="N",
        show_default="3 with adaptive keyframes",
        help="Frames in a row on which who hardly moves may go unread, with adaptive keyframes.",
    ),
    click.option(
        "--search-interval",
        type=click.IntRange(1),
        metavar="N",
        default=default(SchemeSettings, "search_interval"),
        show_default=True,
        help="Frames after which new people are looked for at the latest.",
    ),
    click.option(
        "--fusion",
        type=FusionName(),
        default=default(SchemeSettings, "fusion"),
        show_default=f"{FUSION}, in two passes fast-only",
        help="How the maps of keyframe and present frame are merged; the published numbers do too.",
    ),
    click.option(
        "--smooth/--no-smooth",
        default=default(SchemeSettings, "smooth"),
        show_default="only with two passes",
        help="Whether keypoints are smoothed over time: in two passes without lag, else by a "
        "One-Euro filter as they come; the result file keeps what was read.",
    ),
)
