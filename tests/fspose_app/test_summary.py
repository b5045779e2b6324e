"""The table of stages adds up to the run's time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from data.frame import Frame, FrameResult
from data.skeleton import COCO_17, Skeleton
from fspose_app.console import Console
from fspose_app.recording import Recording, Tally
from fspose_app.stopping import StopRequest
from fspose_app.summary import BESIDE, STAGES, show_summary, stages
from pipelines.timing import Stopwatch

COST = {
    "find": 3.0,
    "slow": 20.0,
    "fast": 9.0,
    "fuse": 4.0,
    "decode": 0.5,
    "track": 1.0,
    "between": 0.3,
    "settle": 0.1,
}
READ, WRITE, UNTIMED = 2.0, 5.0, 0.01


@dataclass
class Clock:
    """Time that passes only when something takes it."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


class Scheme:
    """A pipeline and its run whose stages take as long as `COST` says, and a little between."""

    skeleton: Skeleton = COCO_17

    def __init__(self, clock: Clock, watch: Stopwatch) -> None:
        self.clock, self.watch = clock, watch

    def begin(self, snapshot: object = None) -> Scheme:
        return self

    def step(self, frame: Frame) -> FrameResult:
        for stage, seconds in COST.items():
            with self.watch(stage):
                self.clock.now += seconds
        self.clock.now += UNTIMED
        return FrameResult(frame, (), keyframe=False)

    def snapshot(self) -> dict[str, np.ndarray]:
        return {}

    def forget(self) -> None: ...

    def __call__(self, frames: object) -> Iterator[FrameResult]:
        raise NotImplementedError


class Sink:
    """Takes its time to write."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def write(self, result: FrameResult) -> None:
        self.clock.now += WRITE

    def close(self) -> None: ...

    def abandon(self) -> None: ...


def frames(clock: Clock, count: int) -> Iterator[Frame]:
    for index in range(count):
        clock.now += READ
        yield Frame(index, float(index), np.zeros((4, 4, 3), np.uint8), str(index))


@pytest.fixture
def ran() -> tuple[Tally, Stopwatch]:
    clock = Clock()
    watch = Stopwatch(clock)
    with StopRequest() as stop:
        recording = Recording(
            result=Sink(clock),
            others=Sink(clock),
            state=None,
            stop=stop,
            clock=watch,
            tell=lambda done: None,
            now=clock,
        )
        return recording.run(frames(clock, 10), Scheme(clock, watch), None), watch


def test_every_stage_is_told_and_they_add_up_to_the_wall_time(ran: tuple[Tally, Stopwatch]) -> None:
    tally, watch = ran

    told = dict(stages(watch, tally.seconds))

    assert tally.seconds == pytest.approx(10 * (READ + sum(COST.values()) + UNTIMED + 2 * WRITE))
    assert sum(told.values()) == pytest.approx(tally.seconds)
    assert told["the rest"] == pytest.approx(10 * UNTIMED)
    assert told[STAGES["slow"]] == pytest.approx(10 * COST["slow"])
    assert list(told) == [*STAGES.values(), "the rest"]


def test_the_rest_is_a_small_part(ran: tuple[Tally, Stopwatch]) -> None:
    tally, watch = ran

    assert 0 <= tally.seconds - sum(watch.seconds.values()) < 0.02 * tally.seconds


def test_what_worked_beside_stands_apart(
    ran: tuple[Tally, Stopwatch], capsys: pytest.CaptureFixture[str]
) -> None:
    tally, watch = ran
    beside = Stopwatch()
    beside.seconds = {"overlay": 7.0, "read ahead": 3.0}

    show_summary(Console(), tally, watch, beside, [])

    before, after = capsys.readouterr().out.split("beside it")
    assert f"{tally.seconds:.2f}" in before
    assert after.index(BESIDE["read ahead"]) < after.index(BESIDE["overlay"])
    assert BESIDE["overlay"] not in before


def test_a_run_with_nothing_beside_it_has_one_table(
    ran: tuple[Tally, Stopwatch], capsys: pytest.CaptureFixture[str]
) -> None:
    show_summary(Console(), *ran, Stopwatch(), [("slow", "ab" * 32)])

    assert "beside it" not in capsys.readouterr().out


def test_a_stage_of_another_name_is_told_too() -> None:
    watch = Stopwatch()
    watch.seconds = {"smooth": 1.0, "fast": 2.0}

    assert stages(watch, 4.0) == [(STAGES["fast"], 2.0), ("smooth", 1.0), ("the rest", 1.0)]
