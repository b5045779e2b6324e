"""Lessons whose examples are maps: what a network reads, the maps it is taught, their weights."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.pose import Floats
from models.training.examples import Batch, Draw, Lap, Taught, prepared, stacked
from models.training.targets import accuracy, joint_mse

Inputs = tuple[NDArray[Any], ...]


class Example(NamedTuple):
    """What a network reads, the maps (J, h, w) it is taught, and their weights (J,), 0 or 1."""

    inputs: Inputs
    target: Floats
    weights: Floats


class MapLesson(Protocol):
    """What has examples and lets a network answer them with maps."""

    def __len__(self) -> int: ...

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """One of them; several threads ask at a time."""

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        """The network's maps (N, J, h, w) of a batch's inputs."""


def batches(lesson: MapLesson, lap: Lap) -> Generator[Batch, None, None]:
    """A lap's batches: the inputs, then targets and weights."""

    def make(draw: Draw) -> Batch:
        drawn = [lesson.example(index, draw.rng(index)) for index in draw.indices]
        return stacked([(*one.inputs, one.target, one.weights) for one in drawn])

    return prepared(make, len(lesson), lap)


def taught(lesson: MapLesson, network: nn.Module, batch: Batch, device: str) -> Taught:
    """The squared error of the maps, and the share of keypoints found."""
    *inputs, target, weights = batch
    maps = lesson.answer(network, tuple(inputs), device).float()
    wanted = torch.from_numpy(target).to(device), torch.from_numpy(weights).to(device)
    found = accuracy(maps.detach().cpu().numpy(), target)
    return Taught(joint_mse(maps, *wanted), found.mean, found.counted)
