"""Classical ways to carry a keyframe's keypoints on, which a transfer net has to beat.

Each knows one person: `start` on a keyframe, then `follow` on every frame until the next. Images
are (h, w, 3) RGB, keypoints (J, 2) in their pixels, scores (J,) in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from filterpy.kalman import KalmanFilter

from data.frame import Image
from data.pose import Floats

# Standard deviations in sizes (the root of the box's area): of the acceleration after one frame,
# and of one reading of the slow and of a sure fast net. Set by hand, not tuned.
_ACCELERATION, _SLOW, _FAST = 0.02, 0.02, 0.04
_LEAST_SCORE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a network read of one person."""

    keypoints: Floats
    scores: Floats


class Rival(Protocol):
    """A way to follow one person's keypoints."""

    def start(self, image: Image, slow: Reading, fast: Reading, size: float) -> None:
        """A keyframe: what both networks read there, and the person's size in pixels."""

    def follow(self, image: Image, fast: Reading) -> Floats:
        """The keypoints (J, 2) of the next frame."""


class ShiftByArgmax:
    """The slow net's keypoints, moved as far as the fast net's have moved since the keyframe.

    Free of the fast net's constant errors, at the price of running it on the keyframe as well
    (FSPose specification, section 10, opportunity h).
    """

    def start(self, image: Image, slow: Reading, fast: Reading, size: float) -> None:
        self._offset = slow.keypoints - fast.keypoints

    def follow(self, image: Image, fast: Reading) -> Floats:
        return np.asarray(fast.keypoints + self._offset, np.float32)


class OpticalFlow:
    """The slow net's keypoints on pyramidal Lucas-Kanade flow; the fast net's where it is lost."""

    def start(self, image: Image, slow: Reading, fast: Reading, size: float) -> None:
        self._before = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        self._points = slow.keypoints.astype(np.float32)
        self._window = int(np.clip(size / 6, 9, 41))

    def follow(self, image: Image, fast: Reading) -> Floats:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(
            self._before,
            grey,
            self._points[:, None],
            None,  # type: ignore[arg-type]  # no first guess
            winSize=(self._window, self._window),
            maxLevel=3,
        )
        kept = found.reshape(-1, 1) > 0
        self._points = np.where(kept, moved[:, 0], fast.keypoints).astype(np.float32)
        self._before = grey
        return self._points


class Kalman:
    """Every keypoint at constant velocity, fed with the slow net's reading and then the fast's."""

    def start(self, image: Image, slow: Reading, fast: Reading, size: float) -> None:
        self._size = size
        self._filters = [self._filter(point) for point in slow.keypoints]

    def follow(self, image: Image, fast: Reading) -> Floats:
        answer = []
        for each, point, score in zip(self._filters, fast.keypoints, fast.scores, strict=True):
            each.predict()
            spread = _FAST * self._size / max(float(score), _LEAST_SCORE)
            each.update(point.reshape(2, 1), R=spread**2)
            answer.append(each.x[:2, 0])
        return np.array(answer, np.float32)

    def _filter(self, point: Floats) -> KalmanFilter:
        each = KalmanFilter(dim_x=4, dim_z=2)
        each.x[:2, 0] = point
        each.F = np.eye(4) + np.eye(4, k=2)
        each.H = np.eye(2, 4)
        push = _ACCELERATION * self._size * np.array([[0.5, 0], [0, 0.5], [1, 0], [0, 1]])
        each.Q = push @ push.T
        each.P = np.diag(np.array([_SLOW, _SLOW, _FAST, _FAST]) * self._size) ** 2
        return each


RIVALS: dict[str, type[Rival]] = {
    "shift by arg-max": ShiftByArgmax,
    "optical flow": OpticalFlow,
    "Kalman filter": Kalman,
}
