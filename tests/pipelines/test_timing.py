import pytest

from pipelines.timing import Stopwatch, each, no_clock


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


def test_what_items_take_to_come_is_counted():
    ticks = iter([0.0, 1.0, 5.0, 7.0, 10.0, 13.0])
    clock = Stopwatch(lambda: next(ticks))

    assert list(each(["a", "b"], clock, "read")) == ["a", "b"]

    assert clock.seconds == {"read": 6.0}  # the last three are the end's


def test_an_error_in_place_of_an_item_is_passed_on():
    def broken():
        yield 1
        raise OSError("cut short")

    items = each(broken(), Stopwatch(), "read")

    assert next(items) == 1
    with pytest.raises(OSError, match="cut short"):
        next(items)
