"""Stopwatch: seconds and calls per stage of a pipeline, counted in an object that is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")

Clock = Callable[[str], AbstractContextManager[None]]
"""Called with a stage's name; what happens inside the context belongs to that stage."""


class Stopwatch:
    """A clock that sums up: `seconds` and `calls` by stage, in the order of first use.

    Several threads may use it, each with stages of its own.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = self._now()
        try:
            yield
        finally:
            took = self._now() - start
            self.seconds[stage] = self.seconds.get(stage, 0.0) + took
            self.calls[stage] = self.calls.get(stage, 0) + 1


def each(items: Iterable[Item], clock: Clock, stage: str) -> Iterator[Item]:
    """The same items; the time that each takes to come belongs to `stage`."""
    coming = iter(items)
    while True:
        with clock(stage):
            try:
                item = next(coming)
            except StopIteration:
                return
        yield item


def no_clock(stage: str) -> AbstractContextManager[None]:
    """The clock of those who do not want to know."""
    return nullcontext()
