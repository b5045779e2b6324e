"""Deterministic checkpoints and images: a manifest and a seed stand for the numbers themselves."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def array(name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.generic]:
    """One checkpoint entry: float32, or int64 zeros for a counter."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if name.endswith(("running_mean", "bias")):
        return np.asarray(0.1 * rng.standard_normal(shape)).astype(np.float32)
    if len(shape) >= 2:
        fan_in = int(np.prod(shape[1:]))
        values = rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)
        return np.asarray(values).astype(np.float32)
    return rng.uniform(0.5, 1.5, shape).astype(np.float32)


def state_dict(manifest: Mapping[str, Sequence[int]], seed: int) -> dict[str, NDArray[np.generic]]:
    """All entries of a manifest of names and shapes."""
    return {name: array(name, tuple(shape), seed) for name, shape in manifest.items()}


def image(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A smooth RGB image, (height, width, 3)."""
    rng = np.random.default_rng([height, width, seed])
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    waves = np.zeros((height, width, 3))
    for channel in range(3):
        for _ in range(6):
            down, right = rng.uniform(-0.08, 0.08, 2)
            strength, phase = rng.uniform(0.3, 1.0), rng.uniform(0, 6.283)
            waves[..., channel] += strength * np.sin(down * y + right * x + phase)
    waves -= waves.min()
    return np.round(255.0 * waves / waves.max()).astype(np.uint8)
