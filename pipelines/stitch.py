"""Stitch: which path goes on where another one ended, settled with both sides in view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.pose import Box
from data.skeleton import Skeleton
from pipelines.assign import FORBIDDEN, assign
from pipelines.likeness import Costs, distances, oks, share_inside
from pipelines.paths import Reading, moved_to

_RUN = 0.35  # seconds of a path's end from which its motion is read
_LONGEST = 0.6  # seconds for which anyone keeps that motion


@dataclass(frozen=True, slots=True)
class Joining:
    """When two paths are one person's. Lengths are in sizes of the box, times in seconds.

    Each end, carried on with its own motion, must come within `reach` of the other, and
    `reach_growth` more for every second between; `gap` is the longest time between them. The cost
    of a pair is half its distance and half what the two poses' OKS lacks, at most `limit`. Where
    both ends lead out of the picture, one person left and another one came: less than `visible` of
    the two carried boxes is then within it.
    """

    gap: float = 4.0
    reach: float = 0.8
    reach_growth: float = 0.25
    limit: float = 1.0
    visible: float = 0.5


Path = Sequence[Reading]
Size = tuple[int, int]


def joined(
    ended: Mapping[int, Path],
    begun: Mapping[int, Path],
    skeleton: Skeleton,
    rule: Joining,
    size: Size,
) -> dict[int, int]:
    """Of the paths that have `begun`, whose `ended` path each goes on, by number.

    `size` is the picture's, (width, height).
    """
    olds, news = list(ended), list(begun)
    cost = np.full((len(olds), len(news)), FORBIDDEN)
    for row, old in enumerate(olds):
        for column, new in enumerate(news):
            cost[row, column] = _cost(ended[old], begun[new], skeleton, rule, size)
    return {news[column]: olds[row] for row, column in assign(cost, rule.limit).pairs}


def _cost(old: Path, new: Path, skeleton: Skeleton, rule: Joining, size: Size) -> float:
    last, first = old[-1], new[0]
    gap = first.seconds - last.seconds
    if not 0 < gap <= rule.gap:
        return FORBIDDEN
    reach = [rule.reach + rule.reach_growth * gap]
    there, back = _carried(old, -1, gap), _carried(new, 0, -gap)
    far: Costs = np.maximum(
        distances([there], [first.pose.box], reach), distances([back], [last.pose.box], reach)
    )
    if far[0, 0] > 1 or max(share_inside(box, size) for box in (there, back)) < rule.visible:
        return FORBIDDEN
    before = moved_to(last.pose, first.pose.box)
    alike = float(oks([before], [first.pose], skeleton)[0, 0])
    return float(far[0, 0]) / 2 + (1 - alike) / 2


def _carried(path: Path, end: int, seconds: float) -> Box:
    """The box at an end of a path (0 or -1), carried on with its motion there."""
    own = path[end]
    near = [r for r in path if abs(r.seconds - own.seconds) <= _RUN]
    other = near[0] if end else near[-1]
    box, time = own.pose.box, own.seconds - other.seconds
    if time == 0:
        return box
    (x, y), (u, v) = box.center, other.pose.box.center
    kept = float(np.clip(seconds, -_LONGEST, _LONGEST)) / time
    right, down = (x - u) * kept, (y - v) * kept
    return Box(box.left + right, box.top + down, box.right + right, box.bottom + down, box.score)
