"""What the embedded family's slow and fast networks are taught: people's crops to logits.

The loss is the cross-entropy over a map's cells and `nowhere` (`models/training/drawn_targets.py`),
and half of it, where there is a teacher, the one to what the teacher says.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data.people_set import Portrait
from data.skeleton import FSPOSE_19
from models.preprocess import normalised
from models.training.augment import plain
from models.training.drawn_targets import distillation_loss, keypoint_loss
from models.training.examples import Batch, Draw, Lap, Taught, prepared, stacked
from models.training.mixture import Mixture, Source

STRIDE = 4  # pixels of a crop to a cell of its maps
LIMBS = slice(5, 17)  # shoulders to ankles
NEAR = 0.2  # of the torso, within which a keypoint counts as found
MEASURED = 600  # people at most; more take long and say little more


@dataclass(frozen=True, slots=True)
class Raster:
    """From this share of a run on, crops of `size` (width, height), Gaussians of `sigma` cells."""

    start: float
    size: tuple[int, int]
    sigma: float


@dataclass(frozen=True, slots=True, eq=False)
class Teacher:
    """A trained network of the family and the crop's size (width, height) that it learned on."""

    network: nn.Module
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class PeopleLesson:
    """Varied crops of a mixture, on rasters that may grow; `held_out` is measured on."""

    mixture: Mixture
    rasters: tuple[Raster, ...]
    held_out: tuple[Source, ...] = ()
    teacher: Teacher | None = None

    def __len__(self) -> int:
        return len(self.mixture)

    def raster(self, share: float) -> Raster:
        return [raster for raster in self.rasters if share >= raster.start][-1]

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        """Images (N, h, w, 3), keypoints (N, 19, 3) in their pixels, where absence is known."""

        def make(draw: Draw) -> Batch:
            size = self.raster(draw.share).size
            return stacked([self.mixture.draw(size, draw.rng(n)) for n in draw.indices])

        return prepared(make, len(self), lap)

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        images = read(batch[0], device)
        keypoints, absent = (torch.from_numpy(part).to(device) for part in batch[1:])
        size = (batch[0].shape[2], batch[0].shape[1])
        sigma = next((r.sigma for r in self.rasters if r.size == size), self.rasters[-1].sigma)
        logits = logits_of(network(images))
        value = keypoint_loss(logits, keypoints, absent, stride=STRIDE, sigma=sigma)
        if self.teacher is not None:
            said = told(self.teacher.network.to(device), images, self.teacher.size)
            value = (value + distillation_loss(logits, said)) / 2
        return Taught(value)

    def measure(self, network: nn.Module, device: str) -> float | None:
        """PCK@0.2 of the torso on held-out people; None where nobody is, or none has a torso."""
        people = (
            source.people.portrait(int(index), np.random.default_rng(int(index)))
            for source in self.held_out
            for index in source.chosen
        )
        size = self.rasters[-1].size
        hits = [
            hit for found in pck(network, islice(people, MEASURED), size, device) for hit in found
        ]
        return float(np.mean(hits)) if hits else None


def read(images: np.ndarray, device: str) -> Tensor:
    """(N, h, w, 3) bytes to a network's input, channels last, which suits a CPU."""
    return normalised(list(images), device).contiguous(memory_format=torch.channels_last)


def logits_of(output: Any) -> Tensor:
    """The logits of whichever pose network answered."""
    logits = getattr(output, "logits", output)
    assert isinstance(logits, Tensor)
    return logits


def pck(
    network: nn.Module, people: Iterable[Portrait], size: tuple[int, int], device: str
) -> Iterator[list[bool]]:
    """For each person, which labelled limb joints the arg-max of their maps finds within NEAR.

    The measure is left shoulder to right hip; who lacks it has an empty list.
    """
    network.eval()
    for part in _parts(people, 32):
        pairs = [plain(person.image, person.keypoints, person.box, size) for person in part]
        kind = torch.device(device).type
        with torch.inference_mode(), torch.autocast(kind, dtype=torch.bfloat16):
            maps = logits_of(network(read(np.stack([image for image, _ in pairs]), device))).float()
        best = maps.flatten(2).argmax(-1).cpu().numpy()
        points = np.stack([best % maps.shape[3], best // maps.shape[3]], -1) * STRIDE
        for (_, truth), found in zip(pairs, points, strict=True):
            left = truth[FSPOSE_19.index("left_shoulder")]
            right = truth[FSPOSE_19.index("right_hip")]
            torso = float(np.hypot(*(left - right)[:2]))
            if min(left[2], right[2]) <= 0 or torso < 1:
                yield []
                continue
            far = np.hypot(*(found - truth[:, :2]).T)[LIMBS] / torso
            yield [bool(hit) for hit in far[truth[LIMBS, 2] > 0] < NEAR]


def _parts(people: Iterable[Portrait], size: int) -> Iterator[Sequence[Portrait]]:
    rest = iter(people)
    while part := list(islice(rest, size)):
        yield part


@torch.no_grad()
def told(teacher: nn.Module, images: Tensor, own: tuple[int, int]) -> Tensor:
    """A teacher's logits for crops of any size, (N, J, h / 4, w / 4).

    It sees them at its `own` size (width, height), which it learned on; its probabilities are
    spread over other cells after.
    """
    height, width = images.shape[2:]
    seen = functional.interpolate(images, (own[1], own[0]), mode="bilinear", antialias=True)
    small = (height // STRIDE, width // STRIDE)
    said = logits_of(teacher(seen)).float()
    logits = functional.interpolate(said, small, mode="bilinear", antialias=True)
    return logits + math.log(own[0] * own[1] / (width * height))
