"""Motion: where one person's box is and where it is going, by a Kalman filter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from filterpy.kalman import KalmanFilter
from numpy.typing import NDArray

from data.pose import Box

_STATE, _MEASURED = 6, 4  # centre x, y, log width, log height, and the centre's velocity

# Standard deviations, lengths in units of the box's size (the root of its area). Chosen on
# simulated walkers, runners and dancers (tests/pipelines): firm enough that a crossing does not
# turn anyone round, loose enough that a box never lags by a tenth of its size.
_ACCELERATION = 2.5  # of the velocity, after one second
_FIRST_VELOCITY = 1.5  # per second, of somebody just seen
_GROWTH = 0.25  # of the log sizes, after one second
_SPREAD = np.array([0.06, 0.06, 0.10, 0.10])  # of one measurement
_SURPRISE = 12.0  # squared Mahalanobis distance above which a measurement is trusted less
_SMALLEST = 2.0  # pixels: the least width and height that a box is taken to have

Vector = NDArray[np.float64]


class Motion:
    """A box that moves at constant velocity and changes its size slowly.

    The state is centre x, y, log width, log height, velocity x, y, in pixels and seconds. Size has
    no velocity on purpose: the crop must be steady, because maps are compared relative to the box.
    """

    def __init__(self, box: Box) -> None:
        size = _size(box)
        self._filter = _filter()
        self._filter.x[:_MEASURED, 0] = _measured(box)
        spread = np.array([*(_SPREAD * [size, size, 1, 1]), *(2 * [_FIRST_VELOCITY * size])])
        self._filter.P = np.diag(spread**2)

    @classmethod
    def restored(cls, state: Vector, covariance: Vector) -> Motion:
        """The motion with this state (6,) and covariance (6, 6)."""
        motion = cls.__new__(cls)
        motion._filter = _filter()
        motion._filter.x = np.array(state, np.float64).reshape(_STATE, 1)
        motion._filter.P = np.array(covariance, np.float64)
        return motion

    @property
    def state(self) -> Vector:
        """(6,) float64."""
        return np.array(self._filter.x[:, 0], np.float64)

    @property
    def covariance(self) -> Vector:
        """(6, 6) float64."""
        return np.array(self._filter.P, np.float64)

    @property
    def box(self) -> Box:
        x, y, width, height = self._filter.x[:_MEASURED, 0]
        width, height = float(np.exp(width)), float(np.exp(height))
        return Box.from_xywh(float(x) - width / 2, float(y) - height / 2, width, height)

    def pass_time(self, seconds: float) -> None:
        """Moves the box on by `seconds`, which may differ from frame to frame."""
        size, passed = _size(self.box), max(seconds, 0.0)
        step = np.eye(_STATE)
        step[0, 4] = step[1, 5] = passed
        noise = np.zeros((_STATE, _STATE))
        # White acceleration over `passed` seconds, and sizes that wander.
        strength = (_ACCELERATION * size) ** 2
        for place, speed in ((0, 4), (1, 5)):
            noise[place, place] = strength * passed**3 / 3
            noise[place, speed] = noise[speed, place] = strength * passed**2 / 2
            noise[speed, speed] = strength * passed
        noise[2, 2] = noise[3, 3] = _GROWTH**2 * passed
        self._filter.predict(F=step, Q=noise)

    def correct(self, box: Box, *, doubt: float) -> None:
        """Takes a measured box into account; `doubt` multiplies its standard deviations.

        A box that surprises counts less the more it does, so one wild box moves little, and a
        person who did jump is still followed within some frames.
        """
        size = _size(self.box)
        spread = np.diag((doubt * _SPREAD * [size, size, 1, 1]) ** 2)
        measured = np.array(_measured(box)).reshape(_MEASURED, 1)
        residual = (measured - self._filter.x[:_MEASURED])[:, 0]
        expected = self._filter.P[:_MEASURED, :_MEASURED] + spread
        surprise = float(residual @ np.linalg.solve(expected, residual))
        self._filter.update(measured, R=spread * max(1.0, surprise / _SURPRISE))


def _filter() -> KalmanFilter:
    kalman = KalmanFilter(dim_x=_STATE, dim_z=_MEASURED)
    kalman.H = np.eye(_MEASURED, _STATE)
    return kalman


def _measured(box: Box) -> Sequence[float]:
    width, height = max(box.width, _SMALLEST), max(box.height, _SMALLEST)
    return (*box.center, float(np.log(width)), float(np.log(height)))


def _size(box: Box) -> float:
    return float(np.sqrt(max(box.width, _SMALLEST) * max(box.height, _SMALLEST)))
