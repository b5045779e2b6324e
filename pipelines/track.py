"""Track: what the tracker knows of one person, and how a pose says where the person's box is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.pose import Box, Floats, Pose
from pipelines.motion import Motion
from pipelines.snapshot import Arrays

Doubles = NDArray[np.float64]

_CONFIDENT = 0.35  # of the pose's best keypoint; maps of different networks differ in scale
_ENOUGH = 4  # keypoints that must be confident before they say where the box is
_MARGIN = (-0.1, 0.6)  # how far a person's box can lie outside the keypoints, in their extent
_NEWS = 0.4  # the weight of the newest margins


@dataclass(eq=False)
class Track:
    """One person: the motion of the box, the last pose and margins, and when it was last seen.

    `relative` is (J, 2), the last pose's keypoints with the box as unit square about its centre.
    `margins` are left, top, right, bottom: by how much the finder's box exceeds the confident
    keypoints, in units of their longer side. `expected` is the box with which the
    present frame's are compared; it is made anew on each frame. `unfound` counts the searches
    since the finder last found it.
    """

    number: int
    motion: Motion
    relative: Doubles
    scores: Floats
    margins: Doubles
    seen: float
    alive: bool
    unfound: int
    expected: Box

    @classmethod
    def born(cls, number: int, pose: Pose, seconds: float) -> Track:
        """A new track where a person was found."""
        return cls(
            number=number,
            motion=Motion(pose.box),
            relative=_relative(pose, pose.box),
            scores=pose.scores,
            margins=np.full(4, np.nan),
            seen=seconds,
            alive=True,
            unfound=0,
            expected=pose.box,
        )

    def moved(self) -> Pose:
        """The last pose, moved and grown with the box."""
        box = self.expected
        points = self.relative * [box.width, box.height] + box.center
        return Pose(points.astype(np.float32), self.scores, box, 0.0)

    def learn(self, pose: Pose, found: Box | None, *, doubt: float) -> None:
        """Corrects the motion by the finder's box, or by the keypoints where it gave none.

        The networks were trained on people's boxes, so the crop must stay one. Keypoints lie
        inside the person; how far differs with clothes, view and finder. Each track therefore
        remembers the margins between the two from the frames on which it was found, and adds
        them to its keypoints on the others. Nothing is summed up from frame to frame: it cannot
        drift.
        """
        keypoints = _extent(pose)
        if found is not None:
            self.motion.correct(found, doubt=doubt)
            if keypoints is not None:
                self.margins = _blend(self.margins, _margins(found, keypoints))
        elif keypoints is not None and not np.isnan(self.margins).any():
            self.motion.correct(_grown(keypoints, self.margins), doubt=doubt)

    def hold(self, pose: Pose) -> None:
        """Keeps the pose relative to the box, to be compared with the next one."""
        self.relative, self.scores = _relative(pose, self.motion.box), pose.scores

    @staticmethod
    def pack(tracks: Sequence[Track], keypoints: int) -> Arrays:
        """Tracks as arrays."""
        flags = [(t.number, t.alive, t.unfound) for t in tracks]
        return {
            "flags": np.array(flags, np.int64).reshape(-1, 3),
            "state": np.array([t.motion.state for t in tracks]).reshape(-1, 6),
            "covariance": np.array([t.motion.covariance for t in tracks]).reshape(-1, 6, 6),
            "relative": np.array([t.relative for t in tracks]).reshape(-1, keypoints, 2),
            "scores": np.array([t.scores for t in tracks], np.float32).reshape(-1, keypoints),
            "margins": np.array([t.margins for t in tracks]).reshape(-1, 4),
            "seen": np.array([t.seen for t in tracks], np.float64),
        }

    @staticmethod
    def unpack(arrays: Mapping[str, NDArray[Any]]) -> list[Track]:
        """What `pack` packed."""
        tracks = []
        for row, (number, alive, unfound) in enumerate(arrays["flags"].tolist()):
            motion = Motion.restored(arrays["state"][row], arrays["covariance"][row])
            tracks.append(
                Track(
                    number=number,
                    motion=motion,
                    relative=np.array(arrays["relative"][row], np.float64),
                    scores=np.array(arrays["scores"][row], np.float32),
                    margins=np.array(arrays["margins"][row], np.float64),
                    seen=float(arrays["seen"][row]),
                    alive=bool(alive),
                    unfound=unfound,
                    expected=motion.box,
                )
            )
        return tracks


def _corners(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.right, box.bottom


def _relative(pose: Pose, box: Box) -> Doubles:
    size = np.maximum([box.width, box.height], 1e-3)
    return np.asarray((pose.keypoints - np.array(box.center)) / size, np.float64)


def _extent(pose: Pose) -> Box | None:
    """The box of the confident keypoints; None where they are too few to say."""
    confident = pose.scores >= max(_CONFIDENT * float(pose.scores.max(initial=0)), 1e-6)
    if confident.sum() < _ENOUGH:
        return None
    points = pose.keypoints[confident].astype(np.float64)
    return Box(*points.min(0).tolist(), *points.max(0).tolist())


def _unit(box: Box) -> float:
    return max(box.width, box.height, 1.0)


def _margins(person: Box, keypoints: Box) -> Doubles:
    outward = np.array([-1, -1, 1, 1])
    steps = (np.array(_corners(person)) - _corners(keypoints)) * outward / _unit(keypoints)
    return np.asarray(np.clip(steps, *_MARGIN), np.float64)


def _blend(before: Doubles, news: Doubles) -> Doubles:
    return np.where(np.isnan(before), news, (1 - _NEWS) * before + _NEWS * news)


def _grown(keypoints: Box, margins: Doubles) -> Box:
    steps = margins * [-1, -1, 1, 1] * _unit(keypoints)
    return Box(*(np.array(_corners(keypoints)) + steps).tolist())
