"""How plausible it is that two boxes or poses are one person: costs, doubles, what is in sight."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.pose import Box, Pose
from data.similarity import oks_matrix
from data.skeleton import Skeleton

Costs = NDArray[np.float64]

_LEAST_SCORE = 0.02  # a keypoint below it has no place that could be compared
_LIKELY_SIZES = 2.5  # two boxes whose heights differ by more are two people


def distances(first: Sequence[Box], second: Sequence[Box], reach: Sequence[float]) -> Costs:
    """(N, M): how far off in place and height, as a share of what is plausible (up to 1).

    `reach` is the plausible distance of each of the `first`, in sizes of the larger box.
    """
    a, b = _measures(first)[:, None], _measures(second)[None]
    steps = np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])
    far = steps / np.maximum(a[..., 2], b[..., 2]) / np.array(reach).reshape(-1, 1)
    growth = np.abs(a[..., 3] - b[..., 3]) / np.log(_LIKELY_SIZES)
    return np.asarray(np.maximum(far, growth), np.float64)


def oks(first: Sequence[Pose], second: Sequence[Pose], skeleton: Skeleton) -> Costs:
    """(N, M) OKS over the keypoints that have a place in both."""
    alike = oks_matrix(first, second, skeleton, least_score=_LEAST_SCORE)
    return np.asarray(alike, np.float64)


def overlap(first: Box, second: Box) -> float:
    """IoU of two boxes, as `iou_matrix` has it.

    In plain numbers: where many people are it is asked a thousand times a second.
    """
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / max(first.area + second.area - shared, 1e-9)


def without_doubles(boxes: Sequence[Box], limit: float) -> list[Box]:
    """The boxes, best score first, without those whose IoU with a better one exceeds `limit`."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.score):
        if all(overlap(box, better) <= limit for better in kept):
            kept.append(box)
    return kept


def share_inside(box: Box, size: tuple[int, int]) -> float:
    """The part of a box that lies within a picture of `size` (width, height)."""
    width = min(box.right, size[0]) - max(box.left, 0)
    height = min(box.bottom, size[1]) - max(box.top, 0)
    return max(width, 0.0) * max(height, 0.0) / max(box.area, 1e-9)


def pushed_in(box: Box, size: tuple[int, int]) -> Box:
    """The box moved until its centre lies within the picture."""
    x, y = box.center
    right = min(max(x, 0.0), size[0]) - x
    down = min(max(y, 0.0), size[1]) - y
    return Box(box.left + right, box.top + down, box.right + right, box.bottom + down)


def _measures(boxes: Sequence[Box]) -> Costs:
    """(N, 4): centre x, y, size, log height."""
    rows = [
        (*box.center, math.sqrt(max(box.area, 1.0)), math.log(max(box.height, 1.0)))
        for box in boxes
    ]
    return np.array(rows, np.float64).reshape(-1, 4)
