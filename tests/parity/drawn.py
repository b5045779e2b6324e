"""Deterministic heatmaps: keypoints at seeded places, a Gaussian at each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEYPOINTS = 17


def unit_joints(seed: int, low: float = 0.2, high: float = 0.8) -> NDArray[np.float64]:
    """(17, 2) positions in the unit square, x before y."""
    return np.random.default_rng([seed, KEYPOINTS]).uniform(low, high, (KEYPOINTS, 2))


def gaussians(
    height: int, width: int, centers: NDArray[np.float64], sigma: float, peak: float
) -> NDArray[np.float32]:
    """(J, height, width): a Gaussian around each center (x, y), in pixels of the map."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    squared = (x - centers[:, 0, None, None]) ** 2 + (y - centers[:, 1, None, None]) ** 2
    return np.asarray(peak * np.exp(-squared / (2.0 * sigma * sigma))).astype(np.float32)


def pair(height: int, width: int, seed: int) -> NDArray[np.float32]:
    """(34, height, width): the current frame's faint maps, then the reference's, a little moved."""
    size = np.array([width, height], np.float64)
    current = unit_joints(seed)
    rng = np.random.default_rng([seed, KEYPOINTS, 1])
    reference = current + rng.uniform(-0.06, 0.06, (KEYPOINTS, 2))
    faint = gaussians(height, width, current * size, 2.0, 0.3)
    return np.concatenate([faint, gaussians(height, width, reference * size, 2.0, 1.0)])
