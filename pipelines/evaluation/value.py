"""Value: one number of a score, and why there is none where there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple


class Value(NamedTuple):
    """Per cent; NaN for a `reason`."""

    number: float
    reason: str = ""


Values = Mapping[str, Value]
"""Numbers by name, in the order in which they are shown."""


def missing(reason: str) -> Value:
    """A number that cannot be told."""
    return Value(math.nan, reason)
