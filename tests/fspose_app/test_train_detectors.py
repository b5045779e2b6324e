"""Settings of `fspose train` for the detectors: published numbers, presets, keywords."""

from __future__ import annotations

from pathlib import Path

import pytest

from fspose_app.train_detectors import (
    DETECTORS,
    DetectorSettings,
    FCPoseSettings,
    PoseDetSettings,
)
from fspose_app.train_kinds import KINDS, chosen, presets
from models.training import detectors
from models.training.plan import Plan

PRESETS = [(network, name) for network in DETECTORS for name in presets(network)]


@pytest.mark.parametrize(("network", "preset"), PRESETS)
def test_every_preset_can_be_used(network: str, preset: str) -> None:
    found = chosen(network, preset, None, {})

    assert type(found) is KINDS[network, "published"]


@pytest.mark.parametrize("network", DETECTORS)
def test_the_preset_published_is_the_default(network: str) -> None:
    assert "try" in presets(network)
    assert chosen(network, "published", None, {}) == chosen(network, None, None, {})


@pytest.mark.parametrize("network", DETECTORS)
def test_settings_are_what_the_detector_is_built_with(network: str) -> None:
    settings = chosen(network, None, None, {})
    assert isinstance(settings, DetectorSettings)

    assert detectors.create(network, **settings.detector).name == network


def test_fcposes_schedule_is_the_published_one() -> None:
    plan = FCPoseSettings().plan

    assert plan == Plan(
        epochs=1_000_000,
        steps=270_000,
        batch=16,
        rate=0.01,
        milestones=(180_000, 240_000),
        warmup=1000,
        warmup_from=0.001,
        optimizer="sgd",
        decay=1e-4,
        clip_value=1.0,
        sync_norm=True,
    )


def test_posedets_schedule_is_the_published_one() -> None:
    """The rate drops after epochs 180 and 200."""
    plan = PoseDetSettings().plan

    assert plan == Plan(
        epochs=210, batch=32, milestones=(181, 201), warmup=5, warmup_from=1 / 3, clip=35.0
    )
    rates = [plan.rate_at(epoch, 9999, 0.5) for epoch in (180, 181, 200, 201)]
    assert rates == pytest.approx([1e-4, 1e-5, 1e-5, 1e-6])


def test_the_first_stages_wait_where_they_do_not_begin_with_random_numbers() -> None:
    given = (
        FCPoseSettings(),
        FCPoseSettings(trunk=Path("R-50.pkl")),
        FCPoseSettings(start=Path("a.pth")),
    )

    assert [settings.detector["frozen"] for settings in given] == [False, True, True]
