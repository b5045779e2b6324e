"""Stopwatch: seconds and calls per stage of a pipeline, counted in an object that is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

Clock = Callable[[str], AbstractContextManager[None]]
"""Called with a stage's name; what happens inside the context belongs to that stage."""


class Stopwatch:
    """A clock that sums up: `seconds` and `calls` by stage, in the order of first use."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took
            self.calls[stage] = self.calls.get(stage, 0) + 1


def no_clock(stage: str) -> AbstractContextManager[None]:
    """The clock of those who do not want to know."""
    return nullcontext()
