"""Paths: where each person was read, frame by frame, and what lies between the readings."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from data.frame import Origin
from data.pose import Box, Pose
from pipelines.snapshot import Arrays

_ORIGINS: tuple[Origin, ...] = get_args(Origin)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A pose that networks read on a frame; its box is the person's, as the track knows it."""

    frame: int
    seconds: float
    pose: Pose
    origin: Origin


class Paths:
    """Readings by track and frame; the tracks in order of their number, the frames rising."""

    def __init__(self) -> None:
        self._tracks: dict[int, dict[int, Reading]] = {}

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]]) -> Paths:
        """The paths that `snapshot()` described."""
        paths = cls()
        for row, (track, frame, origin) in enumerate(arrays["flags"].tolist()):
            seconds, score, *corners = arrays["numbers"][row].tolist()
            points, scores = arrays["keypoints"][row], arrays["scores"][row]
            pose = Pose(points.copy(), scores.copy(), Box(*corners), score)
            paths.add(track, Reading(frame, seconds, pose, _ORIGINS[origin]))
        return paths

    def copy(self) -> Paths:
        """The same readings; what comes or goes here does not there."""
        other = Paths()
        other._tracks = {track: dict(path) for track, path in self._tracks.items()}
        return other

    def snapshot(self, keypoints: int) -> Arrays:
        """Everything, as arrays; `keypoints` is how many a person has."""
        rows = [(n, reading) for n in self for reading in self.of(n)]
        poses = [reading.pose for _, reading in rows]
        flags = [(n, r.frame, _ORIGINS.index(r.origin)) for n, r in rows]
        numbers = [(r.seconds, r.pose.score, *_sides(r.pose.box)) for _, r in rows]
        return {
            "flags": np.array(flags, np.int64).reshape(-1, 3),
            "numbers": np.array(numbers, np.float64).reshape(-1, 7),
            "keypoints": np.array([p.keypoints for p in poses], np.float32).reshape(
                -1, keypoints, 2
            ),
            "scores": np.array([p.scores for p in poses], np.float32).reshape(-1, keypoints),
        }

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._tracks))

    def of(self, track: int) -> list[Reading]:
        """A track's readings in order of frame; none where there is no such track."""
        return [reading for _, reading in sorted(self._tracks.get(track, {}).items())]

    def near(self, track: int, frame: int) -> list[Reading]:
        """A track's readings from a frame on, and the two before it that tell its motion there."""
        path = self.of(track)
        start = bisect_left(path, frame, key=_frame)
        return path[max(start - 2, 0) :]

    def add(self, track: int, reading: Reading) -> None:
        """One more reading, in the place of one that was there."""
        self._tracks.setdefault(track, {})[reading.frame] = reading

    def remove(self, track: int, frame: int) -> None:
        """Take back a reading, where there is one."""
        path = self._tracks.get(track, {})
        path.pop(frame, None)
        if not path:
            self._tracks.pop(track, None)

    def forget_before(self, seconds: float) -> None:
        """Drop what was read before a time of the video."""
        kept = {
            n: {at: reading for at, reading in path.items() if reading.seconds >= seconds}
            for n, path in self._tracks.items()
        }
        self._tracks = {n: path for n, path in kept.items() if path}


def parted(path: Sequence[Reading], seconds: float, frames: int) -> list[list[Reading]]:
    """The path cut where nobody was read for longer than both `seconds` and `frames` frames."""
    parts: list[list[Reading]] = []
    for reading in path:
        last = parts[-1][-1] if parts else None
        if last is None or (
            reading.seconds - last.seconds > seconds + 1e-6 and reading.frame - last.frame > frames
        ):
            parts.append([])
        parts[-1].append(reading)
    return parts


def box_at(path: Sequence[Reading], frame: int) -> Box:
    """A person's box on a frame: between two readings in a straight line, beyond the first or last
    one on with the motion from the reading next to it."""
    if len(path) == 1:
        return path[0].pose.box
    right = min(max(bisect_left(path, frame, key=_frame), 1), len(path) - 1)
    before, after = path[right - 1], path[right]
    share = (frame - before.frame) / (after.frame - before.frame)
    first, last = np.array(_sides(before.pose.box)), np.array(_sides(after.pose.box))
    if not 0 <= share <= 1:  # beyond the ends the size stays, so that no box turns inside out
        end = last if share > 1 else first
        step = (last - first)[:4].reshape(2, 2).mean(0) * (share - 1 if share > 1 else share)
        return Box(*(end + np.array([*step, *step, 0.0])).tolist())
    return Box(*(first + share * (last - first)).tolist())


def pose_at(before: Reading, after: Reading, frame: int) -> Pose:
    """A person's pose on a frame between two readings, in a straight line."""
    share = np.float32((frame - before.frame) / (after.frame - before.frame))
    first, last = before.pose, after.pose
    return Pose(
        first.keypoints + share * (last.keypoints - first.keypoints),
        first.scores + share * (last.scores - first.scores),
        box_at((before, after), frame),
        first.score + float(share) * (last.score - first.score),
    )


def moved_to(pose: Pose, box: Box) -> Pose:
    """A pose moved and grown with its box to another one."""
    size = np.array([max(pose.box.width, 1e-3), max(pose.box.height, 1e-3)])
    relative = (pose.keypoints - np.array(pose.box.center)) / size
    points = relative * [box.width, box.height] + box.center
    return replace(pose, keypoints=points.astype(np.float32), box=box)


def _frame(reading: Reading) -> int:
    return reading.frame


def _sides(box: Box) -> tuple[float, float, float, float, float]:
    return box.left, box.top, box.right, box.bottom, box.score
