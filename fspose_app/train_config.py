"""Settings of `fspose train`: for each network of the scheme and recipe what can be chosen, and the
defaults. Those of the detectors stand in `train_detectors`, all together in `train_kinds`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from fspose_app.config import Batch, Switch
from fspose_app.size import Bounds
from models.training.plan import OptimizerName, Plan, Precision, ScheduleName
from models.training.published.schedule import FAST, SLOW, SUPPORT_RANGE, TRANSFER

Recipe = Literal["published", "family"]

MOST_EPOCHS, MOST_STEPS = 1_000_000, 10_000_000
CROPS = Bounds(least=64, most=2048, step=32)
"""Of smaller crops the coarsest map would be a single cell, too little for batch normalisation."""

MILESTONES_FORM = "should be rising epochs, counted from 1, such as 5,7"


def read_milestones(value: object) -> tuple[int, ...]:
    """`5,7`, one number or a list of them; an empty text is none. Raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"([0-9]{1,9}(,[0-9]{1,9})*)?", value):
        value = [int(number) for number in value.split(",") if number]
    given = list(value) if isinstance(value, (list, tuple)) else [value]
    epochs = [n for n in given if type(n) is int and 0 < n <= MOST_STEPS]
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


Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Epochs = Annotated[int, Field(strict=True, ge=0, le=MOST_EPOCHS)]
Number = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]
Minutes = Annotated[float, Field(gt=0, le=1_000_000)]
Share = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
Width = Annotated[int, Field(strict=True, ge=4, le=512)] | None
Sigma = Annotated[float, Field(ge=0.5, le=20)] | None
Size = Annotated[tuple[int, int] | None, _checked(CROPS.read)]
Milestones = Annotated[tuple[int, ...], _checked(read_milestones)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_several)]


class TrainSettings(BaseModel):
    """What every training has: its length and steps, its files, and where it runs."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    recipe: Recipe = "published"
    annotations: Paths = ()
    out: Path | None = None
    start: Path | None = None
    epochs: Epochs = SLOW.epochs
    minutes: Minutes | None = None
    batch_size: Batch = SLOW.batch
    lr: Positive = SLOW.rate
    schedule: ScheduleName = SLOW.schedule
    milestones: Milestones = SLOW.milestones
    warmup: Number = SLOW.warmup
    optimizer: OptimizerName = SLOW.optimizer
    weight_decay: Annotated[float, Field(ge=0)] = SLOW.decay
    average: Share = SLOW.average
    clip: Annotated[float, Field(ge=0)] = SLOW.clip
    precision: Precision = SLOW.precision
    seed: Seed = 0
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
    width: Annotated[int, Field(strict=True, ge=4, le=512, multiple_of=4)] | None = None
    size: Annotated[tuple[int, int], _checked(CROPS.read)] = (224, 224)
    epochs: Epochs = FAST.epochs
    batch_size: Batch = FAST.batch
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
    epochs: Epochs = TRANSFER.epochs
    batch_size: Batch = TRANSFER.batch
    milestones: Milestones = TRANSFER.milestones


class _Family(TrainSettings):
    """How the family is trained; it may learn from the training packs and from drawn people too."""

    recipe: Literal["family"] = "family"
    epochs: Epochs = 60
    batch_size: Batch = 24
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
    batch_size: Batch = 32
    support_range: Count = 15
    family: Path | None = None
    pool: Count = 1000
