"""Metric: one score of the 15 keypoints and their total, with a reason for each that is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.flat_sequence import Marks
from data.json_fields import Doubles
from data.skeleton import POSETRACK_15

KEYPOINTS = tuple(POSETRACK_15.keypoints)
NAMES = (*("neck" if name == "head_bottom" else name for name in KEYPOINTS), "total")
"""The 16 places of a metric, as the official files name them."""

TOTAL = len(KEYPOINTS)
COLUMNS: Mapping[str, tuple[int, ...]] = {
    "Head": (14, 12, 13),
    "Shou": (8, 9),
    "Elb": (7, 10),
    "Wri": (6, 11),
    "Hip": (2, 3),
    "Knee": (1, 4),
    "Ankl": (0, 5),
}
"""The columns of the printed tables, and whose mean each is (specification, section 3)."""

NEVER_ANNOTATED = "never annotated"
NEVER_PREDICTED = "never predicted"
NEVER_MATCHED = "never matched"
NOTHING = "neither annotated nor predicted"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """`values` (16,) in the order of NAMES, per cent but for counts; `reasons` tells every NaN."""

    values: Doubles
    reasons: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bare = set(np.flatnonzero(np.isnan(self.values)).tolist()) - set(self.reasons)
        if bare:
            raise ValueError(f"no reason for NaN at {sorted(bare)}")

    @property
    def total(self) -> float:
        return float(self.values[TOTAL])

    @property
    def columns(self) -> Doubles:
        """(8,): the printed columns and the total; one NaN keypoint makes its column NaN."""
        means = [self.values[list(members)].mean() for members in COLUMNS.values()]
        return np.array([*means, self.values[TOTAL]])


def metric(joints: Doubles, reason: str) -> Metric:
    """A metric of 15 values; the total is the mean of those that are not NaN, for `reason`."""
    known = joints[~np.isnan(joints)]
    total = known.mean() if len(known) else np.nan
    values = np.append(joints, total)
    reasons = {int(i): reason for i in np.flatnonzero(np.isnan(joints))}
    if not len(known):
        reasons[TOTAL] = f"every keypoint is {reason}"
    return Metric(values, reasons)


def share(part: NDArray[np.number], whole: NDArray[np.number]) -> Doubles:
    """`part / whole`, NaN where `whole` is 0."""
    none: Marks = np.asarray(whole == 0)
    return np.where(none, np.nan, part / np.where(none, 1, whole))
