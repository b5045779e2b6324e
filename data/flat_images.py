"""Decoded images one after another in a flat file, which is mapped, not read: a cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.draft import output_error
from data.errors import SourceError
from data.frame import Image

Places = NDArray[np.int64]
"""(N, 3): where each image begins in the flat file, its height and its width."""


_AGAIN = "they are then made anew."


def is_there(cache: Path) -> bool:
    """Whether `cache` was written to its end."""
    return _places_of(cache).exists()


def write_flat(images: Iterable[Image], cache: Path) -> None:
    """Images (height, width, 3) into `cache`.u8, and where each begins into `cache`.npy.

    Neither gets its name before it is whole. Raises OutputError, and what `images` raise.
    """
    pixels, places = _partial(_pixels_of(cache)), _partial(_places_of(cache))
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with pixels.open("wb") as file:
            found = _written(images, file.write)
        with places.open("wb") as file:
            np.save(file, np.array(found, np.int64).reshape(-1, 3))
        os.replace(pixels, _pixels_of(cache))
        # last: it says that the flat file is whole
        os.replace(places, _places_of(cache))
    except OSError as error:
        raise output_error(_pixels_of(cache), error) from error
    finally:
        for path in (pixels, places):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def read_flat(cache: Path, count: int) -> tuple[NDArray[np.uint8], Places]:
    """What `write_flat` wrote; SourceError unless it holds `count` whole images."""
    try:
        places = np.load(_places_of(cache))
        pixels = np.memmap(_pixels_of(cache), np.uint8, "r")
    except (OSError, ValueError, EOFError) as error:
        raise SourceError(f"{cache}.npy and .u8 are damaged. Remove both: {_AGAIN}") from error
    if places.shape != (count, 3) or len(pixels) != places[:, 1:].prod(1).sum() * 3:
        raise SourceError(
            f"{cache}.npy and .u8 hold other images than the {count} that are wanted. Name another "
            f"folder, or remove both: {_AGAIN}"
        )
    return pixels, places


def lend(cache: Path, other: Path) -> None:
    """Let `other` stand for `cache`, if that was written to its end."""
    if is_there(cache):
        for own, theirs in ((_pixels_of, _pixels_of), (_places_of, _places_of)):
            theirs(other).symlink_to(own(cache).absolute())


def _written(images: Iterable[Image], write: Callable[[bytes], int]) -> list[tuple[int, int, int]]:
    found, start = [], 0
    for image in images:
        write(np.ascontiguousarray(image).tobytes())
        height, width = image.shape[:2]
        found.append((start, height, width))
        start += image.size
    return found


def _pixels_of(cache: Path) -> Path:
    return cache.with_name(cache.name + ".u8")


def _places_of(cache: Path) -> Path:
    return cache.with_name(cache.name + ".npy")


def _partial(path: Path) -> Path:
    # torchrun's processes may write the same cache at a time
    return path.with_name(f"{path.name}.{os.getpid()}.partial")
