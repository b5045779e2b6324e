"""Recording: frames through a pipeline into a result file and others; can stop, and go on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from data.errors import SourceError
from data.frame import Frame, FrameResult
from data.result import Record, result_of
from fspose_app.state import RunState
from fspose_app.stopping import StopRequest
from pipelines.pipeline import AtOnce, LatePipeline, LateRun, Pipeline
from pipelines.timing import Clock

STATE_SECONDS = 5.0  # what a kill may cost


class Output(Protocol):
    """A file under way: `close` gives it its name; `abandon`, after that, does nothing."""

    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Past:
    """What an interrupted run left: its state, and the records of the frames it had done."""

    state: RunState
    records: Iterable[Record]


@dataclass(slots=True)
class Tally:
    """What a run amounts to. `worked` frames went through the pipeline, the others were re-read.

    `whole` says that the source came to its end and the files have their names.
    """

    frames: int = 0
    worked: int = 0
    keyframes: int = 0
    most_people: int = 0
    tracks: set[int] = field(default_factory=set)
    seconds: float = 0.0
    whole: bool = False

    def count(self, result: FrameResult) -> None:
        self.frames += 1
        self.keyframes += result.keyframe
        self.most_people = max(self.most_people, len(result.poses))
        self.tracks.update(pose.track for pose in result.poses if pose.track is not None)


@dataclass(frozen=True, slots=True)
class Recording:
    """One source's way into its files.

    `result` takes every new frame; `others` (an overlay, other formats) take every frame, for they
    begin anew when a run goes on. `state` is where the run's state is kept, None for a live
    source, which cannot be read again: where it stops is its end. `tell` is called with the number
    of frames done.
    """

    result: Output
    others: Output
    state: Path | None
    stop: StopRequest
    clock: Clock
    tell: Callable[[int], None]
    now: Callable[[], float] = time.monotonic

    def run(
        self, frames: Iterator[Frame], pipeline: Pipeline | LatePipeline, past: Past | None
    ) -> Tally:
        """Follow `frames` to their end, or until a stop is wanted.

        At the end the files get their names and the state goes. A run that is stopped leaves a
        partial result and its state, with which another goes on exactly (`past`): it reads the
        frames from the first on, and gives the known ones' records to `others`. After an error the
        result stays partial too, and is as good as the last state.
        """
        tally, start = Tally(), self.now()
        try:
            begun = pipeline.begin(None if past is None else past.state.snapshot)
            run = begun if isinstance(begun, LateRun) else AtOnce(begun)
            ended = self._follow(frames, run, past, tally)
            tally.whole = ended or (self.state is None and tally.frames > 0)
            if tally.whole:
                self._close()
        finally:
            self.others.abandon()
            self.result.abandon()
        tally.seconds = self.now() - start
        return tally

    def _follow(
        self, frames: Iterator[Frame], run: LateRun, past: Past | None, tally: Tally
    ) -> bool:
        """Whether the source came to its end."""
        if past is not None and not self._repeat(frames, past, tally):
            return False
        saved = -math.inf
        while not self.stop.wanted and (frame := self._next(frames)) is not None:
            self._keep(run.feed(frame), tally)
            if tally.worked and self.now() - saved >= STATE_SECONDS:
                self._save(run, tally)
                saved = self.now()
        if not self.stop.wanted:
            self._keep(run.finish(), tally)
            return True
        if tally.worked:
            self._save(run, tally)
        return False

    def _keep(self, results: Sequence[FrameResult], tally: Tally) -> None:
        """Write new results, all or none: a late run's state is known only after the last."""
        for result in results:
            with self.clock("write"):
                self.result.write(result)
            self._pass_on(result, tally)
            tally.worked += 1

    def _repeat(self, frames: Iterator[Frame], past: Past, tally: Tally) -> bool:
        """Read again what is known already; False where a stop is wanted meanwhile."""
        for record in islice(past.records, past.state.frames):
            frame = self._next(frames)
            if self.stop.wanted:
                return False
            if frame is None:
                raise SourceError(
                    f"The source ends after {tally.frames} frames, but {past.state.frames} were "
                    "done before. Has it changed? Start again with --overwrite."
                )
            self._pass_on(result_of(record, frame), tally)
        return True

    def _next(self, frames: Iterator[Frame]) -> Frame | None:
        """The next frame, or None at the end; also None where a signal cut the waiting short."""
        try:
            with self.clock("read"), self.stop.waiting():
                return next(frames, None)
        except KeyboardInterrupt:
            if not self.stop.wanted:
                raise
            return None

    def _pass_on(self, result: FrameResult, tally: Tally) -> None:
        with self.clock("write"):
            self.others.write(result)
        tally.count(result)
        self.tell(tally.frames)

    def _save(self, run: LateRun, tally: Tally) -> None:
        if self.state is not None:
            with self.clock("write"):
                RunState(tally.frames, run.snapshot()).save(self.state)

    def _close(self) -> None:
        with self.clock("write"):
            self.others.close()
            self.result.close()  # last: where it stands, all is there
        if self.state is not None:
            self.state.unlink(missing_ok=True)
