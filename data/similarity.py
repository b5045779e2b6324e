"""How alike two people are: IoU of boxes and OKS of poses, as matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from data.pose import Box, Floats, Pose, boxes_to_array
from data.skeleton import Skeleton


def iou_matrix(first: Sequence[Box], second: Sequence[Box]) -> Floats:
    """(N, M) intersection over union of two lists of boxes, 0 where both are empty."""
    a, b = boxes_to_array(list(first)), boxes_to_array(list(second))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(2)
    area_a = np.clip(a[:, 2:] - a[:, :2], 0, None).prod(1)
    area_b = np.clip(b[:, 2:] - b[:, :2], 0, None).prod(1)
    union = area_a[:, None] + area_b[None] - shared
    return np.asarray(np.where(union > 0, shared / np.maximum(union, 1e-9), 0), np.float32)


def oks_matrix(
    first: Sequence[Pose], second: Sequence[Pose], skeleton: Skeleton, *, least_score: float = 0.0
) -> Floats:
    """(N, M) object keypoint similarity of two lists of poses (COCO's keypoint evaluation).

    The area is the mean of the two boxes' areas. Keypoints count whose score exceeds
    `least_score` in both poses; a pair that shares none has OKS 0.
    """
    result = np.zeros((len(first), len(second)), np.float32)
    spread = (2.0 * skeleton.sigmas.astype(np.float64)) ** 2
    for row, one in enumerate(first):
        for column, other in enumerate(second):
            known = (one.scores > least_score) & (other.scores > least_score)
            area = max((one.box.area + other.box.area) / 2, 1e-6)
            if known.any():
                step = (one.keypoints - other.keypoints).astype(np.float64)
                squared = (step**2).sum(1)[known]
                result[row, column] = np.exp(-squared / (2 * area * spread[known])).mean()
    return result
