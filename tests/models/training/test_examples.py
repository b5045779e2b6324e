"""Batches are the same however they are prepared."""

from contextlib import closing

import numpy as np
import pytest

from models.training.examples import Lap, prepared, stacked, steps_of


def numbers(draw):
    """Each example is its number, a draw, and how much of the run lies behind."""
    if 99 in draw.indices:
        raise OSError("no such example")
    return stacked([(np.array([i, draw.rng(i).random(), draw.share]),) for i in draw.indices])


def seen(**lap):
    given = {"epoch": 1, "seed": 0, "size": 4} | lap
    return [batch[0] for batch in prepared(numbers, 10, Lap(**given))]


def test_everyone_is_seen_once_and_the_last_batch_may_be_small():
    numbers = [batch[:, 0].astype(int).tolist() for batch in seen()]

    assert [len(batch) for batch in numbers] == [4, 4, 2]
    assert sorted(number for batch in numbers for number in batch) == list(range(10))


def test_a_batch_is_of_one_kind_and_what_is_left_over_comes_last():
    kinds = np.arange(10) % 3 == 0  # four of ten

    drawn = prepared(numbers, 10, Lap(seed=0, epoch=1, size=3), kinds)

    batches = [batch[0][:, 0].astype(int) for batch in drawn]
    assert [len(batch) for batch in batches] == [3, 3, 3, 1]
    assert sorted(np.concatenate(batches)) == list(range(10))
    assert all(len(set(kinds[batch])) == 1 for batch in batches)


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(workers):
    for one, other in zip(seen(), seen(workers=workers), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_skipped_changes_nothing_of_the_rest():
    np.testing.assert_array_equal(seen()[2], seen(skip=2, workers=1)[0])
    assert seen(skip=3) == []


def test_epochs_and_seeds_differ_in_order_and_draws():
    assert not np.array_equal(seen()[0], seen(epoch=2)[0])
    assert not np.array_equal(seen()[0], seen(seed=1)[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_comes_as_itself(workers):
    lap = Lap(seed=0, epoch=1, size=4, workers=workers)

    with pytest.raises(OSError, match="no such example"):
        list(prepared(numbers, 100, lap))


def test_who_stops_early_leaves_no_thread_behind():
    drawn = prepared(numbers, 10, Lap(seed=0, epoch=1, size=1, workers=2))

    with closing(drawn):
        next(drawn)

    with pytest.raises(StopIteration):
        next(drawn)


def test_processes_share_each_batch_between_them():
    whole, *parts = seen(), seen(world=2), seen(world=2, rank=1)

    for batch, first, second in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(batch[0::2], first)
        np.testing.assert_array_equal(batch[1::2], second)


def test_a_last_batch_too_small_for_all_processes_is_left_out():
    assert [len(batch) for batch in seen(world=3)] == [2, 2]
    assert [steps_of(10, 4, world) for world in (1, 2, 3)] == [3, 3, 2]


def test_a_batch_knows_how_much_of_the_run_lies_behind():
    shares = [batch[0, 2] for batch in seen(share_of=lambda step: step / 10, skip=1)]

    assert shares == [0.1, 0.2]
