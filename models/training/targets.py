"""What a heatmap network is taught, and how its error is measured (FSPose specification 1.5)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data.pose import Floats
from models.decode import peaks


class Accuracy(NamedTuple):
    """Shares of keypoints found, 0..1: (J,) and the mean of the `counted` ones.

    A keypoint that never counts has -1.
    """

    mean: float
    counted: int
    per_keypoint: Floats


def gaussian_targets(
    joints: Floats,
    visible: Floats,
    *,
    image_size: tuple[int, int],
    map_size: tuple[int, int],
    sigma: float,
) -> tuple[Floats, Floats]:
    """Maps (J, h, w) with a Gaussian of peak 1 per keypoint, and the maps' weights (J,), 0 or 1.

    `joints` (J, 2) are in pixels of the crop of `image_size`; sizes are (width, height) and `sigma`
    counts cells. The peak lies on a whole cell and the Gaussian ends after three sigmas. A
    keypoint whose window misses the map weighs nothing; one that is not visible is not drawn.
    """
    width, height = map_size
    maps = np.zeros((len(joints), height, width), np.float32)
    weights = np.asarray(visible, np.float32).copy()
    stride = np.asarray(image_size, np.float64) / np.asarray(map_size, np.float64)
    middles = (np.asarray(joints, np.float64) / stride + 0.5).astype(np.int64)  # toward zero
    reach = int(3 * sigma)
    steps = np.arange(-reach, reach + 1)
    window = np.exp(-(steps[:, None] ** 2 + steps**2) / (2 * sigma**2)).astype(np.float32)
    for keypoint, (x, y) in enumerate(middles):
        left, top = x - reach, y - reach
        right, bottom = x + reach + 1, y + reach + 1
        # A window that ends at exactly 0 keeps its weight over an empty map, as published.
        if left >= width or top >= height or right < 0 or bottom < 0:
            weights[keypoint] = 0
        if weights[keypoint] <= 0.5:
            continue
        rows = slice(max(0, top), max(0, min(bottom, height)))
        columns = slice(max(0, left), max(0, min(right, width)))
        maps[keypoint, rows, columns] = window[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return maps, weights


def joint_mse(predicted: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Half the mean squared error of maps (N, J, h, w), each weighed by (N, J); a scalar."""
    error = (predicted - target) * weights[..., None, None]
    return 0.5 * torch.mean(error**2)


def accuracy(predicted: Floats, target: Floats) -> Accuracy:
    """The share of keypoints whose peak lies within half a tenth of the map from the target's.

    Maps are (N, J, h, w). Keypoints count whose target peak has x > 1 and y > 1. As published,
    x is measured in tenths of the map's *height* and y in tenths of its *width*.
    """
    height, width = predicted.shape[2:]
    tenth = np.array([height, width], np.float64) / 10
    truth = peaks(target)[0]
    distance = np.linalg.norm((peaks(predicted)[0] - truth) / tenth, axis=2)
    known = (truth > 1).all(2)
    count = known.sum(0)
    hits = (known & (distance < 0.5)).sum(0)
    shares = np.where(count > 0, hits / np.maximum(count, 1), -1)
    occurring = shares[count > 0]
    mean = float(occurring.mean()) if len(occurring) else 0.0
    return Accuracy(mean, len(occurring), shares.astype(np.float32))
