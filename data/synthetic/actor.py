"""Actor: someone who moves through a scene: where they are at a time, and in what posture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.synthetic.body import Build, Posture
from data.synthetic.dress import Outfit
from data.synthetic.motion import MOTIONS, Manner, blend, run, stride_speed, walk

_SMOOTH = 0.28  # seconds over which corners of a path are rounded
_STEP = 0.02
_FASTEST_WALK = 2.2  # metres a second


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place at a time: metres to the right of the picture's middle and away from the camera."""

    seconds: float
    x: float
    distance: float


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Someone with a path. Between waypoints they walk or run; where they stay, `motion` plays.

    `facing` is the direction they look in while they stay, 0 towards the camera, in radians to
    their own left.
    """

    track: int
    build: Build
    outfit: Outfit
    manner: Manner
    motion: str
    path: tuple[Waypoint, ...]
    facing: float = 0.0

    def place(self, seconds: float) -> tuple[float, float]:
        """Metres to the right and away from the camera; corners of the path are rounded."""
        times = [point.seconds for point in self.path]
        around = seconds + np.linspace(-_SMOOTH, _SMOOTH, 9)
        x = np.interp(around, times, [point.x for point in self.path]).mean()
        distance = np.interp(around, times, [point.distance for point in self.path]).mean()
        return float(x), float(distance)

    def posture(self, seconds: float) -> Posture:
        """What the body does: a stride while it moves, its own motion while it stays."""
        (x0, d0), (x1, d1) = self.place(seconds - _STEP), self.place(seconds + _STEP)
        right, closer = (x1 - x0) / (2 * _STEP), (d0 - d1) / (2 * _STEP)
        speed = float(np.hypot(right, closer))
        own = MOTIONS[self.motion](seconds, self.manner)
        own = replace(own, turn=own.turn + self.facing)
        if speed < 0.02:
            return own
        running = speed > _FASTEST_WALK
        # The stride follows the way covered, so that feet hardly slide.
        tempo = stride_speed(self.manner, running=running) * self.build.height / 1.74
        stride = (run if running else walk)(self._covered(seconds) / tempo, self.manner)
        stride = replace(stride, turn=float(np.arctan2(right, closer)))
        return blend(own, stride, float(np.clip(speed / 0.5, 0, 1)))

    def _covered(self, seconds: float) -> float:
        """Metres walked since the path began."""
        xs = np.array([point.x for point in self.path])
        distances = np.array([point.distance for point in self.path])
        steps = np.hypot(np.diff(xs), np.diff(distances))
        times = [point.seconds for point in self.path]
        return float(np.interp(seconds, times, np.concatenate([[0.0], np.cumsum(steps)])))
