"""Identity switches, keypoint by keypoint, gathered to what happened to whom in which frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from data.flat_sequence import Wholes
from pipelines.evaluation.scores import SequenceScores


class Switch(NamedTuple):
    """An annotated person who goes over from one predicted track to another, on some keypoints."""

    track: int
    before: int
    now: int
    joints: tuple[int, ...]


def lane(sequence: SequenceScores) -> Wholes:
    """(F,): how many keypoints change their identity in each frame of the video."""
    return np.bincount(sequence.switches[:, 0], minlength=len(sequence.frame_names))


def switches_in(sequence: SequenceScores, frame: int) -> list[Switch]:
    """What happened in one frame, the most keypoints first."""
    joints: dict[tuple[int, int, int], list[int]] = {}
    for _, joint, *who in sequence.switches[sequence.switches[:, 0] == frame].tolist():
        joints.setdefault(tuple(who), []).append(joint)
    found = [Switch(*who, tuple(sorted(some))) for who, some in joints.items()]
    return sorted(found, key=lambda switch: (-len(switch.joints), switch))


def worst_frames(lanes: Sequence[Wholes], most: int) -> list[int]:
    """At most `most` frames, in order, in which the most keypoints change in any of the runs."""
    changed = np.max(lanes, 0)
    at = np.flatnonzero(changed)
    chosen = at[np.lexsort((at, -changed[at]))][:most]
    return sorted(chosen.tolist())
