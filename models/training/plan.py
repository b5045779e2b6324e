"""Plan: how long a network learns, in what steps, how fast; the numbers a run is told by.

NumPy and torch stay out: the commands show these numbers as their defaults.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

ScheduleName = Literal["step", "cosine"]
OptimizerName = Literal["adam", "adamw"]
Precision = Literal["float32", "bfloat16"]

LEAST_SHARE = 0.01  # of the rate that is left at the end of a cosine


@dataclass(frozen=True, slots=True)
class Plan:
    """A run's length and steps.

    It ends after `epochs`, or, where `minutes` are given, when so much time was spent on learning.
    `batch` counts the examples of one step, over all processes. With the schedule `step` the rate
    drops by `factor` at each of the `milestones`; with `cosine` it falls along half a cosine. In
    the first `warmup` steps it rises. `average` is how much of the running average of the weights
    stays at each step, `clip` the longest gradient; 0 is without.
    """

    epochs: int
    batch: int
    rate: float = 1e-4
    minutes: float | None = None
    schedule: ScheduleName = "step"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    warmup: int = 0
    optimizer: OptimizerName = "adam"
    decay: float = 0.0
    average: float = 0.0
    clip: float = 0.0
    precision: Precision = "float32"

    def share(self, steps: float, seconds: float) -> float:
        """How much of the run lies behind, 0 to 1; `steps` counts epochs' parts, as 2.5 epochs."""
        if self.minutes is not None:
            return min(1.0, seconds / (60 * self.minutes))
        return min(1.0, steps / self.epochs) if self.epochs else 1.0

    def rate_at(self, epoch: int, step: int, share: float) -> float:
        """The learning rate of a step: `step` counts from 0 over all epochs, `epoch` from 1.

        A milestone's drop is at the start of its own epoch: the published programs step the
        scheduler before the epoch, which is one epoch earlier than PyTorch's order of today.
        """
        warm = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        if self.schedule == "cosine":
            return self.rate * warm * max(LEAST_SHARE, 0.5 * (1 + math.cos(math.pi * share)))
        drops = sum(milestone <= epoch for milestone in self.milestones)
        return float(self.rate * warm * self.factor**drops)

    def kept(self, step: int) -> float:
        """How much of the running average stays after `step` steps: at first it follows quickly."""
        return min(self.average, step / (step + 20))
