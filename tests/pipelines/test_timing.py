import pytest

from pipelines.timing import Stopwatch, no_clock


def test_seconds_and_calls_are_summed_by_stage():
    clock = Stopwatch()

    for _ in range(3):
        with clock("slow"):
            pass
    with clock("fast"):
        pass

    assert clock.calls == {"slow": 3, "fast": 1}
    assert all(seconds >= 0 for seconds in clock.seconds.values())


def test_a_stage_that_fails_is_counted_and_its_error_passed_on():
    clock = Stopwatch()

    with pytest.raises(RuntimeError), clock("slow"):
        raise RuntimeError

    assert clock.calls == {"slow": 1}


def test_no_clock_keeps_nothing_back():
    with pytest.raises(RuntimeError), no_clock("slow"):
        raise RuntimeError
