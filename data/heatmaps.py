"""Heatmaps: keypoint maps that carry the crop on which they were made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.crop import Crop, Matrix
from data.pose import Floats

_FIXED = 1024  # warpAffine's fixed-point unit: ten bits (FSPose specification 4.2)
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Heatmaps:
    """Keypoint maps (J, h, w), float32, and the crop whose raster is the maps' own (w, h)."""

    maps: Floats
    crop: Crop

    def __post_init__(self) -> None:
        height, width = self.maps.shape[1:]
        if self.crop.size != (width, height):
            raise ValueError(f"maps of {width} x {height} on a crop of size {self.crop.size}")

    def on(self, crop: Crop, *, smooth: bool) -> Heatmaps:
        """The same maps re-drawn on another crop, zero where they have nothing to say.

        `smooth` interpolates; otherwise the nearest cell is taken. The published code does the
        first in the third term of its type 4, the second elsewhere. Positions are rounded as
        OpenCV's warpAffine rounds them: an eighth of all cells lies exactly between two.
        """
        matrix = crop_to_crop(self.crop, crop)
        maps = (
            _linear(self.maps, matrix, crop.size)
            if smooth
            else _nearest(self.maps, matrix, crop.size)
        )
        return Heatmaps(maps, crop)


def crop_to_crop(source: Crop, target: Crop) -> Floats:
    """(3, 3) float32: pixels of one crop's raster to pixels of another's (specification 4.2)."""
    return np.asarray(_square(target.matrix()) @ _square(source.inverse()), np.float32)


def _square(matrix: Matrix) -> Floats:
    return np.vstack([matrix, [0, 0, 1]]).astype(np.float32)


def _fixed_positions(matrix: Floats, size: tuple[int, int], half: int) -> tuple[Integers, Integers]:
    """Source x and y of every target cell, (h, w) each, in 1/1024, rounded as warpAffine does."""
    m = np.linalg.inv(matrix.astype(np.float64))
    x, y = np.arange(size[0]), np.arange(size[1])
    columns = np.rint(_FIXED * m[:2, 0, None] * x).astype(np.int64)
    rows = np.rint(_FIXED * (m[:2, 1, None] * y + m[:2, 2, None])).astype(np.int64) + half
    return rows[0][:, None] + columns[0], rows[1][:, None] + columns[1]


def _nearest(maps: Floats, matrix: Floats, size: tuple[int, int]) -> Floats:
    x, y = _fixed_positions(matrix, size, _FIXED // 2)
    return _read(maps, x >> 10, y >> 10)


def _linear(maps: Floats, matrix: Floats, size: tuple[int, int]) -> Floats:
    x, y = _fixed_positions(matrix, size, 16)
    x, y = x >> 5, y >> 5  # positions in 1/32 of a cell
    if (x == x[:1]).all() and (y == y[:, :1]).all():  # no rotation: twice as one dimension
        across, down = _weights(x[0], maps.shape[2]), _weights(y[:, 0], maps.shape[1])
        return np.asarray(down @ (maps @ across.T), np.float32)
    right, down = ((x & 31) / 32).astype(np.float32), ((y & 31) / 32).astype(np.float32)
    x, y = x >> 5, y >> 5
    return np.asarray(
        _read(maps, x, y) * ((1 - right) * (1 - down))
        + _read(maps, x + 1, y) * (right * (1 - down))
        + _read(maps, x, y + 1) * ((1 - right) * down)
        + _read(maps, x + 1, y + 1) * (right * down),
        np.float32,
    )


def _weights(positions: Integers, cells: int) -> Floats:
    """(len(positions), cells): how much of each cell linear interpolation takes."""
    weights = np.zeros((len(positions), cells), np.float32)
    rows, left, share = np.arange(len(positions)), positions >> 5, (positions & 31) / 32
    for cell, part in ((left, 1 - share), (left + 1, share)):
        inside = (cell >= 0) & (cell < cells)
        weights[rows[inside], cell[inside]] += part[inside].astype(np.float32)
    return weights


def _read(maps: Floats, x: Integers, y: Integers) -> Floats:
    """Cells (y, x) of every map, zero outside."""
    height, width = maps.shape[1:]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    cells = maps[:, np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)]
    return np.asarray(np.where(inside, cells, np.float32(0)), np.float32)
