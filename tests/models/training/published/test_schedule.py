"""The published schedules."""

import pytest

from models.training.published.schedule import FAST, SLOW, TRANSFER, Schedule


def test_the_rate_drops_at_the_start_of_the_milestones_own_epoch():
    rates = [SLOW.rate_of(epoch) for epoch in range(1, 9)]

    assert rates == pytest.approx([1e-4] * 4 + [1e-5] * 2 + [1e-6] * 2)


def test_the_recipes_are_the_published_ones():
    assert (SLOW.epochs, SLOW.batch, SLOW.milestones) == (10, 16, (5, 7))
    assert (FAST.epochs, FAST.batch, FAST.milestones) == (100, 8, (10, 15))
    assert (TRANSFER.epochs, TRANSFER.batch, TRANSFER.milestones) == (20, 16, (5, 7))
    assert FAST.rate_of(15) == FAST.rate_of(100) == pytest.approx(1e-6)


def test_without_milestones_the_rate_stays():
    assert Schedule(3, 8, ()).rate_of(3) == 1e-4
