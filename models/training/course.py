"""A course: a network and what it learns from; everything of a training but how long and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from models import cost
from models.training.examples import Lesson
from models.training.records import Form

Role = Literal["finder", "slow", "fast", "transfer"]
Fill = Callable[[nn.Module, Path], tuple[str, ...]]
"""Fills a network from a checkpoint; the entries that were left as they were."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """`settings` are what a run that is gone on with must share with its beginning; `form` is how
    weights are written, under the name `final` and, where epochs are kept, by `pattern`. `inputs`
    are the shapes of what the network reads of one image. `notes` are what the person should know.
    `role` is a role in the scheme, or a detector's name; `fill` is how a detector's network is
    begun with a checkpoint.
    """

    role: Role | str
    network: nn.Module
    lesson: Lesson
    settings: Mapping[str, object]
    form: Form
    inputs: tuple[tuple[int, ...], ...]
    final: str
    pattern: str | None = None
    notes: tuple[str, ...] = ()
    fill: Fill | None = None

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def macs(self) -> int:
        """Multiply-adds for one image."""
        return cost.macs(self.network, *(torch.zeros(1, *shape) for shape in self.inputs))
