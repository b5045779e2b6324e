"""EveryFrame: one backend on each frame, then the tracker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from data.frame import Frame, FrameResult, Origin
from data.skeleton import Skeleton
from models.backends.base import PoseBackend
from pipelines.pipeline import Snapshot
from pipelines.snapshot import part, prefixed
from pipelines.timing import Clock, no_clock
from pipelines.tracker import Sighting, Tracker, Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class EveryFrame:
    """The poses of a one-stage backend on every frame, each with its track.

    A pose of less than `weak_score` is no person's. Every frame is a keyframe of its own, and is
    called so. Stages told to the `clock`: find, track.
    """

    backend: PoseBackend
    weak_score: float
    tracking: Tracking = field(default_factory=Tracking)
    clock: Clock = no_clock

    @property
    def skeleton(self) -> Skeleton:
        return self.backend.skeleton

    def begin(self, snapshot: Snapshot | None = None) -> EveryFrameRun:
        """A run at the start of a video, or one that goes on after `snapshot`."""
        return EveryFrameRun(self, snapshot)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        run = self.begin()
        for frame in frames:
            yield run.step(frame)


class EveryFrameRun:
    """One video under way."""

    def __init__(self, scheme: EveryFrame, snapshot: Snapshot | None) -> None:
        self._scheme = scheme
        self._tracker = Tracker(scheme.skeleton, scheme.tracking)
        if snapshot is not None:
            tracker = part(snapshot, "tracker")
            self._tracker = Tracker.restored(scheme.skeleton, scheme.tracking, tracker)

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame."""
        return prefixed("tracker", self._tracker.snapshot())

    def forget(self) -> None:
        """Forget everyone; numbers go on."""
        self._tracker.forget()

    def step(self, frame: Frame) -> FrameResult:
        """The result of the next frame."""
        scheme = self._scheme
        with scheme.clock("find"):
            poses = scheme.backend.poses(frame.image)
        with scheme.clock("track"):
            self._tracker.carry(frame)
            fresh = [Sighting(p, p, p.box, p.score / scheme.weak_score) for p in poses]
            people = self._tracker.see({}, fresh, searched=True)
        quiet = scheme.tracking.quiet
        shown = {n: s for n, s in people.items() if self._tracker.unseen(n) <= quiet}
        backend: Origin = "backend"
        tracked = tuple(replace(sighting.pose, track=n) for n, sighting in shown.items())
        return FrameResult(frame, tracked, True, (backend,) * len(shown))
