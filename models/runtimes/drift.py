"""How far one runtime's answers lie from another's, and how far they may. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import ConfigError
from data.pose import Floats
from models.decode import peaks, refined

SURE = 0.2  # a score from which a keypoint, or a person, is looked at
LARGEST = 1e-3  # of a score, whose ideal is 1; rounding leaves a hundredth of that
# Pixels in the mean. Where a peak's neighbours are as good as equal, rounding tips the step of a
# quarter pixel over and moves the keypoint by 0.5; so may one keypoint of fifty.
MOVED = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What answers say: `scores` of any shape, places (..., 2) and which of them are sure."""

    scores: Floats
    places: Floats
    sure: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Drift:
    """`largest` and `mean` error of the scores; of the `counted` sure places how far, in pixels of
    the map, they moved at most and in the mean."""

    largest: float
    mean: float
    moved: float
    moved_mean: float
    counted: int

    def refuse(self, name: str) -> None:
        """ConfigError where `name` drifts beyond the bounds of this file."""
        if not self.largest <= LARGEST:  # so that NaN is refused too
            raise ConfigError(
                f"{name} drifts from torch: its largest error is {self.largest:.2g}, at most "
                f"{LARGEST:g} is let pass. Nothing was written."
            )
        if not self.moved_mean <= MOVED:
            raise ConfigError(
                f"{name} drifts from torch: its keypoints move by {self.moved_mean:.2g} pixels in "
                f"the mean, at most {MOVED:g} is let pass. Nothing was written."
            )


def of_maps(outputs: Sequence[Floats], peak: float = 1.0) -> Reading:
    """Keypoints of maps (N, J, h, w) in cells, scores as shares of the ideal's peak."""
    maps = outputs[0]
    cells, scores = peaks(maps)
    return Reading(maps / np.float32(peak), refined(maps, cells), scores >= SURE * peak)


def of_boxes(outputs: Sequence[Floats]) -> Reading:
    """Corners in pixels of a finder's logits (N, P) and boxes (N, P, 4)."""
    quality, boxes = outputs
    scores = np.asarray(1 / (1 + np.exp(-quality)), np.float32)
    corners = boxes.reshape(*boxes.shape[:2], 2, 2)
    return Reading(scores, corners, np.repeat((scores >= SURE)[..., None], 2, 2))


def between(reference: Reading, other: Reading) -> Drift:
    """How far `other` lies from the reference. ValueError where the shapes differ."""
    if reference.scores.shape != other.scores.shape:
        raise ValueError(f"shapes {reference.scores.shape} and {other.scores.shape}")
    error = np.abs(reference.scores - other.scores)
    steps = np.linalg.norm(reference.places - other.places, axis=-1)[reference.sure]
    return Drift(
        largest=float(error.max(initial=0)),
        mean=float(error.mean()),
        moved=float(steps.max(initial=0)),
        moved_mean=float(steps.mean()) if len(steps) else 0.0,
        counted=len(steps),
    )
