"""LookAhead: a finder that has looked at a frame before it is asked about it.

What a finder says depends on the image alone, and on a schedule of fixed intervals the frames on
which it is asked are known beforehand. So it works on a thread of its own, on frames that wait
decoded, while the networks work on those before. A guess that is wrong costs time, no answer: who
was not foreseen is looked for at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from data.frame import Frame
from data.pose import Box
from pipelines.keyframes import Keyframes
from pipelines.people import PeopleFinder
from pipelines.timing import Clock, no_clock


class LookAhead:
    """A PeopleFinder before another one; a context manager that ends its thread.

    It expects to be asked on keyframes, and otherwise `search_interval` frames after it last was.
    Frames before `first` pass without a look: they are known already. The thread's work is told to
    the `clock` as "find ahead".
    """

    def __init__(
        self,
        finder: PeopleFinder,
        keyframes: Keyframes,
        search_interval: int,
        *,
        first: int = 0,
        clock: Clock = no_clock,
    ) -> None:
        self._finder, self._keyframes = finder, keyframes
        self._interval, self._first, self._clock = search_interval, first, clock
        self._before: int | None = None  # the latest frame that passed
        self._searched: int | None = None  # the latest that was, or will be, asked about
        self._found: dict[int, Future[list[Box]]] = {}
        self._lock = threading.Lock()  # frames pass on one thread and are asked about on another
        self._worker = ThreadPoolExecutor(1, "find")

    def passing(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """The same frames; draw them on a thread that runs ahead of `find`."""
        for frame in frames:
            self._note(frame)
            yield frame

    def find(self, frame: Frame) -> list[Box]:
        """What the finder says of the frame, or the error that it raised."""
        with self._lock:
            early = self._found.pop(frame.index, None)
            for index in [index for index in self._found if index < frame.index]:
                self._found.pop(index).cancel()
            if early is None:
                self._searched = frame.index
        if early is None or early.cancel():  # it waits in vain: whoever asks is free to look
            return self._finder.find(frame)
        return early.result()

    def __enter__(self) -> LookAhead:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _note(self, frame: Frame) -> None:
        """Begin to look where the frame's turn comes."""
        with self._lock:
            keyframe = self._keyframes(frame, self._before)
            self._before, last = frame.index, self._searched
            if not keyframe and last is not None and frame.index < last + self._interval:
                return
            self._searched = frame.index
            if frame.index >= self._first:
                self._found[frame.index] = self._worker.submit(self._look, frame)

    def _look(self, frame: Frame) -> list[Box]:
        with self._clock("find ahead"):
            return self._finder.find(frame)
