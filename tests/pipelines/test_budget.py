"""Budgets: what is spent stays below what comes in, whatever is asked for."""

import pytest

from pipelines.budget import Budget, Purses


@pytest.mark.parametrize("gmacs", [0.2, 0.36, 0.8])
@pytest.mark.parametrize("people", [1, 4, 30])
def test_insatiable_people_cost_the_budget_and_no_more(gmacs, people):
    purses, spent = Purses(Budget(gmacs, slow=1.4, fast=0.5)), 0.0

    for _ in range(400):
        purses.earn(people)
        for purse in (purses.slow, purses.fast):
            while purse.pays_for(9.0):
                purse.pay()
                spent += purse.price

    assert spent / 400 / people == pytest.approx(gmacs, abs=0.02 * gmacs + 2 / 400 / people)


def test_the_emptier_a_purse_the_more_reasons_it_asks_for():
    purses = Purses(Budget(0.4, slow=1.4, fast=0.5))
    purses.earn(20)

    assert purses.fast.pays_for(1.0)
    purses.fast.pay()
    assert not purses.fast.pays_for(1.0)
    assert purses.fast.pays_for(1.2)


def test_what_is_owed_is_paid_back_before_anything_else_is_bought():
    purses = Purses(Budget(0.4, slow=1.4, fast=0.5))
    purses.earn(2)
    for _ in range(3):
        purses.slow.pay()

    waits = 0
    while not purses.slow.pays_for(9.0):
        purses.earn(2)
        waits += 1

    assert waits == pytest.approx(3 * 1.4 / (0.25 * 0.4 * 2), abs=1)


def test_what_was_not_merged_comes_back():
    purses = Purses(Budget(0.4, slow=1.4, fast=0.5, merging=0.1))
    purses.earn(4)
    before = purses.fast.left

    purses.fast.pay()
    purses.unmerged()

    assert before - purses.fast.left == pytest.approx(0.4)


def test_a_purse_goes_on_where_it_was():
    purses, other = (Purses(Budget(0.4, slow=1.4, fast=0.5)) for _ in range(2))
    purses.earn(3)
    purses.fast.pay()

    other.restore(purses.snapshot())
    for each in (purses, other):
        each.earn(3)

    assert other.snapshot().tolist() == purses.snapshot().tolist()


def test_the_least_pays_for_a_reading_after_all_skipped_frames():
    budget = Budget(0.4, slow=1.4, fast=0.5)

    assert budget.least(skip=0) == pytest.approx(0.5 / 0.75)
    assert budget.least(skip=3) == pytest.approx(0.5 / 4 / 0.75)
