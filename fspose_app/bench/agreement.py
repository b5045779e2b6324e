"""How far a scheme's answers agree with the slow network's on every frame: PCK and OKS.

Nobody annotated the clip, so that this is no accuracy: the reference may be wrong, and whoever is
wrong in another way is not better for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from data.pose import Floats, Pose
from data.result import Record, blank, result_of, skeleton_of
from data.similarity import oks_matrix
from data.skeleton import Skeleton
from pipelines.assign import assign
from pipelines.evaluation.pck import LIMBS

SURE = 0.2  # of a reference keypoint's score: with less it has no place to agree with
NEAR = 0.2  # of the torso: PCK@0.2
LEAST_OKS = 0.1  # of two poses that can be one person's
LEAST_TORSO = 1.0  # pixels, as in pipelines/evaluation/pck.py


@dataclass(frozen=True, slots=True)
class Agreement:
    """`pck` and `oks` in per cent, None where nothing can be compared.

    `people` are the reference's, on all frames; of them `missed` have no partner, whose keypoints
    count as wrong and whose OKS counts as 0. `strangers` have no partner in the reference: they
    count in neither.
    """

    pck: float | None
    oks: float | None
    people: int
    missed: int
    strangers: int


def agreement(header: Record, reference: Iterable[Record], other: Iterable[Record]) -> Agreement:
    """Two results of the same frames, whose keypoints are those of `header`.

    People are paired frame by frame so that the sum of OKS is largest. PCK@0.2 is the share of the
    reference's sure limb keypoints within 0.2 of the torso (its left shoulder to right hip), of
    people whose torso is sure; OKS the mean over everyone with a sure keypoint.
    """
    skeleton = skeleton_of(header)
    right = known = people = missed = strangers = 0
    similarity: list[float] = []
    for one, two in zip(reference, other, strict=True):
        here = [p for p in _poses(one, header) if (p.scores >= SURE).any()]
        there = _poses(two, header)
        oks = _oks(here, there, skeleton)
        pairs = assign(1 - oks, 1 - LEAST_OKS)
        partner = dict(pairs.pairs)
        people, missed = people + len(here), missed + len(pairs.rows)
        strangers += len(pairs.columns)
        for row, pose in enumerate(here):
            column = partner.get(row)
            similarity.append(0.0 if column is None else float(oks[row, column]))
            wanted, near = _limbs(pose, None if column is None else there[column], skeleton)
            known, right = known + wanted, right + near
    return Agreement(
        pck=100 * right / known if known else None,
        oks=100 * float(np.mean(similarity)) if similarity else None,
        people=people,
        missed=missed,
        strangers=strangers,
    )


def _poses(record: Record, header: Record) -> list[Pose]:
    return list(result_of(record, blank(record, header)).poses)


def _oks(reference: list[Pose], other: list[Pose], skeleton: Skeleton) -> Floats:
    """(N, M) over the reference's sure keypoints, however sure the other is of its own."""
    sure = [replace(p, scores=np.where(p.scores >= SURE, p.scores, 0)) for p in reference]
    told = [replace(p, scores=np.ones_like(p.scores)) for p in other]
    return oks_matrix(sure, told, skeleton)


def _limbs(pose: Pose, partner: Pose | None, skeleton: Skeleton) -> tuple[int, int]:
    """How many of a person's limb keypoints can be compared, and how many of them are near."""
    ends = [skeleton.index("left_shoulder"), skeleton.index("right_hip")]
    torso = float(np.hypot(*(pose.keypoints[ends[0]] - pose.keypoints[ends[1]])))
    if (pose.scores[ends] < SURE).any() or torso < LEAST_TORSO:
        return 0, 0
    limbs = np.array([skeleton.index(name) for name in LIMBS])
    limbs = limbs[pose.scores[limbs] >= SURE]
    if partner is None:
        return len(limbs), 0
    steps = np.linalg.norm(pose.keypoints[limbs] - partner.keypoints[limbs], axis=1)
    return len(limbs), int((steps <= NEAR * torso).sum())
