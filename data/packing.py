"""Heatmaps as bytes and back: exact, in half precision, or in one byte per cell and fewer."""

from __future__ import annotations

import math
import struct
from functools import reduce
from typing import Literal

import cv2
import numpy as np
import zstandard
from numpy.typing import NDArray

from data.pose import Floats

Precision = Literal["exact", "half", "byte"]

BUDGET = 6400
"""Most bytes of a person's maps at `byte`, as long as the exact cells leave room for blocks: five
such records fill a page of the file. `python benchmarks/heatmaps.py` prints the bytes on the disk,
and what the budget costs in decoded positions."""

_EFFORT = 1  # zstd's level: higher ones take many times as long and save little
_BLOCK = 16  # cells in a row that are kept or dropped together
_WHOLE = np.dtype((np.void, 4 * _BLOCK))  # a block of float32 as one thing to copy
_LEVELS = 255
_FAINTEST = 1e-30  # maps of lower peaks are only their peaks: a step would be no float32
_BELOW = 1 - 1e-6  # of a peak: less than that also after rounding to float32
_CROSS = 5  # cells of every map that are kept exactly
_TOP = struct.Struct("<f")
_PLACE, _CELL = np.dtype("<u4"), np.dtype("<f4")
_HEAD, _EACH = _TOP.size, 8 * _CROSS  # bytes before the blocks: once, and per keypoint


class PackingError(ValueError):
    """Maps that cannot be packed, or bytes that hold no maps of that shape."""


def pack(maps: Floats, precision: Precision) -> bytes:
    """Maps (J, h, w), finite float32, as bytes.

    `exact` keeps every bit, `half` rounds to half precision. `byte` keeps the highest cell of each
    map and the four beside it exactly, hence the decoded position (FSPose specification 1.4). Other
    cells become one of 255 levels of the person's highest one, negative ones 0; where that does not
    fit into `BUDGET`, each map's lowest are dropped. Raises PackingError for what is not finite, or
    not in half precision.
    """
    if not np.isfinite(maps).all():
        raise PackingError("the maps hold numbers that are not finite")
    if precision == "byte":
        return _packed_blocks(maps)
    if precision == "exact":
        return _compressed(maps.astype("<f4", copy=False))
    if np.abs(maps).max() > np.finfo(np.float16).max:
        raise PackingError("the maps hold numbers too large for half precision")
    return _compressed(maps.astype("<f2"))


def unpack(payload: bytes, shape: tuple[int, int, int], precision: Precision) -> Floats:
    """The maps (J, h, w) in `payload`; PackingError where it does not hold such maps."""
    if precision == "byte":
        try:
            return _unpacked_blocks(payload, shape)
        except (ValueError, IndexError, struct.error, cv2.error) as error:
            raise PackingError(f"not the bytes of such maps ({error})") from error
    kind = np.dtype("<f4" if precision == "exact" else "<f2")
    cells = np.frombuffer(_decompressed(payload, math.prod(shape) * kind.itemsize), kind)
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


def _packed_blocks(maps: Floats) -> bytes:
    """The highest level's value, indices of exact cells (J, 5), their values, blocks of levels.

    Before the blocks stand their indices. Nothing is compressed: zstd saves little of what is left
    once the low cells are gone, and would take most of the time that it takes to read a record.
    """
    count, height, width = maps.shape
    cells, flat = maps.size, maps.reshape(count, -1)
    rows = np.arange(count)
    first = flat.argmax(1)  # of equal cells the first, as the decoder takes it
    peaks = np.maximum(flat[rows, first], 0)
    # At an edge a neighbour is some other cell, whose own value is as right as any.
    cross = np.array([-width, -1, 0, 1, width])
    places = ((first + rows * height * width)[:, None] + cross) % cells

    highest = float(peaks.max())
    step = np.float32(highest / _LEVELS if highest > _FAINTEST else 1.0)
    levels = np.rint(flat / step)
    # No cell but those of the cross may reach the peak.
    np.maximum(levels, 0, out=levels)
    np.minimum(levels, np.floor(peaks / step * _BELOW)[:, None], out=levels)
    total = _blocks(cells)
    raster = np.zeros(total * _BLOCK, np.uint8)
    raster[:cells] = levels.ravel()

    tops = reduce(np.maximum, (raster[cell::_BLOCK] for cell in range(_BLOCK)))
    index = _index(total)
    room = max(1, (BUDGET - _HEAD - _EACH * count) // (_BLOCK + index.itemsize))
    kept = np.flatnonzero(tops)
    if len(kept) > room:
        # Of its own map's peak: a faint map would else lose all of its blocks to a bright one.
        own = peaks.take(kept * _BLOCK // (height * width), mode="clip")
        worth = tops[kept] / np.maximum(own, step)
        ranks = (worth * (65535 / worth.max())).astype(np.uint16)  # 16 bits: sorted by radix
        kept = np.sort(kept[np.argsort(ranks, kind="stable")[-room:]])
    blocks = raster.reshape(total, _BLOCK)[kept]
    top = float(blocks.max(initial=0)) * float(step)
    exact = maps.reshape(-1)[places]
    parts = (places.astype(_PLACE), exact.astype(_CELL), kept.astype(index), blocks)
    return _TOP.pack(top) + b"".join(part.tobytes() for part in parts)


def _unpacked_blocks(payload: bytes, shape: tuple[int, int, int]) -> Floats:
    """Few calls, few bytes: a random read of a record is mostly this."""
    count, height, width = shape
    cells = count * height * width
    total, head = _blocks(cells), _HEAD + _EACH * count
    index = _index(total)
    kept, rest = divmod(len(payload) - head, _BLOCK + index.itemsize)
    if rest or kept < 0:
        raise ValueError(f"{len(payload)} bytes are no whole number of blocks")
    (top,) = _TOP.unpack_from(payload)
    raster = np.zeros(total, _WHOLE)
    if kept:
        levels = np.frombuffer(payload, np.uint8, offset=head + kept * index.itemsize)
        # So scaled that the highest level becomes `top`, and float32, in one pass.
        values = np.empty(len(levels), np.float32)
        cv2.normalize(levels, values, top, 0, cv2.NORM_INF, cv2.CV_32F)
        # `put` takes half of the time of an indexed assignment, and indices of any type.
        raster.put(np.frombuffer(payload, index, kept, head), values.view(_WHOLE))
    maps = raster.view(np.float32)[:cells]
    places = np.frombuffer(payload, _PLACE, _CROSS * count, _HEAD)
    maps.put(places, np.frombuffer(payload, _CELL, _CROSS * count, _HEAD + 4 * _CROSS * count))
    return maps.reshape(shape)


def _blocks(cells: int) -> int:
    return -(-cells // _BLOCK)


def _index(blocks: int) -> np.dtype[np.unsignedinteger]:
    """What holds the index of one of so many blocks."""
    return np.dtype("<u2" if blocks <= 2**16 else "<u4")
