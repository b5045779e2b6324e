"""Which networks the family's recipe builds."""

from __future__ import annotations

import pytest

from data.errors import ConfigError
from models.training.family import LEAST_PLAIN, pose_network


def test_the_plain_network_is_built_at_the_asked_width() -> None:
    _, arguments = pose_network("plain", LEAST_PLAIN)
    assert arguments["widths"] == (16, 32, 48, 64)


def test_a_plain_network_too_narrow_for_two_threads_is_refused() -> None:
    with pytest.raises(ConfigError, match="--width 8 is too narrow"):
        pose_network("plain", 8)
