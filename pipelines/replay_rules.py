"""The rules of a replay: the published ones, and the corrections that can be switched on over them.

Defects of the published rules: FSPose specification, section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from data.annolist import JOINTS
from data.annorect import (
    NOBODY,
    annorects,
    annorects_as_published,
    joints,
    joints_as_published,
    tracked_annorects_as_published,
)
from data.heatmaps import Heatmaps
from data.posetrack import Person, Sequence
from data.skeleton import POSETRACK_17

Correction = Literal["keyframes", "resampling", "alignment", "scale", "neck", "tracks"]
Corrections = frozenset[Correction]

CORRECTIONS: Mapping[Correction, str] = {
    "keyframes": "keyframes answer with the slow maps",
    "resampling": "fast maps come into the slow space bilinearly",
    "alignment": "the keyframe's maps move with the change of box",
    "scale": "fast maps are merged and scored on the slow maps' scale",
    "neck": "the neck is the network's own head_bottom",
    "tracks": "people keep their track numbers",
}
"""What each correction does."""

AS_PUBLISHED: Corrections = frozenset()
OURS: Corrections = frozenset({"keyframes", "resampling", "scale", "neck", "tracks"})
"""All but `alignment`, which harms the default fusion; docs/benchmarks.md has figures."""

OF_RECORDS: Corrections = frozenset({"neck", "tracks"})
"""They change what is written, not what is computed."""

SOFT_PEAK = 0.262  # the highest cell that soft maps taught a sigma of 2 can reach (section 0.4)
_SOFT_SUM = 1.05  # of a soft map's cells, which is 1, and less where they are stored in bytes

Records = Callable[[Several[Person]], list[dict[str, Any]]]


def fast_peak(heatmaps: Several[Heatmaps]) -> float:
    """The highest cell that a fast net's maps can ideally have, told by some of them.

    Maps that sum to 1 are the published net's soft-max, whose ideal is far below the slow net's 1.
    """
    sums = [float(maps.maps.sum((1, 2)).max()) for maps in heatmaps]
    return SOFT_PEAK if max(sums, default=np.inf) <= _SOFT_SUM else 1.0


def records(corrections: Corrections, threshold: float | None) -> Records:
    """How the people of a frame become the records of a result file.

    With a `threshold` people keep their tracks, and those whose box scores less are left out, as
    the published EVAL_TRACKING has it.
    """

    def made(people: Several[Person]) -> list[dict[str, Any]]:
        sure = [person for person in people if _is_sure(person, threshold)]
        if "neck" not in corrections and has_tracks(corrections, threshold):
            least = -np.inf if threshold is None else threshold
            return tracked_annorects_as_published(people, threshold=least)
        if "neck" not in corrections:
            return annorects_as_published(people)
        if has_tracks(corrections, threshold):
            return annorects(sure)
        return annorects([replace(person, track=1) for person in sure]) or [NOBODY]

    return made


def judged(sequence: Sequence, corrections: Corrections, threshold: float | None) -> Sequence:
    """Predictions as the records of `records` say them, on PoseTrack18's keypoints without ears."""
    own, tracked = "neck" in corrections, has_tracks(corrections, threshold)

    def person(found: Person) -> Person:
        points = joints(found) if own else joints_as_published(found)
        keypoints, scores = np.zeros((len(POSETRACK_17), 2)), np.zeros(len(POSETRACK_17))
        visibility = np.zeros(len(POSETRACK_17))
        places = list(JOINTS)
        keypoints[places], scores[places], visibility[places] = points[:, :2], points[:, 2], 1.0
        return replace(
            found,
            keypoints=keypoints,
            visibility=visibility,
            scores=scores,
            track=found.track if tracked else 1,
        )

    frames = tuple(
        replace(frame, people=tuple(person(p) for p in frame.people if _is_sure(p, threshold)))
        for frame in sequence.frames
    )
    return replace(sequence, frames=frames)


def has_tracks(corrections: Corrections, threshold: float | None) -> bool:
    """Whether the records name people's own tracks, and not 1 for all."""
    return "tracks" in corrections or threshold is not None


def _is_sure(person: Person, threshold: float | None) -> bool:
    return threshold is None or person.score is None or person.score >= threshold
