"""Reformatter: a video's frames from one pixel format to another, by one context on one thread."""

from __future__ import annotations

from typing import Any

import av
from av.video.reformatter import VideoReformatter

# From version 17 on PyAV starts a thread per core for every single frame, unless told not to.
_ONE_THREAD: dict[str, Any] = {"threads": 1} if int(av.__version__.split(".")[0]) >= 17 else {}


class Reformatter:
    """Turns frames into another format; keep one per video.

    A frame's own `reformat` makes a context (and its threads) anew each time, and keeps it for as
    long as the frame lives.
    """

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame, format: str, **colors: Any) -> av.VideoFrame:
        """The frame in `format`; `colors` are VideoReformatter's own words for colour spaces."""
        return self._reformatter.reformat(frame, format=format, **colors, **_ONE_THREAD)
