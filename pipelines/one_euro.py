"""One-Euro: poses smoothed as they come, for streams, which cannot wait for what follows.

Each keypoint runs through a low-pass filter whose cutoff rises with its speed (G. Casiez,
N. Roussel, D. Vogel, "1 € Filter", CHI 2012, equations 1 to 5): what rests is held still, what
moves is followed with little lag. Speeds are in sizes of the person's box (the root of its area)
per second, so that neither the picture's size nor the person's distance matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from data.frame import Frame, FrameResult
from data.pose import Pose
from data.skeleton import Skeleton
from pipelines.pipeline import Pipeline, Run, Snapshot
from pipelines.snapshot import part, prefixed

Doubles = NDArray[np.float64]

_LONGEST = 0.5  # seconds out of sight after which a person's filter begins anew
_LEAST_SCORE = 0.05  # a keypoint below it has no place: its filter begins anew with the next one


@dataclass(frozen=True, slots=True)
class OneEuro:
    """`least_cutoff` is that of what rests and `speed_cutoff` that of the speed itself, in hertz;
    `beta` is by how many hertz the cutoff rises for one box size per second."""

    least_cutoff: float = 1.0
    beta: float = 24.0
    speed_cutoff: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class _Filtered:
    """One person: places (J, 2) in pixels, NaN where there is none, and speeds (J, 2) in box sizes
    per second, at a time."""

    points: Doubles
    speeds: Doubles
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothed:
    """A pipeline whose poses are smoothed; what was read is kept as the results' `raw`."""

    pipeline: Pipeline
    rule: OneEuro = field(default_factory=OneEuro)

    @property
    def skeleton(self) -> Skeleton:
        return self.pipeline.skeleton

    def begin(self, snapshot: Snapshot | None = None) -> SmoothedRun:
        """A run at the start of a video, or one that goes on after `snapshot`."""
        return SmoothedRun(self, snapshot)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        run = self.begin()
        for frame in frames:
            yield run.step(frame)


class SmoothedRun:
    """One video under way."""

    def __init__(self, scheme: Smoothed, snapshot: Snapshot | None) -> None:
        self._rule, self._joints = scheme.rule, len(scheme.skeleton)
        inner = None if snapshot is None else part(snapshot, "run")
        self._run: Run = scheme.pipeline.begin(inner)
        self._people: dict[int, _Filtered] = {}
        if snapshot is not None:
            rows = zip(
                snapshot["tracks"].tolist(),
                snapshot["points"],
                snapshot["speeds"],
                snapshot["seconds"].tolist(),
                strict=True,
            )
            self._people = {n: _Filtered(points, speeds, at) for n, points, speeds, at in rows}

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame."""
        people = list(self._people.values())
        shape = (-1, self._joints, 2)
        return {
            **prefixed("run", dict(self._run.snapshot())),
            "tracks": np.array(list(self._people), np.int64),
            "points": np.array([p.points for p in people], np.float64).reshape(shape),
            "speeds": np.array([p.speeds for p in people], np.float64).reshape(shape),
            "seconds": np.array([p.seconds for p in people], np.float64),
        }

    def forget(self) -> None:
        """Forget everyone; numbers go on."""
        self._run.forget()
        self._people = {}

    def step(self, frame: Frame) -> FrameResult:
        """The result of the next frame."""
        result = self._run.step(frame)
        poses = tuple(self._smoothed(pose, frame.seconds) for pose in result.poses)
        self._people = {
            n: p for n, p in self._people.items() if frame.seconds - p.seconds <= _LONGEST
        }
        raw = tuple(pose.keypoints for pose in result.poses)
        return replace(result, poses=poses, raw=raw)

    def _smoothed(self, pose: Pose, seconds: float) -> Pose:
        if pose.track is None:
            return pose
        now = pose.keypoints.astype(np.float64)
        now[pose.scores < _LEAST_SCORE] = np.nan
        before = self._people.get(pose.track)
        if before is None or not 0 < seconds - before.seconds <= _LONGEST:
            self._people[pose.track] = _Filtered(now, np.zeros_like(now), seconds)
            return pose
        step = seconds - before.seconds
        size = max(pose.box.area, 1.0) ** 0.5
        known = np.isfinite(before.points)
        moved = np.where(known, (now - before.points) / size / step, 0.0)
        speeds = before.speeds + _share(self._rule.speed_cutoff, step) * (moved - before.speeds)
        speeds = np.where(np.isfinite(speeds), speeds, 0.0)
        cutoff = self._rule.least_cutoff + self._rule.beta * np.hypot(*speeds.T)[:, None]
        points = np.where(known, before.points + _share(cutoff, step) * (now - before.points), now)
        self._people[pose.track] = _Filtered(points, speeds, seconds)
        shown = np.where(np.isfinite(points), points, pose.keypoints)
        return replace(pose, keypoints=shown.astype(np.float32))


def _share(cutoff: float | Doubles, step: float) -> Doubles:
    """The part of the newest value, for a cutoff in hertz and a step in seconds."""
    lag = 1 / (2 * np.pi * np.asarray(cutoff, np.float64))
    return np.asarray(1 / (1 + lag / step), np.float64)
