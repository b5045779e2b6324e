from __future__ import annotations

import numpy as np
import pytest

from fspose_app.live.count import SourceCount


def numbers(times, fps):
    count = SourceCount()
    return [count.number(float(time), fps) for time in times]


@pytest.mark.parametrize("rate", [5.0, 12.5, 25.0, 30.0])
def test_frames_that_come_steadily_are_numbered_without_a_gap(rate, generator):
    times = 100 + (np.arange(200) + generator.uniform(-0.2, 0.2, 200)) / rate

    # What is announced may be wrong, or be missing; the first periods are measured against it.
    found = numbers(times, 25.0)[30:]

    assert np.diff(found).tolist() == [1] * 169


def test_missing_frames_leave_out_their_numbers():
    times = np.delete(np.arange(100) / 25, [40, 41, 42, 70])

    assert numbers(times, 25.0) == np.delete(np.arange(100), [40, 41, 42, 70]).tolist()


def test_an_outage_counts_for_as_long_as_it_was():
    times = [*np.arange(50) / 10, 4.9 + 3.0]

    found = numbers(times, 0.0)

    assert found[-1] - found[-2] == 30


def test_frames_that_come_in_a_burst_count_one_each():
    times = [*np.arange(50) / 25, *(3.96 + np.arange(20) / 1000)]

    found = numbers(times, 25.0)

    assert found[50] - found[49] == 50
    assert np.diff(found[50:]).tolist() == [1] * 19
