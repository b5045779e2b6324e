"""Heatmaps as bytes and back: exact, in half precision, or in one byte per cell and fewer."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import numpy as np
import zstandard
from numpy.typing import NDArray

from data.pose import Floats

Precision = Literal["exact", "half", "byte"]

BUDGET = 6400
"""Most bytes of a person's maps at `byte`: five such records fill a page of 32 KB, so that no
database of any size to speak of has more than 7 KB per record."""

_EFFORT = 1  # zstd's level: higher ones take many times as long for 2 % less
_LEVELS = tuple(round(255 * 0.5 ** (step / 2)) for step in range(9))  # 255 down to 16
_CUTS = (1 / 8, 1 / 4, 1 / 2, 1.0)  # of a map's peak: what lies below is dropped, if need be
_LADDER = (*((levels, 0.0) for levels in _LEVELS), *((_LEVELS[-1], cut) for cut in _CUTS))
_FEWEST = 2  # levels of a faint map, so that its peak still stands above its neighbours

Codes = NDArray[np.uint8]


class PackingError(ValueError):
    """Maps that cannot be packed, or bytes that hold no maps of that shape."""


def pack(maps: Floats, precision: Precision) -> bytes:
    """Maps (J, h, w), finite float32, as bytes.

    `exact` keeps every bit, `half` rounds to half precision. `byte` keeps the highest cell of each
    map and to which side of it the higher neighbours lie, hence the decoded position (FSPose
    specification 1.4); the other cells are rounded so far that the bytes fit `BUDGET`, and
    negative ones become 0. Raises PackingError for what is not finite, or not in half precision.
    """
    if not np.isfinite(maps).all():
        raise PackingError("the maps hold numbers that are not finite")
    if precision == "byte":
        return _packed_bytes(maps)
    if precision == "exact":
        return _compressed(maps.astype("<f4", copy=False))
    if np.abs(maps).max() > np.finfo(np.float16).max:
        raise PackingError("the maps hold numbers too large for half precision")
    return _compressed(maps.astype("<f2"))


def unpack(payload: bytes, shape: tuple[int, int, int], precision: Precision) -> Floats:
    """The maps (J, h, w) in `payload`; PackingError where it does not hold such maps."""
    count = math.prod(shape)
    if precision == "byte":
        head = 4 * shape[0]
        codes = np.frombuffer(_decompressed(payload[head:], count), np.uint8).reshape(shape)
        steps = np.frombuffer(payload, "<f4", shape[0])[:, None, None]
        maps = codes.astype(np.float32)
        maps *= steps
        return maps
    kind = np.dtype("<f4" if precision == "exact" else "<f2")
    cells = np.frombuffer(_decompressed(payload, count * kind.itemsize), kind)
    return cells.reshape(shape).astype(np.float32)


def _compressed(cells: NDArray[np.generic]) -> bytes:
    return zstandard.ZstdCompressor(level=_EFFORT).compress(np.ascontiguousarray(cells).data)


def _decompressed(payload: bytes, size: int) -> bytes:
    try:
        # The size that a damaged frame claims could be anything.
        if zstandard.frame_content_size(payload) == size:
            return zstandard.ZstdDecompressor().decompress(payload)
    except zstandard.ZstdError as error:
        raise PackingError(f"no zstd frame ({error})") from error
    raise PackingError(f"not {size} bytes of maps")


@dataclass(frozen=True, slots=True, eq=False)
class _Peaks:
    """Of every map the highest cell, and which pairs of cells beside it have an order to keep.

    `value` is (J,), 0 where no cell is positive; `cell` (J,) flat indices. `ordered` is (3, P):
    map, flat index of the lower cell, of the higher one.
    """

    value: Floats
    cell: NDArray[np.intp]
    ordered: NDArray[np.intp]

    @classmethod
    def of(cls, maps: Floats) -> _Peaks:
        count, height, width = maps.shape
        flat = maps.reshape(count, -1)
        rows = np.arange(count)
        cell = flat.argmax(1)  # of equal cells the first, as the decoder takes it
        value = np.maximum(flat[rows, cell], 0)
        y, x = cell // width, cell % width
        pairs = [
            np.stack([rows, cell - step, cell + step])[:, inside]
            for step, inside in (
                (1, (x > 0) & (x < width - 1)),
                (width, (y > 0) & (y < height - 1)),
            )
        ]
        row, first, second = np.concatenate(pairs, 1)
        rises = flat[row, second] > flat[row, first]
        unequal = flat[row, second] != flat[row, first]
        low, high = np.where(rises, first, second), np.where(rises, second, first)
        return cls(value, cell, np.stack([row, low, high])[:, unequal & (value[row] > 0)])


def _packed_bytes(maps: Floats) -> bytes:
    """The finest codes that fit the budget; all rungs of the ladder keep the decoded positions."""
    peaks = _Peaks.of(maps)
    tried: dict[int, bytes] = {}

    def fits(rung: int) -> bool:
        levels, cut = _LADDER[rung]
        steps, codes = _quantised(maps, peaks, levels, cut)
        tried[rung] = steps.astype("<f4").tobytes() + _compressed(codes)
        return len(tried[rung]) <= BUDGET

    if fits(0):
        return tried[0]
    rung = bisect_left(range(len(_LADDER) - 1), True, lo=1, key=fits)
    if rung not in tried:
        fits(rung)
    return tried[rung]


def _quantised(maps: Floats, peaks: _Peaks, levels: int, cut: float) -> tuple[Floats, Codes]:
    """Steps (J,) and codes (J, h, w): a cell is its code times its map's step.

    The highest map of the person has `levels` levels, the others as many as reach their peak in
    steps of that size: all maps are rounded alike, as they are summed later on.
    """
    highest = max(float(peaks.value.max()), np.finfo(np.float32).tiny)
    tops = np.clip(np.rint(levels * (peaks.value / highest)), _FEWEST, levels)
    steps = np.maximum(peaks.value / tops, np.finfo(np.float32).tiny).astype(np.float32)
    flat = maps.reshape(len(maps), -1)
    rounded = np.clip(np.rint(flat / steps[:, None]), 0, (tops - 1)[:, None])
    if cut:
        rounded[flat < cut * peaks.value[:, None]] = 0
    codes = rounded.astype(np.uint8)
    positive = np.flatnonzero(peaks.value > 0)
    codes[positive, peaks.cell[positive]] = tops[positive]
    codes[peaks.value <= 0] = 0
    row, low, high = peaks.ordered
    tied = codes[row, low] == codes[row, high]
    row, low, high = row[tied], low[tied], high[tied]
    dark = codes[row, low] == 0
    codes[row[dark], high[dark]] = 1
    codes[row[~dark], low[~dark]] -= 1
    return steps, codes.reshape(maps.shape)
