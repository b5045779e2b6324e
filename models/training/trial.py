"""Trying a course: a few steps of a copy of its network, timed; nothing is kept."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

from models.training.course import Course
from models.training.examples import Batch
from models.training.loop import Run, teach
from models.training.state import Epoch, Progress, State

STEPS = 4  # the first is slower than all others and does not count


def seconds_per_step(course: Course, run: Run) -> float | None:
    """The mean time of a step; None where the run has none, or a single one."""
    watch = _Watch(run.clock)
    network = copy.deepcopy(course.network)
    teach(network, course.lesson, run, _Nowhere(), watch, resume=False)
    steps = len(watch.times) - 1
    return (watch.times[-1] - watch.times[0]) / steps if steps > 0 else None


class _Watch:
    """Stops after some steps, and remembers when each ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.times: list[float] = []

    def show(self, progress: Progress) -> None:
        self.times.append(self._clock())

    def closed(self, epoch: Epoch) -> None:
        """An epoch may be shorter than the trial."""

    @property
    def wants_stop(self) -> bool:
        return len(self.times) >= STEPS


class _Nowhere:
    """Files that are not written."""

    def begin(self, *, resume: bool) -> None: ...
    def restore(self, state: State) -> None: ...
    def save(self, state: State) -> None: ...
    def keep_epoch(self, state: State) -> None: ...
    def keep_final(self, state: State) -> None: ...
    def keep_batch(self, batch: Batch, rank: int) -> Path:
        return Path()
