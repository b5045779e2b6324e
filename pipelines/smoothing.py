"""Smoothing without lag: a person's readings to a steady path that also covers what lies between.

The smoother is Whittaker's: of all paths z it takes the one that minimises

    sum of w (y - z)^2  +  strength * sum of (z[t-1] - 2 z[t] + z[t+1])^2

over the frames t, where y are the readings and w their weights, 0 on frames that nobody read
(P. H. C. Eilers, "A perfect smoother", Analytical Chemistry 2003, with second differences). It
looks to both sides alike, so nothing is late; between readings it runs as a cubic spline does. With
equal weights a movement of f hertz keeps 1 / (1 + (f / cutoff)^4) of its size, to a good
approximation while f is well below the frame rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from data.frame import Origin
from data.pose import Floats, Pose
from pipelines.paths import Reading, box_at

Doubles = NDArray[np.float64]

_LEAST_WEIGHT = 1e-3  # of a keypoint with score 0: it still holds its place
_RIDGE = 1e-9  # keeps the equations solvable where too few frames were read


@dataclass(frozen=True, slots=True)
class Smoothing:
    """`cutoff` is the frequency in hertz of which half remains; None leaves readings as they are.

    A person who is not read for up to `fill` seconds is shown in between, for longer not.
    """

    cutoff: float | None = 10.0
    fill: float = 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A person on a frame as the answer has it; `raw` is what was read there, (J, 2)."""

    pose: Pose
    origin: Origin
    raw: Floats | None


def smoothed(path: Sequence[Reading], smoothing: Smoothing) -> dict[int, Shown]:
    """What is shown of a person on every frame from the first reading to the last, but for gaps.

    Scores between two readings go from one to the other in a straight line, as boxes do.
    """
    answers: dict[int, Shown] = {}
    for part in _parts(path, smoothing.fill):
        first, last = part[0].frame, part[-1].frame
        places = np.array([reading.frame - first for reading in part])
        points = np.stack([reading.pose.keypoints for reading in part]).astype(np.float64)
        scores = np.stack([reading.pose.scores for reading in part]).astype(np.float64)
        curve = _curve(places, points, scores, last - first + 1, _strength(part, smoothing.cutoff))
        read = {reading.frame: reading for reading in part}
        between = np.arange(last - first + 1)
        steps = np.stack([np.interp(between, places, column) for column in scores.T], 1)
        for frame in range(first, last + 1):
            keypoints = curve[frame - first].astype(np.float32)
            known = read.get(frame)
            if known is None:
                own = steps[frame - first].astype(np.float32)
                pose = Pose(keypoints, own, box_at(part, frame), float(own.mean()))
                answers[frame] = Shown(pose, "between", None)
            else:
                pose = replace(known.pose, keypoints=keypoints)
                answers[frame] = Shown(pose, known.origin, known.pose.keypoints)
    return answers


def whittaker(values: Doubles, weights: Doubles, strength: float) -> Doubles:
    """The smoothed (T, N) of columns (T, N) that share their weights (T,), not all 0."""
    count = len(values)
    if count < 3:
        return np.array(values, np.float64)
    bands = np.zeros((3, count))  # of the matrix's upper half: second, first, main diagonal
    bands[0, 2:] = 1
    bands[1, 1:] = -4
    bands[1, [1, -1]] = -2
    bands[2] = 6
    bands[2, [1, -2]] = 5
    bands[2, [0, -1]] = 1
    if count == 3:
        bands[1, 1:], bands[2] = -2, (1, 4, 1)
    bands *= strength
    bands[2] += weights + _RIDGE
    return np.asarray(solveh_banded(bands, weights[:, None] * values), np.float64)


def _curve(
    places: NDArray[np.integer], points: Doubles, scores: Doubles, count: int, strength: float
) -> Doubles:
    """(T, J, 2) over `count` frames of points (N, J, 2) read at `places` (N,)."""
    # A straight line is taken out first: what is left is small, and the ridge leaves it alone.
    ends = np.stack([points[0], points[-1]])
    shares = np.linspace(0, 1, count)[:, None, None]
    line = (1 - shares) * ends[0] + shares * ends[1]
    curve = line.copy()
    for joint in range(points.shape[1]):
        weights = np.zeros(count)
        weights[places] = np.maximum(scores[:, joint] ** 2, _LEAST_WEIGHT)
        weights /= weights.mean()  # a path read on every second frame only is not held less firmly
        values = np.zeros((count, 2))
        values[places] = points[:, joint] - line[places, joint]
        curve[:, joint] += whittaker(values, weights, strength)
    return np.asarray(curve, np.float64)


def _strength(path: Sequence[Reading], cutoff: float | None) -> float:
    """The weight of roughness that halves `cutoff` hertz at the path's own frame rate."""
    frames, seconds = path[-1].frame - path[0].frame, path[-1].seconds - path[0].seconds
    if cutoff is None or frames < 1 or seconds <= 0:
        return 1e-6  # through the readings, and a spline between them
    return float((frames / seconds / (2 * np.pi * cutoff)) ** 4)


def _parts(path: Sequence[Reading], fill: float) -> list[list[Reading]]:
    """The path cut where nobody was read for longer than `fill` seconds."""
    parts: list[list[Reading]] = []
    for reading in path:
        if parts and reading.seconds - parts[-1][-1].seconds <= fill + 1e-6:
            parts[-1].append(reading)
        else:
            parts.append([reading])
    return parts
