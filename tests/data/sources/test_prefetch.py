from __future__ import annotations

import threading
import time
from contextlib import closing

import numpy as np
import pytest

from data.errors import SourceError
from data.frame import Frame
from data.sources.prefetch import prefetch

BLACK = np.zeros((2, 2, 3), np.uint8)


def frames(count):
    return (Frame(index, index / 10, BLACK, str(index)) for index in range(count))


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_all_frames_come_in_order_and_the_thread_ends():
    assert list(range(50)) == [frame.index for frame in prefetch(frames(50), ahead=3)]
    assert threads() == []


def test_an_empty_source_ends_at_once():
    assert list(prefetch(frames(0))) == []


def test_a_decoders_error_arrives_as_itself_after_the_good_frames():
    failure = SourceError("frame 7 is broken")

    def broken():
        yield from frames(7)
        raise failure

    seen = []
    with pytest.raises(SourceError) as caught:
        seen.extend(frame.index for frame in prefetch(broken()))

    assert caught.value is failure
    assert threads() == []


def test_the_good_frames_come_before_the_error():
    def broken():
        yield from frames(7)
        raise SourceError("frame 7 is broken")

    ahead = prefetch(broken(), ahead=20)

    assert list(range(7)) == [next(ahead).index for _ in range(7)]
    with pytest.raises(SourceError):
        next(ahead)


def test_no_more_is_decoded_ahead_than_asked_for():
    decoded = []

    def counted():
        for frame in frames(100):
            decoded.append(frame.index)
            yield frame

    with closing(prefetch(counted(), ahead=4)) as ahead:
        next(ahead)
        time.sleep(0.2)

        assert len(decoded) <= 1 + 4 + 1  # taken, waiting, and in the decoder's hands


@pytest.mark.parametrize("stop", [0, 3])
def test_a_consumer_that_stops_early_releases_the_thread(stop):
    for frame in prefetch(frames(1000), ahead=2):
        if frame.index == stop:
            break

    assert threads() == []


def test_the_source_is_closed_when_the_consumer_stops():
    closed = threading.Event()

    class Endless:
        def __iter__(self):
            try:
                while True:
                    yield from frames(10)
            finally:
                closed.set()

    with closing(prefetch(Endless(), ahead=2)) as ahead:
        next(ahead)

    assert closed.is_set()


def test_a_consumer_that_raises_releases_the_thread():
    def consume():
        for _ in prefetch(frames(1000), ahead=2):
            raise KeyError("consumer")

    with pytest.raises(KeyError):
        consume()
    assert threads() == []


def test_no_thread_starts_before_the_first_frame_is_wanted():
    ahead = prefetch(frames(10))

    assert threads() == []
    ahead.close()


def test_room_for_no_frame_is_refused_at_once():
    with pytest.raises(ValueError, match="got 0"):
        prefetch(frames(1), ahead=0)
