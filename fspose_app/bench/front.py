"""Points of cost and agreement, and the front of those that no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    """A scheme's cost and agreement; a reference point has no agreement, NaN."""

    name: str
    cost: float
    kept: float


def front(points: Sequence[Point]) -> list[Point]:
    """Those with agreement than which none is as cheap and agrees better, cheapest first."""
    best: list[Point] = []
    agreeing = [point for point in points if not math.isnan(point.kept)]
    for point in sorted(agreeing, key=lambda point: (point.cost, -point.kept)):
        if not best or point.kept > best[-1].kept:
            best.append(point)
    return best
