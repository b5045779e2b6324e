"""What can be measured: schemes as overrides of `fspose track`'s settings, and reference points."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from fspose_app.config import BenchSettings, TrackSettings, settings

SLOW = "every-frame-slow"
"""The slow network on everyone in every frame: what agreement is measured against."""

HRNET, MOBILENET, TRANSFER = "hrnet-w32", "published-fast", "published-transfer"

SCHEMES: Mapping[str, Mapping[str, object]] = {
    SLOW: {"interval": 1},
    "fast-slow": {},
    "every:8": {"interval": 8},
    "every:32": {"interval": 32},
    "fast-only": {"fusion": "fast-only"},
    "two-maps": {"fusion": "two-maps"},
    "three-maps": {"fusion": "three-maps"},
    "three-maps-light": {"fusion": "three-maps-light"},
    "previous-only": {"fusion": "previous-only"},
    "recursive": {"fusion": "recursive"},
    "adaptive": {"keyframes": "adaptive"},
    "adaptive:0.4": {"keyframes": "adaptive", "budget": 0.4},
    "two-pass": {"two_pass": True},
}
"""What differs from the defaults of `fspose track`: a new setting is a new line."""

ONE_PASS: Mapping[str, object] = {"two_pass": False}

REFERENCES: Mapping[str, str] = {
    HRNET: "HRNet-W32 at 256 x 192 on everyone in every frame",
    MOBILENET: "the published MobileNet on everyone in every frame",
    TRANSFER: "one pass of the published transfer network, in torch",
}
"""Published designs with random weights: for cost and time, so that they have no agreement."""

NAMES = (*SCHEMES, *REFERENCES)
USUAL = tuple(name for name in NAMES if name != "three-maps-light")
"""Measured where nothing is asked for: `three-maps-light` is `three-maps` unless the light transfer
network is given."""


def named(names: Sequence[str]) -> tuple[str, ...]:
    """The names without repetition. ValueError for an unknown one, with the nearest."""
    for name in names:
        if name not in NAMES:
            near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.4)
            known = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(NAMES)}."
            raise ValueError(f"there is no scheme '{name}'; {known}")
    return tuple(dict.fromkeys(names))


def usual(chosen: BenchSettings) -> tuple[str, ...]:
    """What is measured where nothing is asked for."""
    light = "light-transfer" in chosen.weights
    return (*USUAL, "three-maps-light") if light else USUAL


def with_references(names: Sequence[str]) -> tuple[str, ...]:
    """What agreement and ratios need in front, then the rest as asked for."""
    return tuple(dict.fromkeys((SLOW, *names, HRNET)))


def of_scheme(name: str, chosen: BenchSettings) -> TrackSettings:
    """The settings of `fspose track` that a scheme stands for, on the chosen networks.

    A reference point has the defaults, whose finder it runs.
    """
    overrides = SCHEMES.get(name, {})
    unused = _unused(overrides.get("fusion"))
    weights = {role: file for role, file in chosen.weights.items() if role not in unused}
    networks = {**chosen.model_dump(), "weights": weights}
    return settings(TrackSettings, None, {**networks, **ONE_PASS, **overrides})


def _unused(fusion: object) -> set[str]:
    """Networks that a fusion has no use for: `fspose track` would refuse weights for them."""
    if fusion == "fast-only":
        return {"transfer", "light-transfer"}
    return set() if fusion == "three-maps-light" else {"light-transfer"}
