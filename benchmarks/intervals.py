"""Bootstrap intervals: how far a figure wavers with who happens to be in the set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
DRAWS = 1000


def interval(
    figure: Callable[[Integers], float], units: int, *, draws: int = DRAWS
) -> tuple[float, float]:
    """95 % of `draws` values of a figure over as many units, drawn with replacement.

    `figure` gets the numbers of the drawn units (units,). Seeded: the same again each time.
    """
    rng = np.random.default_rng(0)
    found = [figure(rng.integers(0, units, units)) for _ in range(draws)]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)
