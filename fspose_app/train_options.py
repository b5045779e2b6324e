"""The options of the commands of `fspose train`; what they may be stands in `train_kinds`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_args

import click

from fspose_app.options import config_option
from fspose_app.train_config import TrainSettings
from fspose_app.train_detector_rows import ROWS as DETECTOR_ROWS
from fspose_app.train_detectors import DetectorSettings
from fspose_app.train_kinds import KINDS, presets, recipes
from fspose_app.train_rows import ROWS, Row

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Command], Command]


def settings_options(network: str, names: Sequence[str]) -> Callable[[Command], Command]:
    """The options of these names, each showing the default of the network's first recipe that
    has it; what else is said of a default comes after it."""
    kinds = [KINDS[network, recipe] for recipe in recipes(network)]
    made = [_option(name, kinds) for name in names]

    def apply(command: Command) -> Command:
        for option in reversed([*_first(network), *made, *_LAST]):
            command = option(command)
        return command

    return apply


def _first(network: str) -> list[Option[Any]]:
    return [
        click.option(
            "--recipe",
            type=click.Choice(recipes(network)),
            default=recipes(network)[0],
            show_default=True,
            help="How it is trained: as FSPose was published, or as the embedded family.",
        ),
        click.option(
            "--preset",
            type=click.Choice(presets(network)),
            show_default="none",
            help="Settings under a name; the settings file and these options override them.",
        ),
        config_option,
    ]


_LAST: list[Option[Any]] = [
    click.option(
        "--resume",
        is_flag=True,
        help="Go on with the run that lies in the folder, with its settings.",
    ),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Time a few steps, print sizes, cost, steps and expected hours, and write nothing.",
    ),
]


def _option(name: str, kinds: Sequence[type[TrainSettings]]) -> Option[Any]:
    """An option with the default of the first kind that has it."""
    kind = next(kind for kind in kinds if name in kind.model_fields)
    row = next(row for row in _rows(kind) if row.name == name)
    default: Any = kind.model_fields[name].default
    several = name in ("annotations", "images")
    attributes: dict[str, Any] = {"multiple": True} if several else {}
    if row.shown is not None or several or default in (None, ()):
        attributes["show_default"] = row.shown or "none"
    else:
        joint = {"milestones": ",", "size": "x"}.get(name)
        text = default if joint is None else joint.join(map(str, default))
        attributes |= {"default": text, "show_default": True}
    if row.type is not bool:
        attributes |= {"type": row.type, "metavar": row.metavar}
    return click.option(*row.flags, help=row.help, **attributes)


def _rows(kind: type[TrainSettings]) -> tuple[Row, ...]:
    """The rows that a kind of settings chooses from, the first of a name being its own."""
    if not issubclass(kind, DetectorSettings):
        return ROWS
    return (*(_own(row, kind) for row in DETECTOR_ROWS), *ROWS)


def _own(row: Row, kind: type[DetectorSettings]) -> Row:
    """A detectors' row as one of them has it: its variants, and its default where it has one."""
    if row.name == "network":
        return row._replace(type=click.Choice(get_args(kind.model_fields["network"].annotation)))
    field = kind.model_fields.get(row.name)
    return row if field is None or field.default is None else row._replace(shown=None)


def detector_names(kind: type[DetectorSettings]) -> tuple[str, ...]:
    """The names of all options of a detector."""
    names = dict.fromkeys(row.name for row in _rows(kind) if row.name != "out")
    return (*(name for name in names if name in kind.model_fields), "out")


PLAN_NAMES = (
    *("epochs", "minutes", "batch_size", "lr", "schedule", "milestones", "warmup", "optimizer"),
    *("weight_decay", "average", "clip", "precision"),
)
RUN_NAMES = ("start", "seed", "workers", "device", "threads", "tensorboard")
PACK_NAMES = ("packs", "cache", "drawn")
