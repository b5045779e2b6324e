"""Batches are the same however they are prepared."""

from contextlib import closing

import numpy as np
import pytest
import torch

from models.training.published.examples import Example, batches


class Numbers:
    """Each example is its number and a draw."""

    def __len__(self):
        return 10

    def example(self, index, rng):
        if index == 99:
            raise OSError("no such example")
        drawn = np.array([index, rng.random()])
        return Example((drawn,), np.zeros((1, 2, 2), np.float32), np.ones(1, np.float32))

    def answer(self, network, inputs, device):
        return torch.zeros(1)


def seen(epoch=1, seed=0, skip=0, workers=0):
    drawn = batches(Numbers(), seed=seed, epoch=epoch, size=4, skip=skip, workers=workers)
    return [batch.inputs[0] for batch in drawn]


def test_everyone_is_seen_once_and_the_last_batch_may_be_small():
    numbers = [batch[:, 0].astype(int).tolist() for batch in seen()]

    assert [len(batch) for batch in numbers] == [4, 4, 2]
    assert sorted(number for batch in numbers for number in batch) == list(range(10))


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
    class Broken(Numbers):
        def example(self, index, rng):
            return super().example(99 if index == 3 else index, rng)

    with pytest.raises(OSError, match="no such example"):
        list(batches(Broken(), seed=0, epoch=1, size=4, skip=0, workers=workers))


def test_who_stops_early_leaves_no_thread_behind():
    drawn = batches(Numbers(), seed=0, epoch=1, size=1, skip=0, workers=2)

    with closing(drawn):
        next(drawn)

    with pytest.raises(StopIteration):
        next(drawn)
