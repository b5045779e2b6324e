from __future__ import annotations

import io
import struct
import sys

import cv2
import numpy as np
import pytest

from fspose_app.window import Window, attend, why_no_window

RED = np.full((2, 3, 3), (200, 100, 50), np.uint8)
TICK = struct.pack("<II", 0, 0)
PICTURE = struct.pack("<II", 2, 3) + RED.tobytes()


class Screen:
    """A screen that remembers pictures; a key is pressed, or the cross, after some moments."""

    def __init__(self, key=-1, after=10**9, crossed_after=10**9, forgets=False):
        self.key, self.after, self.crossed_after = key, after, crossed_after
        self.forgets = forgets
        self.pictures, self.moments = [], 0

    def imshow(self, title, picture):
        self.pictures.append(picture[0, 0].tolist())

    def waitKey(self, delay):
        self.moments += 1
        return self.key if self.moments > self.after else -1

    def getWindowProperty(self, title, which):
        assert self.pictures, "Qt fails where there is no window yet"
        if self.forgets and self.moments > self.crossed_after:
            raise cv2.error("no such window")
        return 0.0 if self.moments > self.crossed_after else 1.0


def answers(asked, screen):
    told = io.BytesIO()
    attend(io.BytesIO(asked), told, screen)
    return told.getvalue()


def test_pictures_are_shown_in_the_order_of_colours_that_screens_want():
    screen = Screen()

    assert answers(TICK + PICTURE + TICK + PICTURE, screen) == b"...."
    assert screen.pictures == [[50, 100, 200]] * 2


@pytest.mark.parametrize("key", [ord("q"), ord("Q"), 27, ord("q") + 256 * 7])
def test_q_ends_it(key):
    assert answers(PICTURE + TICK + TICK, Screen(key, after=2)) == b"..q"


def test_another_key_does_not_end_it():
    assert answers(PICTURE + TICK + TICK, Screen(ord("x"), after=0)) == b"..."


@pytest.mark.parametrize("forgets", [False, True])
def test_the_windows_own_cross_ends_it(forgets):
    assert answers(PICTURE + TICK + TICK, Screen(crossed_after=2, forgets=forgets)) == b"..q"


def test_a_picture_that_is_cut_short_is_not_shown():
    screen = Screen()

    assert answers(TICK + PICTURE[:-1], screen) == b"."
    assert screen.pictures == []


def other_side(program):
    """A window whose process is a little program of its own."""
    return Window((sys.executable, "-c", program))


ATTENDING = """
import sys
from fspose_app.window import attend
class Screen:
    moments = 0
    def imshow(self, title, picture): assert picture.shape == (2, 3, 3)
    def waitKey(self, delay):
        self.moments += 1
        return ord("q") if self.moments == 4 else -1
    def getWindowProperty(self, title, which): return 1.0
attend(sys.stdin.buffer, sys.stdout.buffer, Screen())
"""


def test_the_two_processes_understand_each_other():
    window = other_side(ATTENDING)
    wanted = [window.wants_more()]
    window.show(RED)
    wanted += [window.wants_more(), window.wants_more(), window.wants_more()]

    window.close()

    assert wanted == [True, True, False, False]
    assert not window.is_broken


def test_a_window_that_breaks_off_is_known_and_asked_no_more():
    window = other_side("raise SystemExit(3)")

    wanted = [window.wants_more() for _ in range(3)]
    window.show(RED)
    window.close()

    assert wanted == [False] * 3
    assert window.is_broken


def test_a_window_that_does_not_end_by_itself_is_ended():
    window = other_side("import sys; sys.stdout.write('.'); sys.stdout.flush()\nwhile True: pass")

    assert window.wants_more()
    window.close()

    assert not window.is_broken


@pytest.mark.skipif(bool(cv2.currentUIFramework()), reason="this OpenCV has windows")
def test_a_headless_opencv_is_told_and_its_window_breaks():
    window = Window()
    window.show(RED)

    window.close()

    assert window.is_broken
    assert "opencv-python-headless" in why_no_window()
