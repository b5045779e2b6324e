"""Behind: what takes long to write (a drawn and encoded picture) is written on a thread."""

from __future__ import annotations

import queue
import threading
from types import TracebackType

from data.frame import FrameResult
from fspose_app.sinks import Sink
from pipelines.timing import Clock, no_clock

AHEAD = 4  # results that wait; each holds its frame's picture


class Behind:
    """A sink before another one, to which results go in order on a thread of its own.

    `write` waits only while `AHEAD` results wait already. What the sink behind it raises is raised
    by the next `write` or by `close`, as itself; nothing is written after it. `close` comes back
    when everything is written and closed. The thread's work is told to the `clock` as `stage`.
    """

    def __init__(self, sink: Sink, *, stage: str = "overlay", clock: Clock = no_clock) -> None:
        self._sink, self._stage, self._clock = sink, stage, clock
        self._waiting: queue.Queue[FrameResult | None] = queue.Queue(AHEAD)
        self._failure: BaseException | None = None
        self._is_given_up = False
        # A daemon: a disk that hangs does not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name=stage, daemon=True)
        self._thread.start()

    def write(self, result: FrameResult) -> None:
        self._raise()
        self._waiting.put(result)

    def close(self) -> None:
        self._end()
        self._raise()
        self._sink.close()

    def abandon(self) -> None:
        self._is_given_up = True
        self._end()
        self._sink.abandon()

    def __enter__(self) -> Behind:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.abandon()  # does nothing after `close`

    def _end(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(None)
            self._thread.join()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while (result := self._waiting.get()) is not None:
            if self._is_given_up or self._failure is not None:
                continue  # whoever puts must not wait for ever
            try:
                with self._clock(self._stage):
                    self._sink.write(result)
            except BaseException as error:  # whatever it is, the next `write` raises it
                self._failure = error
