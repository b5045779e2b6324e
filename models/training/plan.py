"""Plan: how long a network learns, in what steps, how fast; the numbers a run is told by.

NumPy and torch stay out: the commands show these numbers as their defaults.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ScheduleName = Literal["step", "cosine", "polynomial"]
OptimizerName = Literal["adam", "adamw", "sgd"]
Precision = Literal["float32", "bfloat16"]
Spared = Literal["norms", "biases"]

LEAST_SHARE = 0.01  # of the rate that is left at the end of a cosine


@dataclass(frozen=True, slots=True)
class Plan:
    """A run's length and steps.

    It ends after `epochs` or `steps`, whichever comes first, or, where `minutes` are given, when so
    much time was spent on learning. `batch` counts the examples of one step, over all processes.
    With the schedule `step` the rate drops by `factor` at each of the `milestones`, which count
    epochs, or steps where `steps` are given; with `cosine` it falls along half a cosine, with
    `polynomial` to 0, as the `power` of what is left. In the first `warmup` steps it rises, from
    the share `warmup_from` on to `warmup_to`. `average` is how much of the running average of the
    weights stays at each step, `clip` the longest gradient, `clip_value` the largest part of one; 0
    is without. Parameters whose names begin with one of `multiples` have so many times the rate,
    and biases `bias_multiple` times theirs. SGD's `decay` leaves those out that are `spared`. With
    `sync_norm` batch normalisations look at the parts of all processes (CUDA only).
    """

    epochs: int
    batch: int
    rate: float = 1e-4
    minutes: float | None = None
    steps: int | None = None
    schedule: ScheduleName = "step"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    power: float = 1.0
    warmup: int = 0
    warmup_from: float = 0.0
    warmup_to: float = 1.0
    optimizer: OptimizerName = "adam"
    decay: float = 0.0
    average: float = 0.0
    clip: float = 0.0
    clip_value: float = 0.0
    multiples: tuple[tuple[str, float], ...] = ()
    bias_multiple: float = 1.0
    spared: Spared = "norms"
    sync_norm: bool = False
    precision: Precision = "float32"

    def share(self, epochs: float, steps: int, seconds: float) -> float:
        """How much of the run lies behind, 0 to 1, after so many epochs, as 2.5, steps, seconds."""
        if self.minutes is not None:
            return min(1.0, seconds / (60 * self.minutes))
        shares = [_share(epochs, self.epochs)]
        if self.steps is not None:
            shares.append(_share(steps, self.steps))
        return max(shares)

    def rate_at(self, epoch: int, step: int, share: float) -> float:
        """The learning rate of a step: `step` counts from 0 over all epochs, `epoch` from 1.

        A milestone's drop is at the start of its own epoch: the published programs step the
        scheduler before the epoch, which is one epoch earlier than PyTorch's order of today. Where
        steps are counted, it is after so many.
        """
        warm = self._warmth(step)
        if self.schedule == "cosine":
            return self.rate * warm * max(LEAST_SHARE, 0.5 * (1 + math.cos(math.pi * share)))
        if self.schedule == "polynomial":
            return float(self.rate * warm * (1 - share) ** self.power)
        behind = epoch if self.steps is None else step
        drops = sum(milestone <= behind for milestone in self.milestones)
        return float(self.rate * warm * self.factor**drops)

    def _warmth(self, step: int) -> float:
        """The share of the rate that a step of the warm-up has."""
        if step >= self.warmup:
            return 1.0
        if not self.warmup_from:
            return (step + 1) / self.warmup
        return self.warmup_from + (self.warmup_to - self.warmup_from) * step / self.warmup

    def kept(self, step: int) -> float:
        """How much of the running average stays after `step` steps: at first it follows quickly."""
        return min(self.average, step / (step + 20))


def _share(done: float, whole: int) -> float:
    return min(1.0, done / whole) if whole else 1.0
