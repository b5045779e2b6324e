from __future__ import annotations

import signal

import numpy as np
import pytest

from fspose_app.live.frame import LiveFrame
from fspose_app.live.watch import status_line, watch_by_lines, watch_in_window
from fspose_app.stopping import StopRequest


def frame(index, people=2):
    return LiveFrame(
        index=index,
        captured=0.0,
        latency=0.0456,
        picture=np.full((4, 6, 3), index, np.uint8),
        people=people,
        keyframe=False,
        dropped=3,
        rate=24.96,
        times={},
    )


class Run:
    """A run of so many frames, each newer than the last; then it is over."""

    def __init__(self, count, message=""):
        self.count, self.message = count, message
        self.given = -1

    @property
    def state(self):
        return "running" if self.given + 1 < self.count else "stopped"

    def newer(self, than, timeout):
        self.given += 1
        return frame(self.given) if self.given < self.count else None


class Shown:
    """A window that remembers pictures; somebody closes it, or it breaks, after some of them."""

    def __init__(self, closed_after=10**9, broken=False):
        self.closed_after, self.broken = closed_after, broken
        self.pictures, self.is_closed = [], False

    @property
    def is_broken(self):
        return self.broken and not self.wants_more()

    def show(self, picture):
        self.pictures.append(int(picture[0, 0, 0]))

    def wants_more(self):
        return len(self.pictures) < self.closed_after

    def close(self):
        self.is_closed = True


def test_a_line_is_said_every_few_seconds():
    ticks, lines = iter(np.arange(0, 100, 1.0)), []

    watch_by_lines(
        Run(12), StopRequest(), lines.append, first="No window.", every=5, clock=lambda: next(ticks)
    )

    assert lines[0] == "No window."
    assert 1 < len(lines) < 8
    assert all(line.startswith("running: frame ") for line in lines[1:])


def test_lines_end_when_a_stop_is_wanted():
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)

        watch_by_lines(Run(10**9), stop, print)

    assert stop.exit_code == 130


def test_the_line_says_how_it_goes():
    assert status_line(Run(9), frame(41)) == (
        "running: frame 42, 25.0 frames/s, 3 dropped, 2 people, latency 46 ms"
    )
    assert ", 1 person," in status_line(Run(9), frame(0, people=1))
    assert status_line(Run(9, "Loading networks."), None) == "running: Loading networks."


def test_the_window_shows_each_picture_until_the_run_is_over():
    window = Shown()

    went_well = watch_in_window(Run(5), StopRequest(), window)

    assert (window.pictures, window.is_closed, went_well) == ([0, 1, 2, 3, 4], True, True)


@pytest.mark.parametrize("broken", [False, True])
def test_a_window_that_is_closed_or_breaks_ends_the_watching(broken):
    window = Shown(closed_after=3, broken=broken)

    went_well = watch_in_window(Run(10**9), StopRequest(), window)

    assert (window.pictures, window.is_closed, went_well) == ([0, 1, 2], True, not broken)
