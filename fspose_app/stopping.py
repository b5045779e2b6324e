"""StopRequest: a first Ctrl-C (or SIGTERM) ends a run between two frames, a second one at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType


class StopRequest:
    """While entered, turns SIGINT and SIGTERM into a wish to stop.

    The signal never falls into a network or a half-written line: it is only noted, and the loop
    asks. Inside `waiting()`, where nothing can be torn (a camera that delivers nothing), it raises
    KeyboardInterrupt; so does a second signal, anywhere.
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._waiting = False
        self._before: dict[int, object] = {}

    @property
    def wanted(self) -> bool:
        return self._signal is not None

    @property
    def exit_code(self) -> int:
        """128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM; 0 where none came."""
        return 0 if self._signal is None else 128 + self._signal

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """A stretch that a signal may cut short by KeyboardInterrupt."""
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    def __enter__(self) -> StopRequest:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned

    def _note(self, number: int, _: FrameType | None) -> None:
        again = self._signal is not None
        self._signal = number
        if again or self._waiting:
            raise KeyboardInterrupt
