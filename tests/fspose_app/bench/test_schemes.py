"""Names become settings of `fspose track`."""

from __future__ import annotations

from pathlib import Path

import pytest

from fspose_app.bench.schemes import (
    HRNET,
    ONE_PASS,
    REFERENCES,
    SCHEMES,
    SLOW,
    named,
    of_scheme,
    usual,
    with_references,
)
from fspose_app.config import BenchSettings, TrackSettings

CHOSEN = BenchSettings(threads=1, runtime="torch")


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_is_what_track_can_be_told(name: str) -> None:
    found = of_scheme(name, CHOSEN)

    assert found.threads == 1
    assert found == TrackSettings(threads=1, **{**ONE_PASS, **SCHEMES[name]})  # type: ignore[arg-type]


def test_only_the_slow_network_reads_every_frame() -> None:
    assert [name for name in SCHEMES if of_scheme(name, CHOSEN).interval == 1] == [SLOW]


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("fast-slow", {"slow", "transfer"}),
        ("fast-only", {"slow"}),
        ("three-maps-light", {"slow", "transfer", "light-transfer"}),
    ],
)
def test_a_scheme_is_not_given_weights_that_it_would_refuse(name: str, taken: set[str]) -> None:
    weights = {role: Path(role) for role in ("slow", "transfer", "light-transfer")}

    found = of_scheme(name, BenchSettings(weights=weights))  # type: ignore[arg-type]

    assert set(found.weights) == taken


def test_names_are_taken_once_and_in_order() -> None:
    assert named(["recursive", "fast-slow", "recursive"]) == ("recursive", "fast-slow")


@pytest.mark.parametrize(
    ("typed", "told"),
    [("fast-slo", "did you mean 'fast-slow'?"), ("evry:8", "'every:8'"), ("zzz", "known are")],
)
def test_an_unknown_name_is_told_with_the_nearest(typed: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"there is no scheme '{typed}'") as raised:
        named(["fast-slow", typed])

    assert told in str(raised.value)


def test_what_others_are_compared_with_is_always_measured() -> None:
    assert with_references(["fast-slow"]) == (SLOW, "fast-slow", HRNET)
    assert with_references([HRNET, SLOW, "recursive"]) == (SLOW, HRNET, "recursive")


def test_the_light_fusion_is_measured_where_its_network_is() -> None:
    light = BenchSettings(weights={"light-transfer": Path("light.pth")})

    assert "three-maps-light" in usual(light)
    assert "three-maps-light" not in usual(CHOSEN)
    assert set(REFERENCES) <= set(usual(CHOSEN))
