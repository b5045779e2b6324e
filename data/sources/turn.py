"""Turn: how a picture that a camera stored lying or mirrored becomes upright. Turns: of a video."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from data.frame import Image


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored picture becomes an upright one: transpose, then mirror."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Turn:
        """What the display matrix of the frame asks for, to the nearest quarter turn."""
        entries: Any = frame.side_data  # PyAV's stubs know few of the keys
        if "DISPLAYMATRIX" not in entries:
            return cls()
        a, b, _, c, d = struct.unpack_from("=5i", bytes(entries["DISPLAYMATRIX"]))
        # The point (x, y) goes to (a x + c y, b x + d y), y downward.
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def apply(self, image: Image) -> Image:
        """The upright image, C-contiguous."""
        if self.transpose:
            image = image.transpose(1, 0, 2)
        if self.mirror_x:
            image = image[:, ::-1]
        if self.mirror_y:
            image = image[::-1]
        return np.ascontiguousarray(image)


class Turns:
    """How each frame of one video is to be turned.

    A frame that is asked for its matrix is tied to itself, so its memory waits for the garbage
    collector: hundreds of frames at a time. So it is asked again only where its angle changes,
    which is known without (from PyAV 14.1 on).
    """

    def __init__(self) -> None:
        self._known: tuple[float, Turn] | None = None

    def of(self, frame: av.VideoFrame) -> Turn:
        angle = getattr(frame, "rotation", None)
        if angle is None:
            return Turn.of(frame)
        if self._known is None or self._known[0] != angle:
            self._known = angle, Turn.of(frame)
        return self._known[1]
