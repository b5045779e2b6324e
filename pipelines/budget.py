"""Budget: what reading people may cost on the mean of a run, and the purses it is paid from."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

# Chosen on drawn clips of the seeds for tuning and on Bonn's sequence (docs/keyframes.md).
_KEY_SHARE = 0.25  # of a budget, for the slow net: at 0.36 GMAC a keyframe every 15 frames
_SAVED = 4  # frames' worth that may be kept for later
_CAUTION = 2.0  # whole reasons that are asked for beyond the first where a purse is empty


@dataclass(frozen=True, slots=True)
class Budget:
    """`gmacs` per person and frame; what the slow and the fast net's reading of one person costs,
    whatever else runs with them included, and of the latter the part `merging`, which comes back
    where the fast maps are the answer by themselves. The finder is not in it: it costs the same
    whoever is there."""

    gmacs: float
    slow: float
    fast: float
    merging: float = 0.0

    def least(self, skip: int) -> float:
        """The smallest budget that can be met, where `skip` frames may go unread in a row: its
        share for the fast net pays for a reading after each of them."""
        return self.fast / (1 + skip) / (1 - _KEY_SHARE)


@dataclass(slots=True)
class Purse:
    """What is left of one net's share; below 0 it is owed."""

    share: float
    price: float
    left: float = 0.0
    full: float = 0.0

    def earn(self, gmacs: float) -> float:
        """Puts a share of a frame's income away; what is too much for the purse.

        A purse is full at first. Little is saved, so that no frame costs much more than another.
        """
        begins = self.full == 0
        self.full = max(self.price, _SAVED * self.share * gmacs)
        self.left = self.full if begins else self.left + self.share * gmacs
        over = max(0.0, self.left - self.full)
        self.left -= over
        return over

    def pay(self) -> None:
        """Pays for a reading, even if it is owed for a while."""
        self.left -= self.price

    def pays_for(self, reasons: float) -> bool:
        """Whether there is enough for a reading with so many reasons, whole ones from 1 on.

        One suffices where the purse is full, more are asked for the emptier it is: so readings are
        spread over time, where whoever asks first would else leave nothing over.
        """
        empty = 1 - self.left / max(self.full, self.price)
        return self.price <= self.left and reasons >= 1 + _CAUTION * empty


@dataclass(slots=True)
class Purses:
    """Both nets' purses of one run."""

    budget: Budget
    slow: Purse = field(init=False)
    fast: Purse = field(init=False)

    def __post_init__(self) -> None:
        self.slow = Purse(_KEY_SHARE, self.budget.slow)
        self.fast = Purse(1 - _KEY_SHARE, self.budget.fast)

    def unmerged(self) -> None:
        """Of a reading that was paid for, gives back what was not spent on merging maps."""
        self.fast.left += self.budget.merging

    def earn(self, people: int) -> None:
        """A frame's income; what the slow net's share has too much of, the fast net gets."""
        income = self.budget.gmacs * people
        self.fast.left += self.slow.earn(income)
        self.fast.earn(income)

    def snapshot(self) -> NDArray[np.float64]:
        """(2, 2): what is left of both, and how much they hold."""
        return np.array([(p.left, p.full) for p in (self.slow, self.fast)], np.float64)

    def restore(self, purses: NDArray[np.float64]) -> None:
        """Goes on with what `snapshot` said."""
        for purse, (left, full) in zip((self.slow, self.fast), purses.tolist(), strict=True):
            purse.left, purse.full = left, full
