"""Answers: read frames through networks and tracker, drawn and perhaps recorded."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from data.result import rounded
from fspose_app.config import SchemeSettings
from fspose_app.live.frame import LiveFrame, Taken
from fspose_app.live.segments import Segments
from fspose_app.overlay import draw
from fspose_app.sinks import LEAST_SCORE
from pipelines.pipeline import Pipeline, Run
from pipelines.timing import Clock, Stopwatch
from pipelines.tracker import Tracking

RATE_SECONDS = 2.0  # over which the rate is told


@dataclass(frozen=True, slots=True)
class Networks:
    """What answers, who takes part in it (names and SHA-256 of weights), and on which device."""

    pipeline: Pipeline
    models: tuple[tuple[str, str], ...] = ()
    device: str = "cpu"


Make = Callable[[SchemeSettings, Clock, Tracking], Networks]


def networks(settings: SchemeSettings, clock: Clock, tracking: Tracking) -> Networks:
    """The networks that settings name. Raises UnknownBackend, ConfigError, WeightsError."""
    from fspose_app import build  # brings in torch

    want = build.wanted(settings)
    pipeline, models = build.pipeline(settings, want, clock, tracking)
    return Networks(pipeline, models, want.device)


@dataclass(eq=False)
class Answers:
    """Frame after frame through one run of a pipeline, whose stages `watch` takes the time of.

    `dropped` tells how many frames came too soon so far.
    """

    pipeline: Pipeline
    watch: Stopwatch
    segments: Segments | None
    dropped: Callable[[], int]
    clock: Callable[[], float] = time.monotonic
    _run: Run = field(init=False)
    _stretch: int = field(default=0, init=False)
    _count: int = field(default=0, init=False)
    _ends: deque[float] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        self._run = self.pipeline.begin()

    def answer(self, taken: Taken) -> LiveFrame:
        """The frame's people, drawn. Raises OutputError where it cannot be recorded."""
        if taken.stretch != self._stretch:
            self._run.forget()
            self._stretch = taken.stretch
        self.watch.seconds.clear()
        result = rounded(self._run.step(taken.frame))
        with self.watch("draw"):
            skeleton = self.pipeline.skeleton
            picture = draw(taken.frame.image, result, skeleton, least_score=LEAST_SCORE)
        end = self.clock()
        if self.segments is not None:
            with self.watch("write"):
                self.segments.write(result, picture, taken.info)
        self._count += 1
        return LiveFrame(
            index=self._count - 1,
            captured=taken.captured,
            latency=end - taken.captured,
            picture=picture,
            people=len(result.poses),
            keyframe=result.keyframe,
            dropped=self.dropped(),
            rate=self._rate(end),
            times=dict(self.watch.seconds),
        )

    def close(self) -> None:
        """Give the recorded files their names. Raises OutputError."""
        if self.segments is not None:
            self.segments.close()

    def _rate(self, end: float) -> float:
        """Frames per second from the first to the last answer of the latest seconds."""
        self._ends.append(end)
        while end - self._ends[0] > RATE_SECONDS:
            self._ends.popleft()
        spent = end - self._ends[0]
        return (len(self._ends) - 1) / spent if spent > 0 else 0.0
