"""PCK and PCKh: the share of annotated keypoints that are found near enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from data.evaluation_coco import CocoResults, CocoTruth
from data.flat_sequence import Marks, Wholes
from data.json_fields import Doubles
from data.keypoint_sets import CROWDPOSE
from data.skeleton import COCO_17
from pipelines.evaluation.metric import NEVER_ANNOTATED
from pipelines.evaluation.value import Value, Values, missing

LIMBS = COCO_17.keypoints[5:]
"""The twelve keypoints from shoulders to ankles."""

LABELLED, VISIBLE = 1, 2
"""COCO's flags of a keypoint that is hidden and of one that is seen."""

_LEAST = 1.0  # pixels: of a shorter torso or head nothing can be told

NO_TORSO = "nobody annotated has both a left shoulder and a right hip"
NO_HEAD = "nobody annotated has a head box, nor both a top_head and a neck"


@dataclass(frozen=True, slots=True)
class Counted:
    """Whose keypoints count, and which.

    `flag` is the least flag of an annotated keypoint (LABELLED or VISIBLE); people with fewer than
    `limbs` such limb keypoints are left out.
    """

    flag: int = LABELLED
    limbs: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What distances are measured by: `sizes` (N,) in pixels, NaN where a person has none."""

    sizes: Doubles
    lacking: str


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The keypoints to be found: `wanted` (N, J), and how long each person's measure is (N,)."""

    wanted: Marks
    sizes: Doubles
    reason: str

    @property
    def people(self) -> int:
        return int(self.wanted.any(1).sum())


def torso(truth: CocoTruth) -> Yardstick:
    """Left shoulder to right hip of the annotation, where both are labelled."""
    return Yardstick(_between(truth, "left_shoulder", "right_hip"), NO_TORSO)


def head(truth: CocoTruth) -> Yardstick:
    """0.6 of the head box's diagonal; without a box, top_head to neck where both are labelled."""
    sizes = np.where(truth.head >= _LEAST, truth.head, np.nan)
    if truth.keypoint_set is CROWDPOSE:
        sizes = np.where(np.isnan(sizes), _between(truth, "top_head", "neck"), sizes)
    return Yardstick(sizes, NO_HEAD)


def targets(truth: CocoTruth, yardstick: Yardstick, counted: Counted) -> Targets:
    """Which annotated keypoints are to be found, by people who can be measured."""
    flagged = truth.keypoints[:, :, 2] >= counted.flag
    limbs = [truth.keypoint_set.index(name) for name in LIMBS]
    enough = flagged[:, limbs].sum(1) >= counted.limbs
    measured = ~np.isnan(yardstick.sizes) & truth.counts
    reason = NEVER_ANNOTATED
    if not measured.any():
        reason = yardstick.lacking
    elif not (measured & enough).any():
        reason = f"nobody measured has {counted.limbs} limb keypoints that count"
    return Targets(flagged & (measured & enough)[:, None], yardstick.sizes, reason)


def distances(truth: CocoTruth, results: CocoResults, partner: Wholes, targets: Targets) -> Doubles:
    """(N, J): how far off keypoints are, in torsos or heads; infinite where nobody was found.

    `partner` (N,) is each annotated person's result, -1 for none.
    """
    far = np.full(targets.wanted.shape, np.inf)
    met = np.flatnonzero((partner >= 0) & targets.wanted.any(1))
    steps = results.keypoints[partner[met], :, :2] - truth.keypoints[met, :, :2]
    far[met] = np.hypot(steps[:, :, 0], steps[:, :, 1]) / targets.sizes[met, None]
    return far


def shares(near: Marks, truth: CocoTruth, targets: Targets) -> Values:
    """Per cent of the keypoints to be found that are `near` (N, J): each, the limbs', and all."""
    values = {}
    for name, places in _groups(truth).items():
        wanted = targets.wanted[:, places]
        total = int(wanted.sum())
        right = int((near[:, places] & wanted).sum())
        values[name] = Value(100 * right / total) if total else missing(targets.reason)
    return values


def wanted_counts(truth: CocoTruth, targets: Targets) -> Mapping[str, int]:
    """How many keypoints are to be found: each, the limbs', and all."""
    return {name: int(targets.wanted[:, places].sum()) for name, places in _groups(truth).items()}


def _groups(truth: CocoTruth) -> Mapping[str, list[int]]:
    """The places of every keypoint, of the limbs and of all."""
    names = truth.keypoint_set.keypoints
    limbs = [names.index(name) for name in LIMBS]
    return {n: [i] for i, n in enumerate(names)} | {"limbs": limbs, "all": [*range(len(names))]}


def _between(truth: CocoTruth, one: str, other: str) -> Doubles:
    """(N,): how far two keypoints of a person are apart; NaN where one is not labelled."""
    first, second = (truth.keypoints[:, truth.keypoint_set.index(name)] for name in (one, other))
    length = np.hypot(first[:, 0] - second[:, 0], first[:, 1] - second[:, 1])
    known = (first[:, 2] > 0) & (second[:, 2] > 0) & (length >= _LEAST)
    return np.where(known, length, np.nan)
