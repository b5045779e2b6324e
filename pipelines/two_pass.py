"""TwoPass: keyframes first, then what lies between them, seen from both sides; for files.

The first pass (`scout.py`) follows everyone over the keyframes and every fourth frame. The second
(`between.py`) reads further frames only where a person's movement asks for it, each with the
keyframes on both sides. Then paths are joined (`stitch.py`) and smoothed without lag
(`smoothing.py`). All of this happens span by span, from one keyframe to the next, and an answer
waits for one span more, so memory does not grow with the video. With a thread to itself the second
pass reads a span while the first one looks at the next; its answers come a span later and are the
same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace

import numpy as np

from data.errors import ConfigError
from data.frame import Frame, FrameResult
from data.skeleton import Skeleton
from pipelines.between import TwoSided
from pipelines.cuts import Thumbnail, is_cut, thumbnail
from pipelines.names import Names
from pipelines.pipeline import Snapshot, Transfer
from pipelines.scout import Eyes
from pipelines.smoothing import Shown, Smoothing, smoothed
from pipelines.snapshot import part, prefixed
from pipelines.spans import Rhythm, Span, Spans
from pipelines.stitch import Joining
from pipelines.timing import Clock, no_clock
from pipelines.tracker import Tracking

_RUN_IN = 1.0  # seconds of readings before an answer that smoothing still looks at


@dataclass(frozen=True, slots=True)
class Beside:
    """A thread for the second pass, and the clock to which it tells fast, fuse and decode."""

    thread: Executor
    clock: Clock = no_clock


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoPass:
    """Files only: the results come up to `most_held` frames after their frames.

    Keyframes are every `interval` frames of the file, the first and the last one, and those on
    both sides of a cut. `padding` is by how much the slow net grows a box to its crop. Without a
    `transfer` net the fast net alone answers between keyframes.

    Stages told to the clock: find, slow, fast, fuse, decode, track, settle; with `beside` also
    between, for which is waited.
    """

    eyes: Eyes
    transfer: Transfer | None
    padding: float
    interval: int = 16
    lookahead: int = 16
    rhythm: Rhythm = field(default_factory=Rhythm)
    tracking: Tracking = field(default_factory=Tracking)
    joining: Joining = field(default_factory=Joining)
    smoothing: Smoothing = field(default_factory=Smoothing)
    fast_peak: float = 1.0
    beside: Beside | None = None

    def __post_init__(self) -> None:
        slow, fast = self.eyes.slow.skeleton, self.eyes.fast.skeleton
        if slow.keypoints != fast.keypoints:
            raise ConfigError(
                f"The slow net's keypoints are {slow.name}, the fast net's {fast.name}. "
                "Choose two networks of one family."
            )
        if min(self.interval, self.rhythm.search, self.rhythm.stride) < 1 or self.lookahead < 0:
            raise ConfigError("An interval of a two-pass run is at least 1 frame.")

    @property
    def skeleton(self) -> Skeleton:
        return self.eyes.skeleton

    @property
    def most_held(self) -> int:
        """How many frames wait at most; without a thread `beside`, a span less."""
        return 2 * self.interval + self.lookahead

    def begin(self, snapshot: Snapshot | None = None) -> TwoPassRun:
        """A run at the start of a video, or one that goes on after `snapshot`."""
        return TwoPassRun(self, snapshot)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        run = self.begin()
        for frame in frames:
            yield from run.feed(frame)
        yield from run.finish()


class TwoPassRun:
    """One video under way."""

    def __init__(self, scheme: TwoPass, snapshot: Snapshot | None) -> None:
        self._scheme = scheme
        self._held: list[Frame] = []  # fed and not answered
        self._thumbnail: Thumbnail | None = None  # of the last of them
        self._seen: int | None = None  # the keyframe up to which the present scene was looked at
        self._read: int | None = None  # and up to which it is read
        self._coming: Future[None] | None = None  # done when it is read as far as it was looked at
        self._keyframes: set[int] = set()  # of the frames held
        fill, stride = scheme.smoothing.fill, scheme.rhythm.stride
        self._names = Names(scheme.skeleton, scheme.joining, fill, stride)
        spans = None
        if snapshot is not None:
            spans = part(snapshot, "spans")
            self._seen = self._read = next(iter(snapshot["read"].tolist()), None)
            self._keyframes = set(snapshot["keyframes"].tolist())
            names = {(track, at): name for track, at, name in snapshot["names"].tolist()}
            self._names.restore(names, int(snapshot["next_name"]))
        fusion = TwoSided(scheme.transfer, scheme.padding, scheme.fast_peak)
        clock = None if scheme.beside is None else scheme.beside.clock
        self._spans = Spans(scheme.eyes, fusion, scheme.rhythm, scheme.tracking, spans, clock=clock)
        self._remember(None)

    def snapshot(self) -> Snapshot:
        """What is remembered after the last result: a run that goes on is fed the frames after it,
        those too that this one was fed already."""
        return self._packed()

    @property
    def held(self) -> int:
        """How many frames were fed and wait for their answer."""
        return len(self._held)

    def feed(self, frame: Frame) -> list[FrameResult]:
        """Take the next frame; the results that have become ready, in order of frame."""
        scheme, now = self._scheme, thumbnail(frame.image)
        results: list[FrameResult] = []
        if self._held and self._thumbnail is not None and is_cut(self._thumbnail, now):
            results = self.finish()
        before = self._held[-1] if self._held else None
        self._thumbnail = now
        self._held.append(frame)
        if self._seen is not None and frame.index <= self._seen:  # fed again after a stop
            return results
        at = frame.index // scheme.interval
        if before is None or at > before.index // scheme.interval:
            results += self._look_up_to(frame)
            if scheme.beside is None:
                results += self._ready()
                self._remember(None)
        return results

    def finish(self) -> list[FrameResult]:
        """The results of all frames that are left; after it comes another scene, or nothing."""
        if not self._held:
            return []
        last = self._held[-1]
        looked = self._seen is not None and last.index <= self._seen
        results = self._ready() if looked else self._look_up_to(last)
        self._wait()
        results += self._answers(last.index + 1)
        self._spans.forget()
        self._names.forget()
        self._seen = self._read = None
        self._remember(None)
        return results

    def _look_up_to(self, last: Frame) -> list[FrameResult]:
        """Look at the span that ends with this keyframe and begin to read it; what is ready of the
        spans before it."""
        first = self._seen is None
        frames = [f for f in self._held if self._seen is None or f.index > self._seen]
        span = self._spans.look(frames, first=first)
        results = self._ready()
        self._remember(span)
        self._keyframes |= {last.index, frames[0].index} if first else {last.index}
        self._seen = last.index
        if self._scheme.beside is None:
            self._spans.read(span)
            self._read = self._seen
        else:
            self._coming = self._scheme.beside.thread.submit(self._spans.read, span)
        return results

    def _ready(self) -> list[FrameResult]:
        """The results of what was looked at, as far as nothing later can change them."""
        self._wait()
        return [] if self._read is None else self._answers(self._read - self._scheme.lookahead)

    def _wait(self) -> None:
        """Until all is read that was looked at."""
        if self._coming is not None:
            with self._scheme.eyes.clock("between"):
                self._coming.result()
            self._coming, self._read = None, self._seen

    def _remember(self, coming: Span | None) -> None:
        """Keep for a snapshot what all results so far rest on, and nothing of a span that is
        `coming`: it may be read on another thread meanwhile."""
        spans, read = self._spans.remembered(coming), self._read
        keyframes, of, next_name = sorted(self._keyframes), dict(self._names.of), self._names.next

        def packed() -> Snapshot:
            names = [(*stretch, name) for stretch, name in sorted(of.items())]
            return {
                **prefixed("spans", spans()),
                "read": np.array([] if read is None else [read], np.int64),
                "keyframes": np.array(keyframes, np.int64),
                "names": np.array(names, np.int64).reshape(-1, 3),
                "next_name": np.array(next_name, np.int64),
            }

        self._packed = packed

    def _answers(self, end: int) -> list[FrameResult]:
        """The results of the held frames before `end`, whose frames are let go."""
        frames = [frame for frame in self._held if frame.index < end]
        if not frames:
            return []
        with self._scheme.eyes.clock("settle"):
            people = self._people(end, frames[0].seconds - _RUN_IN)
        results = []
        for frame in frames:
            here = {n: shown[frame.index] for n, shown in people.items() if frame.index in shown}
            results.append(
                FrameResult(
                    frame,
                    tuple(replace(one.pose, track=n) for n, one in here.items()),
                    frame.index in self._keyframes,
                    tuple(one.origin for one in here.values()),
                    tuple(one.raw for one in here.values()),
                )
            )
        self._held = self._held[len(frames) :]
        self._keyframes = {index for index in self._keyframes if index >= end}
        kept = max(self._scheme.joining.gap, _RUN_IN)
        self._spans.paths.forget_before(frames[-1].seconds - kept)
        self._names.keep(self._spans.paths)
        return results

    def _people(self, end: int, start: float) -> dict[int, dict[int, Shown]]:
        """By name and frame what is shown of everyone who is there before the frame `end`, by
        readings from the second `start` on."""
        paths, stride = self._spans.paths, self._scheme.rhythm.stride
        last = next(frame for frame in self._held if frame.index == self._read)
        self._names.give(paths, end, self._spans.known, last)
        return {
            name: smoothed([r for r in path if r.seconds >= start], self._scheme.smoothing, stride)
            for name, path in self._names.whole(paths).items()
        }
