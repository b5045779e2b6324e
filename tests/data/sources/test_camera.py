from __future__ import annotations

import threading
import time
from itertools import pairwise

import numpy as np
import pytest

from data.errors import SourceError
from data.sources.camera import Camera


class FakeCapture:
    """Sends blue-green-red pictures whose first pixel counts them, one each `pause` seconds."""

    def __init__(self, *, opened=True, pause=0.002, last=10_000, error=None):
        self.opened, self.pause, self.last, self.error = opened, pause, last, error
        self.sent = 0
        self.released = threading.Event()

    def isOpened(self):
        return self.opened

    def get(self, property_id):
        return 30.0

    def read(self):
        time.sleep(self.pause)
        if self.sent >= self.last:
            if self.error is not None:
                raise self.error
            return False, None
        self.sent += 1
        image = np.zeros((6, 8, 3), np.uint8)
        image[0, 0] = (self.sent % 256, 20, 30)
        return True, image

    def release(self):
        self.released.set()


def test_frames_are_rgb_and_numbered_without_a_gap():
    with Camera(0, open_capture=lambda _: FakeCapture()) as camera:
        frames = [frame for _, frame in zip(range(4), camera, strict=False)]

    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert frames[0].seconds == 0.0
    assert all(later.seconds > sooner.seconds for sooner, later in pairwise(frames))
    assert tuple(frames[0].image[0, 0, :2]) == (30, 20)


def test_info_tells_a_live_source():
    with Camera(3, open_capture=lambda _: FakeCapture()) as camera:
        info = camera.info

    assert (
        info.name,
        info.width,
        info.height,
        info.fps,
        info.count,
        info.live,
    ) == ("webcam:3", 8, 6, 30.0, None, True)


def test_a_slow_consumer_gets_the_newest_frame_and_the_others_are_counted():
    capture = FakeCapture()
    with Camera(0, open_capture=lambda _: capture) as camera:
        frames = iter(camera)
        next(frames)
        time.sleep(0.1)
        before = capture.sent

        newest = next(frames)

        assert int(newest.image[0, 0, 2]) >= before
        assert camera.dropped >= before - 3
        assert newest.index == 1


def test_leaving_the_camera_releases_it_and_ends_the_frames():
    capture = FakeCapture()
    with Camera(0, open_capture=lambda _: capture) as camera:
        frames = iter(camera)
        next(frames)

    assert capture.released.is_set()
    assert list(frames) == []


def test_a_camera_that_is_unplugged_is_told():
    with Camera(0, open_capture=lambda _: FakeCapture(last=3)) as camera:
        time.sleep(0.05)
        frames = iter(camera)
        next(frames)

        with pytest.raises(SourceError, match="webcam:0: the camera failed"):
            next(frames)


def test_an_error_of_the_driver_keeps_its_cause():
    error = RuntimeError("driver")
    with Camera(0, open_capture=lambda _: FakeCapture(last=1, error=error)) as camera:
        frames = iter(camera)
        next(frames)

        with pytest.raises(SourceError, match="driver") as caught:
            next(frames)

    assert caught.value.__cause__ is error


def test_a_camera_without_pictures_is_told_in_time_and_released():
    capture = FakeCapture(pause=0.3)

    with pytest.raises(SourceError, match=r"no picture within 0\.1 seconds"):
        Camera(0, open_capture=lambda _: capture, patience=0.1)

    assert capture.released.wait(1)


def test_a_missing_camera_is_told_at_once_and_without_chatter(capfd):
    start = time.monotonic()

    with pytest.raises(SourceError, match="webcam:97: there is no such camera"):
        Camera(97)

    assert time.monotonic() - start < 5
    assert capfd.readouterr() == ("", "")


def test_a_camera_that_does_not_open_is_released():
    capture = FakeCapture(opened=False)

    with pytest.raises(SourceError):
        Camera(0, open_capture=lambda _: capture)

    assert capture.released.is_set()
