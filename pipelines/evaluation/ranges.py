"""Many short ranges at once, as one array: what a loop over frames would walk through."""

from __future__ import annotations

import numpy as np

from data.flat_sequence import Wholes


def spread(starts: Wholes, counts: Wholes) -> tuple[Wholes, Wholes]:
    """The ranges `starts[i], starts[i] + 1, ...` of `counts[i]` numbers, one after the other.

    Returns which range each number belongs to, and the numbers; both are (sum of counts,).
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - first[owner] + starts[owner]


def runs(*keys: Wholes) -> tuple[Wholes, Wholes]:
    """Begin and end of every run of equal keys; the keys are (n,) each, and count together."""
    is_first = np.ones(len(keys[0]), np.bool_)
    is_first[1:] = np.any([np.diff(key) != 0 for key in keys], 0)
    begins = np.flatnonzero(is_first)
    return begins, np.append(begins, len(is_first))[1:]
