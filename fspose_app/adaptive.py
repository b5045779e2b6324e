"""What settings say of keyframes becomes an adaptive schedule, with the prices of its budget."""

from __future__ import annotations

from data.errors import ConfigError
from fspose_app.config import SchemeSettings
from models import cost
from models.topdown import TopDown
from models.warp import Warp
from pipelines.budget import Budget
from pipelines.schedule import SKIP, Adaptive

LATEST = 2  # times the interval: so late a keyframe comes to whom the evidence never calls for one
TRANSFERS = {
    "fast-only": 0,
    "two-maps": 1,
    "gated": 1,
    "three-maps": 2,
    "three-maps-light": 2,
    "previous-only": 1,
    "recursive": 2,
}
"""How often a fusion carries one person's maps on a frame, at most."""
NEED_PREVIOUS = ("three-maps", "three-maps-light", "previous-only")
"""Fusions for which the fast net reads everyone on keyframes too."""


def check(settings: SchemeSettings) -> None:
    """Raises ConfigError for a setting of adaptive keyframes where there are none."""
    if settings.scheme == "fast-slow" and settings.keyframes == "adaptive":
        return
    for name in ("budget", "skip"):
        if getattr(settings, name) is not None:
            raise ConfigError(
                f"--{name} is for adaptive keyframes of the fast-slow scheme only. "
                "Give --keyframes adaptive too, or leave it out."
            )


def adaptive(settings: SchemeSettings, budget: Budget | None) -> Adaptive:
    """The schedule that the settings name. Raises ConfigError for what cannot be met."""
    wanted = SKIP if settings.skip is None else settings.skip
    # On a search everyone is read: who sleeps longer would be promised a budget that cannot be met.
    skip = min(wanted, settings.search_interval - 1)
    return Adaptive(longest=LATEST * settings.interval, skip=skip, budget=budget)


def priced(
    gmacs: float, settings: SchemeSettings, slow: TopDown, fast: TopDown, transfer: Warp | None
) -> Budget:
    """A budget with what the networks cost, which are torch's own; `fast` includes the fusion."""
    exact, quick = cost.reading(slow), cost.reading(fast)
    once = 0.0 if transfer is None else cost.carrying(transfer, slow)
    how = settings.one_pass_fusion
    carrying = TRANSFERS[how] * once
    looks = 2 if settings.flip_test else 1
    beside = quick if how in NEED_PREVIOUS else 0.0
    return Budget(gmacs, looks * exact + beside, quick + carrying, merging=carrying)
