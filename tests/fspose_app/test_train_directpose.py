"""DirectPose's settings: the published command's numbers, and what they become."""

from __future__ import annotations

from typing import Any

import pytest

from fspose_app.train_detectors import DirectPoseSettings
from fspose_app.train_kinds import chosen


def settings(preset: str | None, **given: Any) -> DirectPoseSettings:
    found = chosen("directpose", preset, None, given)
    assert isinstance(found, DirectPoseSettings)
    return found


def test_the_preset_published_is_the_default() -> None:
    assert settings("published") == settings(None)


def test_the_plan_is_that_of_the_published_command() -> None:
    plan = settings("published").plan

    assert (plan.steps, plan.batch, plan.clip, plan.decay) == (180_000, 32, 5.0, 1e-4)
    assert (plan.optimizer, plan.spared, plan.bias_multiple) == ("sgd", "biases", 2.0)
    assert dict(plan.multiples) == {"head.": 10.0, "heatmaps.": 10.0}
    assert plan.sync_norm
    share = 90_000 / 180_000
    assert plan.rate_at(1, 90_000, share) == pytest.approx(0.005)
    assert [plan.rate_at(1, step, 0) for step in (0, 499, 500)] == pytest.approx(
        [0.01 / 3, 0.01 / 3, 0.01]
    )


def test_the_detector_is_that_of_the_published_command() -> None:
    own = settings("published").detector

    assert (own["least_side"], own["most_side"], own["longest"]) == (480, 1600, 2666)
    assert (own["crop"], own["heatmaps_weight"], own["network"]) == (800, 4.0, "r50")
    assert not {"power", "head_rate"} & set(own)


def test_the_plan_follows_what_is_chosen() -> None:
    plan = settings("try", head_rate=3.0, power=0.9, schedule="polynomial").plan

    assert plan.multiples[0] == ("head.", 3.0)
    assert plan.rate_at(1, 50, 0.5) == pytest.approx(0.001 * 0.5**0.9)
    assert settings("try").plan.steps is None
