"""Settings of `fspose train`: for each network and recipe what can be chosen, and the defaults.

Presets are YAML files in `fspose_app/presets/NETWORK/NAME.yaml`; they lie over the defaults, a
settings file over them, the command line over all.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from data.errors import ConfigError
from fspose_app.config import Switch, content_of, settings
from models.training.plan import OptimizerName, Plan, Precision, ScheduleName
from models.training.published.schedule import FAST, SLOW, SUPPORT_RANGE, TRANSFER

Network = Literal["finder", "slow", "fast", "transfer"]
Recipe = Literal["published", "family"]

SIZE_FORM = "should be WIDTHxHEIGHT in multiples of 32 from 64 on"
MILESTONES_FORM = "should be rising epochs, counted from 1, such as 5,7"


def read_size(value: object) -> tuple[int, int]:
    """`192x256`, or two numbers: width and height in pixels, multiples of 32 from 64 on.

    Of smaller crops the coarsest map would be a single cell, too little for batch normalisation.
    Raises ValueError.
    """
    match = re.fullmatch(r"(\d{2,4})x(\d{2,4})", value) if isinstance(value, str) else None
    pair = (int(match[1]), int(match[2])) if match else value
    match pair:
        case (int(width), int(height)):
            if min(width, height) >= 64 and not width % 32 and not height % 32:
                return width, height
    raise ValueError(SIZE_FORM)


def read_milestones(value: object) -> tuple[int, ...]:
    """`5,7`, one number or a list of them; an empty text is none. Raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"(\d+(,\d+)*)?", value):
        value = [int(number) for number in value.split(",") if number]
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    epochs = [n for n in given if isinstance(n, int) and not isinstance(n, bool) and n > 0]
    if epochs == given and epochs == sorted(set(epochs)):
        return tuple(epochs)
    raise ValueError(MILESTONES_FORM)


def _several(value: object) -> object:
    """One path is as good as a list of one."""
    return [value] if isinstance(value, (str, Path)) else value


def _checked(read: Any) -> BeforeValidator:
    def check(value: object) -> object:
        try:
            return None if value is None else read(value)
        except ValueError as error:
            raise PydanticCustomError("form", str(error)) from error

    return BeforeValidator(check)


Count = Annotated[int, Field(strict=True, ge=1)]
Number = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Width = Annotated[int, Field(strict=True, ge=4)] | None
Sigma = Annotated[float, Field(ge=0.5, le=20)] | None
Size = Annotated[tuple[int, int] | None, _checked(read_size)]
Milestones = Annotated[tuple[int, ...], _checked(read_milestones)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_several)]


class TrainSettings(BaseModel):
    """What every training has: its length and steps, its files, and where it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: Recipe = "published"
    annotations: Paths = ()
    out: Path | None = None
    start: Path | None = None
    epochs: Number = SLOW.epochs
    minutes: Positive | None = None
    batch_size: Count = SLOW.batch
    lr: Positive = SLOW.rate
    schedule: ScheduleName = SLOW.schedule
    milestones: Milestones = SLOW.milestones
    warmup: Number = SLOW.warmup
    optimizer: OptimizerName = SLOW.optimizer
    weight_decay: Annotated[float, Field(ge=0)] = SLOW.decay
    average: Share = SLOW.average
    clip: Annotated[float, Field(ge=0)] = SLOW.clip
    precision: Precision = SLOW.precision
    seed: Number = 0
    workers: Annotated[int, Field(strict=True, ge=0, le=64)] = 2
    device: str = "auto"
    threads: Annotated[int, Field(strict=True, ge=1, le=512)] | None = None
    tensorboard: Switch = False

    @property
    def plan(self) -> Plan:
        return Plan(
            epochs=self.epochs,
            batch=self.batch_size,
            rate=self.lr,
            minutes=self.minutes,
            schedule=self.schedule,
            milestones=self.milestones,
            warmup=self.warmup,
            optimizer=self.optimizer,
            decay=self.weight_decay,
            average=self.average,
            clip=self.clip,
            precision=self.precision,
        )


class PublishedCrops(TrainSettings):
    """The slow and the fast network as published."""

    images: Paths = ()
    val: Path | None = None
    width: Width = None
    size: Size = None
    sigma: Sigma = None
    half_body: Switch = True
    augment: Switch = True


class PublishedSlow(PublishedCrops):
    network: Literal["w32", "w48"] = "w32"


class PublishedFast(PublishedCrops):
    width: Annotated[int, Field(strict=True, ge=4, multiple_of=4)] | None = None
    size: Annotated[tuple[int, int], _checked(read_size)] = (224, 224)
    epochs: Number = FAST.epochs
    batch_size: Count = FAST.batch
    milestones: Milestones = FAST.milestones


class TransferSettings(TrainSettings):
    """Both recipes' transfer networks on two databases."""

    heatmaps_slow: Path | None = None
    heatmaps_fast: Path | None = None
    pairs: Literal["fast-slow", "fast", "slow"] = "fast-slow"
    support_range: Count = SUPPORT_RANGE
    width: Width = None
    sigma: Sigma = None


class PublishedTransfer(TransferSettings):
    epochs: Number = TRANSFER.epochs
    batch_size: Count = TRANSFER.batch
    milestones: Milestones = TRANSFER.milestones


class _Family(TrainSettings):
    """How the family is trained; it may learn from the training packs and from drawn people too."""

    recipe: Literal["family"] = "family"
    epochs: Number = 60
    batch_size: Count = 24
    lr: Positive = 1e-3
    schedule: ScheduleName = "cosine"
    milestones: Milestones = ()
    warmup: Number = 200
    optimizer: OptimizerName = "adamw"
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    average: Share = 0.999
    clip: Annotated[float, Field(ge=0)] = 5.0
    precision: Precision = "bfloat16"
    packs: Path | None = None
    cache: Path | None = None
    drawn: Number = 0


class _FamilyImages(_Family):
    images: Paths = ()
    val: Path | None = None
    hold_out: Share = 0.05
    width: Width = None


class FamilySlow(_FamilyImages):
    network: Literal["hrnet", "plain", "mobilenet"] = "hrnet"
    size: Size = None
    sigma: Sigma = None
    teacher: Path | None = None


class FamilyFast(FamilySlow):
    network: Literal["hrnet", "plain", "mobilenet"] = "plain"


class FamilyFinder(_FamilyImages):
    trunk: Path | None = None


class FamilyTransfer(_Family, TransferSettings):
    precision: Precision = "float32"
    batch_size: Count = 32
    support_range: Count = 15
    family: Path | None = None
    pool: Count = 1000


KINDS: Mapping[tuple[str, str], type[TrainSettings]] = {
    ("slow", "published"): PublishedSlow,
    ("fast", "published"): PublishedFast,
    ("transfer", "published"): PublishedTransfer,
    ("slow", "family"): FamilySlow,
    ("fast", "family"): FamilyFast,
    ("transfer", "family"): FamilyTransfer,
    ("finder", "family"): FamilyFinder,
}


def recipes(network: str) -> tuple[str, ...]:
    """The recipes of a network, the default first."""
    return tuple(recipe for name, recipe in KINDS if name == network)


def presets(network: str) -> tuple[str, ...]:
    """The names of a network's presets."""
    return tuple(sorted(file.stem for file in _folder(network).glob("*.yaml")))


def chosen(
    network: str, preset: str | None, file: Path | None, command_line: Mapping[str, object]
) -> TrainSettings:
    """A training's settings: defaults, preset, file and command line, each over those before.

    Raises ConfigError for what `settings` does, and for an option that the recipe has not.
    """
    ready = None if preset is None else _folder(network) / f"{preset}.yaml"
    recipe: object = recipes(network)[0]
    for source in (ready, file):
        recipe = recipe if source is None else content_of(source).get("recipe", recipe)
    recipe = command_line.get("recipe", recipe)
    kind = KINDS.get((network, str(recipe)))
    if kind is None:
        expected = " or ".join(recipes(network))
        raise ConfigError(f"{file}: recipe is {recipe!r}, but should be {expected}.")
    foreign = [name for name in command_line if name not in kind.model_fields]
    if foreign:
        option = foreign[0].replace("_", "-")
        raise ConfigError(f"--{option} is not for --recipe {recipe} of the {network} network.")
    given = {"recipe": recipe, **command_line}
    return settings(kind, file, given, preset=ready)


def _folder(network: str) -> Path:
    return Path(str(importlib.resources.files("fspose_app"))) / "presets" / network
