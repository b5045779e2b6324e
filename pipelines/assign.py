"""Cost matrix to pairs and leftovers."""

from __future__ import annotations

from typing import NamedTuple

import lap
import numpy as np
from numpy.typing import NDArray

FORBIDDEN = 1e6
"""A cost that no limit admits."""


class Assignment(NamedTuple):
    """Pairs of (row, column), and the rows and columns that are left over, all rising."""

    pairs: list[tuple[int, int]]
    rows: list[int]
    columns: list[int]


def assign(cost: NDArray[np.floating], limit: float) -> Assignment:
    """The cheapest pairing of an (N, M) cost matrix in which no pair costs more than `limit`.

    A pair is made when it is cheaper than leaving both alone, which costs `limit`.
    """
    if cost.size == 0:
        return Assignment([], list(range(cost.shape[0])), list(range(cost.shape[1])))
    bounded = np.minimum(np.asarray(cost, np.float64), FORBIDDEN)
    _, columns, rows = lap.lapjv(bounded, extend_cost=True, cost_limit=limit)
    return Assignment(
        [(row, int(column)) for row, column in enumerate(columns) if column >= 0],
        [row for row, column in enumerate(columns) if column < 0],
        [column for column, row in enumerate(rows) if row < 0],
    )
