"""The published schedules, and the family's."""

import pytest

from models.training.plan import Plan
from models.training.published.schedule import FAST, SLOW, TRANSFER


def test_the_rate_drops_at_the_start_of_the_milestones_own_epoch():
    rates = [SLOW.rate_at(epoch, 0, 0.0) for epoch in range(1, 9)]

    assert rates == pytest.approx([1e-4] * 4 + [1e-5] * 2 + [1e-6] * 2)


def test_the_recipes_are_the_published_ones():
    assert (SLOW.epochs, SLOW.batch, SLOW.milestones) == (10, 16, (5, 7))
    assert (FAST.epochs, FAST.batch, FAST.milestones) == (100, 8, (10, 15))
    assert (TRANSFER.epochs, TRANSFER.batch, TRANSFER.milestones) == (20, 16, (5, 7))
    assert FAST.rate_at(15, 0, 0) == FAST.rate_at(100, 9, 1) == pytest.approx(1e-6)


def test_without_milestones_the_rate_stays():
    assert Plan(3, 8).rate_at(3, 9, 1.0) == 1e-4


def test_a_cosine_rises_in_the_warm_up_and_falls_to_a_hundredth():
    plan = Plan(2, 8, rate=1.0, schedule="cosine", warmup=4)

    rates = [plan.rate_at(1, step, 0.0) for step in range(5)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert plan.rate_at(1, 9, 0.5) == pytest.approx(0.5)
    assert plan.rate_at(2, 9, 1.0) == pytest.approx(0.01)


def test_a_run_ends_by_epochs_or_by_minutes():
    assert [Plan(4, 8).share(n, 9, 0) for n in (0, 1, 2.5, 4, 5)] == [0, 0.25, 0.625, 1, 1]
    assert [Plan(4, 8, minutes=2).share(9, 9, seconds) for seconds in (0, 60, 200)] == [0, 0.5, 1]
    assert Plan(0, 8).share(0, 0, 0) == 1


def test_a_run_ends_by_steps_or_by_epochs_whichever_come_first():
    plan = Plan(4, 8, steps=100)

    assert [plan.share(0.5, steps, 0) for steps in (0, 50, 100, 200)] == [0.125, 0.5, 1, 1]
    assert plan.share(3, 50, 0) == 0.75
    assert Plan(4, 8, steps=0).share(0, 0, 0) == 1


def test_where_steps_are_counted_milestones_are_steps():
    plan = Plan(9, 8, rate=1.0, steps=100, milestones=(10, 50))

    assert [plan.rate_at(1, step, 0) for step in (9, 10, 49, 50)] == pytest.approx(
        [1, 0.1, 0.1, 0.01]
    )


def test_the_warm_up_may_begin_with_a_share_of_the_rate():
    """MMCV's and detectron2's linear warm-up."""
    third = Plan(9, 8, rate=3.0, warmup=5, warmup_from=1 / 3)

    rates = [third.rate_at(1, step, 0) for step in range(6)]
    assert rates == pytest.approx([1, 1.4, 1.8, 2.2, 2.6, 3])


def test_a_polynomial_falls_to_nothing_as_a_power_of_what_is_left():
    line, bent = (Plan(9, 8, rate=2.0, schedule="polynomial", power=p) for p in (1.0, 2.0))

    assert [line.rate_at(1, 9, share) for share in (0, 0.5, 1)] == [2, 1, 0]
    assert [bent.rate_at(1, 9, share) for share in (0, 0.5, 1)] == [2, 0.5, 0]


def test_a_warm_up_may_be_one_lower_rate():
    """maskrcnn-benchmark's constant warm-up."""
    plan = Plan(9, 8, rate=3.0, warmup=500, warmup_from=1 / 3, warmup_to=1 / 3)

    assert [plan.rate_at(1, step, 0) for step in (0, 499, 500)] == pytest.approx([1, 1, 3])


def test_the_average_follows_quickly_at_first():
    plan = Plan(1, 8, average=0.999)

    assert [plan.kept(step) for step in (20, 10**6)] == pytest.approx([0.5, 0.999])
