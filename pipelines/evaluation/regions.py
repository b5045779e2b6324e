"""Which keypoints lie inside an ignore region."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from data.flat_sequence import Marks, Regions, Wholes
from data.json_fields import Doubles
from pipelines.evaluation.ranges import spread

# Of two products of differences, rounded: a cross product beyond this share of their sum has the
# right sign (Shewchuk's bound is 3.3e-16).
_SAFE = 1e-15
_EDGES = 1_000_000  # that are looked at together: about 100 MB


def inside(regions: Regions, frame: Wholes, points: Doubles, present: Marks) -> Marks:
    """(N, J): which of N people's keypoints lie strictly inside a region of their frame.

    `frame` (N,) rises; `points` is (N, J, 2) in pixels, `present` (N, J). A point on an edge or
    vertex is not inside; a polygon that crosses itself follows the even-odd rule (evaluation
    specification, section 2, rule 7).
    """
    found = np.zeros(present.shape, np.bool_)
    if not len(regions.size) or not len(frame):
        return found
    starts = np.cumsum(regions.size) - regions.size
    low = np.minimum.reduceat(regions.vertices, starts)
    high = np.maximum.reduceat(regions.vertices, starts)
    first, last = np.searchsorted(frame, [regions.frame, regions.frame + 1])
    region, person = spread(first, last - first)
    within = (points[person] > low[region, None]) & (points[person] < high[region, None])
    pair, joint = np.nonzero(within.all(2) & present[person])
    region, person = region[pair], person[pair]
    step = max(1, _EDGES // int(regions.size.max()))
    for begin in range(0, len(pair), step):
        part = slice(begin, begin + step)
        at = (person[part], joint[part])
        hit = _in_polygon(regions, starts, region[part], points[at])
        found[at[0][hit], at[1][hit]] = True
    return found


def _in_polygon(regions: Regions, starts: Wholes, region: Wholes, points: Doubles) -> Marks:
    """(K,): whether each of (K, 2) points lies strictly inside its region."""
    owner, vertex = spread(starts[region], regions.size[region])
    after = vertex + 1
    is_last = after == (starts + regions.size)[region][owner]
    after[is_last] = starts[region][owner][is_last]
    crossed, touched = _edges(regions.vertices[vertex], regions.vertices[after], points[owner])
    of_point = np.cumsum(regions.size[region]) - regions.size[region]
    crossings = np.add.reduceat(crossed.astype(np.int64), of_point)
    return np.asarray((crossings % 2 == 1) & ~np.logical_or.reduceat(touched, of_point))


def _edges(start: Doubles, end: Doubles, point: Doubles) -> tuple[Marks, Marks]:
    """Which edges (E, 2) cross the ray from a point to the right, and which the point lies on."""
    (x1, y1), (x2, y2), (x, y) = start.T, end.T, point.T
    straddles = (y1 > y) != (y2 > y)
    flat = (y1 == y) & (y2 == y) & (np.minimum(x1, x2) <= x) & (x <= np.maximum(x1, x2))
    touched = flat | ((x2 == x) & (y2 == y))
    side = np.zeros(len(x))
    at = np.flatnonzero(straddles)
    side[at] = _sides(start[at], end[at], point[at])
    touched[at] |= side[at] == 0
    rises = y2 > y1
    return straddles & np.where(rises, side > 0, side < 0), touched


def _sides(start: Doubles, end: Doubles, point: Doubles) -> Doubles:
    """On which side of the line from `start` to `end` a point lies: 1 left, -1 right, 0 on it."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        a, b = start - point, end - point
        left, right = a[:, 0] * b[:, 1], a[:, 1] * b[:, 0]
        cross, size = left - right, np.abs(left) + np.abs(right)
        sure = (np.abs(cross) > _SAFE * size) & np.isfinite(size)
    side = np.sign(np.where(sure, cross, 0.0))
    for i in np.flatnonzero(~sure & (size != 0)):
        side[i] = _exact_side(start[i], end[i], point[i])
    return side


def _exact_side(start: Doubles, end: Doubles, point: Doubles) -> int:
    """The side without rounding."""
    (x1, y1), (x2, y2), (x, y) = (map(Fraction, spot.tolist()) for spot in (start, end, point))
    cross = (x1 - x) * (y2 - y) - (y1 - y) * (x2 - x)
    return (cross > 0) - (cross < 0)
