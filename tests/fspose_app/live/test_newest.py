from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from data.frame import Frame
from data.sources.info import SourceInfo
from fspose_app.live.frame import Taken
from fspose_app.live.newest import Newest


def taken(index):
    frame = Frame(index, index / 25, np.zeros((2, 2, 3), np.uint8), str(index))
    return Taken(frame, 0.0, 0, SourceInfo("street", 2, 2, 25.0, None, live=True))


@pytest.fixture
def aside():
    """Runs something on a thread of its own, and gathers what it answers."""
    threads = []

    def start(work):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(work()))
        thread.start()
        threads.append(thread)
        return thread, answers

    yield start
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_the_newest_frame_is_taken_and_the_others_are_counted(aside):
    newest = Newest()
    _, first = aside(newest.take)
    time.sleep(0.02)
    for index in range(5):
        newest.put(taken(index))
        if index == 0:
            while not first:
                time.sleep(0.001)

    latest = newest.take()

    assert latest is not None
    assert (first[0].frame.index, latest.frame.index, newest.dropped) == (0, 4, 3)


def test_frames_before_anyone_asks_are_not_counted_as_dropped():
    newest = Newest()
    for index in range(5):
        newest.put(taken(index))

    latest = newest.take()

    assert latest is not None
    assert (latest.frame.index, newest.dropped) == (4, 0)


def test_a_frame_that_is_handed_waits_for_the_one_before(aside):
    newest = Newest()
    thread, _ = aside(lambda: [newest.hand(taken(index)) for index in range(4)])

    indices = [newest.take().frame.index for _ in range(4)]

    thread.join(5)
    assert (indices, newest.dropped) == ([0, 1, 2, 3], 0)


def test_closing_wakes_whoever_waits(aside):
    newest = Newest()
    newest.put(taken(0))
    waits = [
        aside(lambda: newest.hand(taken(1))),
        aside(newest.wait_until_wanted),
        aside(newest.wait_until_begun),
        aside(lambda: newest.pause(60)),
    ]
    time.sleep(0.02)

    newest.close()

    for thread, _ in waits:
        thread.join(1)
    assert [answers for _, answers in waits] == [[None], [None], [False], [False]]


def test_what_waits_at_the_end_is_still_taken():
    newest = Newest()
    newest.put(taken(7))
    newest.close()
    newest.put(taken(8))

    last, after = newest.take(), newest.take()

    assert last is not None
    assert (last.frame.index, after) == (7, None)


def test_a_pause_that_nobody_cuts_short_leaves_it_open():
    assert Newest().pause(0.001)
