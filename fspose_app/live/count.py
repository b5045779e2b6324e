"""SourceCount: which of its source's frames a frame is, told by the time at which it came."""

from __future__ import annotations

import statistics
from collections import deque

FPS = 25.0  # of sources that do not say
_RECENT = 25  # periods of which the median is the source's


class SourceCount:
    """Numbers a live source's frames from 0; where some are missing, numbers are left out.

    A frame counts as many periods as passed since the one before, at least one. So whatever is
    counted in frames (the interval between keyframes, the search for people, the age of a keyframe)
    keeps its length in time, also over an outage. The period is measured, because what sources
    announce is often wrong (MJPEG says 25 per second whatever comes, cameras slow down in the
    dark). Frames that come in a burst after a stall count one each.
    """

    def __init__(self) -> None:
        self._index = -1
        self._last: float | None = None
        self._periods: deque[float] = deque(maxlen=_RECENT)

    def number(self, captured: float, fps: float) -> int:
        """The number of the frame that came at `captured` seconds; `fps` is announced, or 0."""
        passed = 0.0 if self._last is None else captured - self._last
        announced = 1 / (fps or FPS)
        # Bursts must not make it tiny.
        period = max(statistics.median(self._periods or (announced,)), announced / 2)
        self._index += max(1, round(passed / period))
        if self._last is not None:
            self._periods.append(passed)
        self._last = captured
        return self._index
