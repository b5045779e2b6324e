"""Box and Pose: one person on one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the original image, `right` and `bottom` exclusive."""

    left: float
    top: float
    right: float
    bottom: float
    score: float = 1.0

    @classmethod
    def from_xywh(cls, left: float, top: float, width: float, height: float) -> Box:
        """The box of COCO's `[x, y, width, height]`."""
        return cls(left, top, left + width, top + height)

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def xywh(self) -> tuple[float, float, float, float]:
        """COCO's order: left, top, width, height."""
        return self.left, self.top, self.width, self.height


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A person's keypoints, in pixels of the original image.

    `keypoints` is (J, 2), x before y; `scores` is (J,), in 0..1 where the network is calibrated
    (published networks may exceed it). A keypoint that is not known has score 0.
    """

    keypoints: Floats
    scores: Floats
    box: Box
    score: float
    track: int | None = None


def boxes_to_array(boxes: list[Box] | tuple[Box, ...]) -> Floats:
    """Boxes as an (N, 4) array of left, top, right, bottom."""
    corners = [(box.left, box.top, box.right, box.bottom) for box in boxes]
    return np.array(corners, np.float32).reshape(-1, 4)
