"""Cuts: where a video changes to another shot, seen in a thumbnail of the frame."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Image

Thumbnail = NDArray[np.uint8]

_SIZE = (32, 18)  # width, height: people are specks in it, so that only the scene counts
# Chosen on eleven real videos without cuts: no two frames correlate less than 0.86, however camera
# or people move. The step keeps noise in the dark out.
_ALIKE = 0.5
_STEP = 12.0
_LOOKS = 3  # pixels of a cell, across and down


def shrunk(image: Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Grey levels of an RGB image that is not empty, brought to `size` (width, height).

    Of a large image a few pixels of each cell are looked at, which say enough: the mean of all
    would take longer than a small network.
    """
    across = max(1, image.shape[1] // (_LOOKS * size[0]))
    down = max(1, image.shape[0] // (_LOOKS * size[1]))
    some = np.ascontiguousarray(image[::down, ::across])
    small = cv2.resize(cv2.cvtColor(some, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def thumbnail(image: Image) -> Thumbnail:
    """(18, 32) grey levels of an RGB image."""
    return shrunk(image, _SIZE)


def is_cut(before: Thumbnail, now: Thumbnail) -> bool:
    """Whether two frames that follow each other are of different shots.

    A change of brightness is none; a fade is none either, before it reaches black.
    """
    first, second = before.astype(np.float64), now.astype(np.float64)
    if np.abs(first - second).mean() < _STEP:
        return False
    first, second = first - first.mean(), second - second.mean()
    power = float(np.sqrt((first**2).mean() * (second**2).mean()))
    return float((first * second).mean()) < _ALIKE * power
