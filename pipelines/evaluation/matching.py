"""Who is near whom: close keypoints of a frame, and the pose assignment that AP rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.flat_sequence import Marks, Wholes
from data.json_fields import Doubles
from pipelines.evaluation.loading import People
from pipelines.evaluation.ranges import spread

NEAR = 0.5
"""A keypoint is right at a distance of at most half a head, inclusive."""

_TOGETHER = 50_000  # pairs of people that are compared at once: about 40 MB


@dataclass(frozen=True, slots=True, eq=False)
class Close:
    """K pairs of one annotated and one predicted keypoint, by joint, frame and row in the frame.

    All arrays are (K,): `truth` and `predicted` are rows of the people; `distance` is in head
    sizes of the annotated person.
    """

    joint: Wholes
    frame: Wholes
    truth: Wholes
    predicted: Wholes
    distance: Doubles

    def __len__(self) -> int:
        return len(self.joint)

    def where(self, kept: Marks) -> Close:
        """The pairs that are marked (K,)."""
        rows = (self.joint[kept], self.frame[kept], self.truth[kept], self.predicted[kept])
        return Close(*rows, self.distance[kept])


def close_pairs(truth: People, predicted: People, limit: float) -> Close:
    """All pairs of a joint in a frame whose distance is at most `limit` head sizes."""
    first, last = np.searchsorted(predicted.frame, [truth.frame, truth.frame + 1])
    counts = last - first
    ends = np.cumsum(counts)
    parts, begin = [], 0
    while begin < len(counts):
        before = ends[begin] - counts[begin]
        end = max(begin + 1, int(np.searchsorted(ends, before + _TOGETHER, "right")))
        owner, other = spread(first[begin:end], counts[begin:end])
        parts.append(_near(truth, predicted, owner + begin, other, limit))
        begin = end
    none = np.zeros(0, np.int64)
    parts = [(none, none, none, np.zeros(0)), *parts]
    joint, mine, other = (np.concatenate([part[i] for part in parts]) for i in range(3))
    distance = np.concatenate([part[3] for part in parts])
    order = np.argsort(joint, kind="stable")
    mine = mine[order]
    return Close(joint[order], truth.frame[mine], mine, other[order], distance[order])


def _near(
    truth: People, predicted: People, mine: Wholes, other: Wholes, limit: float
) -> tuple[Wholes, Wholes, Wholes, Doubles]:
    """Joint, both rows and distance of the near keypoints among pairs of people (M,)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        gap = predicted.points[other] - truth.points[mine]
        far = np.sqrt(gap[..., 0] ** 2 + gap[..., 1] ** 2) / truth.head[mine, None]
    joint, pair = np.nonzero((far <= limit).T)
    return joint, mine[pair], other[pair], far[pair, joint]


def right_keypoints(truth: People, predicted: People, close: Close) -> Marks:
    """(P, 15): which predicted keypoints count as right for AP (specification, section 4.2).

    Poses are compared by PCKh, the share of an annotated person's keypoints that are near. Each
    predicted person keeps the best annotated one, each annotated person takes the best of those
    that kept it; the first listed wins a tie, and nobody gets a second choice.
    """
    right = np.zeros(predicted.present.shape, np.bool_)
    if not len(close):
        return right
    couple = close.truth * len(predicted.frame) + close.predicted
    couples, of_pair, near = np.unique(couple, return_inverse=True, return_counts=True)
    mine, other = np.divmod(couples, len(predicted.frame))
    pckh = near / truth.present.sum(1)[mine]
    best = _first_best(other, pckh, mine)
    best = best[_first_best(mine[best], pckh[best], other[best])]
    chosen = np.zeros(len(couples), np.bool_)
    chosen[best] = True
    hit = chosen[of_pair]
    right[close.predicted[hit], close.joint[hit]] = True
    return right


def _first_best(owner: Wholes, value: Doubles, rank: Wholes) -> Wholes:
    """For each owner the place of its highest value, of equal ones that of the lowest rank."""
    order = np.lexsort((rank, -value, owner))
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = np.diff(owner[order]) != 0
    return order[is_first]
