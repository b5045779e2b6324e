"""How far one runtime's answers lie from another's, and how far they may. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import ConfigError
from data.pose import Floats
from models.decode import peaks, refined
from models.runtimes.base import Precision

SURE = 0.2  # a score from which a keypoint, or a person, is looked at


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far answers may drift: the `largest` error of a score, whose ideal is 1, and how far sure
    places may have `moved` in the mean, in pixels of the map."""

    largest: float
    moved: float


BOUNDS: dict[Precision, Bounds] = {
    # Rounding leaves a hundredth of the first. Where a peak's neighbours are as good as equal, it
    # tips the step of a quarter pixel over and moves the keypoint by 0.5; so may one of fifty.
    "float32": Bounds(1e-3, 0.01),
    # The family's slow and fast network drift by 0.04 to 0.07 and move keypoints by 0.09 to 0.15,
    # which costs at most 0.7 points of PCK@0.2 (benchmarks/precisions.py). Between two and three
    # times that is let pass: beyond it some layer's range was learnt from too little.
    "int8": Bounds(0.15, 0.4),
}
"""Of the precisions in which files are written."""


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

    def refuse(self, name: str, precision: Precision) -> None:
        """ConfigError where `name` drifts beyond the bounds of its precision."""
        bounds = BOUNDS[precision]
        if not self.largest <= bounds.largest:  # so that NaN is refused too
            raise ConfigError(
                f"{name} drifts from torch: its largest error is {self.largest:.2g}, at most "
                f"{bounds.largest:g} is let pass in {precision}. Nothing was written."
            )
        if not self.moved_mean <= bounds.moved:
            raise ConfigError(
                f"{name} drifts from torch: its keypoints move by {self.moved_mean:.2g} pixels in "
                f"the mean, at most {bounds.moved:g} is let pass in {precision}. "
                "Nothing was written."
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


def together(readings: Sequence[Reading]) -> Reading:
    """Readings of several shapes as one, in a row."""
    return Reading(
        scores=np.concatenate([each.scores.ravel() for each in readings]),
        places=np.concatenate([each.places.reshape(-1, 2) for each in readings]),
        sure=np.concatenate([each.sure.ravel() for each in readings]),
    )


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
