"""Settings become networks: from which score on a backend's people are taken on keyframes."""

from __future__ import annotations

import pytest

from fspose_app.build import Wanted
from fspose_app.config import TrackSettings
from models import backends


@pytest.mark.parametrize("name", backends.names())
def test_guesses_are_not_taken_for_people(name: str) -> None:
    """Detectors hand out boxes from 0.05 on."""
    score = Wanted(TrackSettings(backend=name), "cpu").sure_score()

    assert 0.1 <= score <= 0.5


def test_a_score_that_was_asked_for_is_the_one() -> None:
    settings = TrackSettings(backend="fcpose", backend_options={"least_score": 0.12})

    assert Wanted(settings, "cpu").sure_score() == 0.12
