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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from data.frame import Origin
from data.pose import Floats, Pose
from pipelines.paths import Reading, box_at, parted, pose_at

Doubles = NDArray[np.float64]

_LEAST_WEIGHT = 1e-3  # of a keypoint with score 0: it still holds its place
_RIDGE = 1e-9  # keeps the equations solvable where too few frames were read


@dataclass(frozen=True, slots=True)
class Smoothing:
    """`cutoff` is the frequency in hertz of which half remains; None leaves readings as they are.

    A person who is not read for up to `fill` seconds is shown in between, for longer not; from
    `line` seconds on in a straight line, because over a long way a curve swings too far out.
    """

    cutoff: float | None = 10.0
    fill: float = 0.5
    line: float = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A person on a frame as the answer has it; `raw` is what was read there, (J, 2)."""

    pose: Pose
    origin: Origin
    raw: Floats | None


def smoothed(path: Sequence[Reading], smoothing: Smoothing, stride: int = 1) -> dict[int, Shown]:
    """What is shown of a person on every frame from the first reading to the last, but for gaps.

    Scores between two readings go from one to the other in a straight line, as boxes do. Readings
    up to `stride` frames apart have no gap between them, whatever the frame rate.
    """
    answers: dict[int, Shown] = {}
    for part in parted(path, smoothing.fill, stride):
        pieces = parted(part, smoothing.line, stride)
        for piece in pieces:
            answers |= _shown(piece, smoothing.cutoff)
        for before, after in pairwise(pieces):
            answers |= _across(before[-1], after[0], answers)
    return answers


def _shown(part: Sequence[Reading], cutoff: float | None) -> dict[int, Shown]:
    """A person on all frames of a part without long gaps."""
    answers: dict[int, Shown] = {}
    first, last = part[0].frame, part[-1].frame
    places = np.array([reading.frame - first for reading in part])
    points = np.stack([reading.pose.keypoints for reading in part]).astype(np.float64)
    scores = np.stack([reading.pose.scores for reading in part]).astype(np.float64)
    curve = _curve(places, points, scores, last - first + 1, _strength(part, cutoff))
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


def _across(before: Reading, after: Reading, answers: Mapping[int, Shown]) -> dict[int, Shown]:
    """A person between two readings that are far apart, in a straight line."""
    first, last = (replace(end, pose=answers[end.frame].pose) for end in (before, after))
    between = range(before.frame + 1, after.frame)
    return {at: Shown(pose_at(first, last, at), "between", None) for at in between}


def whittaker(values: Doubles, weights: Doubles, strength: float) -> Doubles:
    """The smoothed (J, T, N) of J series, whose N columns share their weights (J, T), not all 0.

    All series are one system of equations, in which none touches another: one call for all.
    """
    series, count, _ = values.shape
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
    bands = np.tile(bands * strength, series)
    bands[2] += weights.ravel() + _RIDGE
    known = (weights[..., None] * values).reshape(series * count, -1)
    return np.asarray(solveh_banded(bands, known), np.float64).reshape(values.shape)


def _curve(
    places: NDArray[np.integer], points: Doubles, scores: Doubles, count: int, strength: float
) -> Doubles:
    """(T, J, 2) over `count` frames of points (N, J, 2) read at `places` (N,)."""
    # A straight line is taken out first: what is left is small, and the ridge leaves it alone.
    ends = np.stack([points[0], points[-1]])
    shares = np.linspace(0, 1, count)[:, None, None]
    line = (1 - shares) * ends[0] + shares * ends[1]
    weights, values = np.zeros((points.shape[1], count)), np.zeros((points.shape[1], count, 2))
    weights[:, places] = np.maximum(scores.T**2, _LEAST_WEIGHT)
    # A path read on every second frame only is not held less firmly.
    weights /= weights.mean(1, keepdims=True)
    values[:, places] = (points - line[places]).swapaxes(0, 1)
    return np.asarray(line + whittaker(values, weights, strength).swapaxes(0, 1), np.float64)


def _strength(path: Sequence[Reading], cutoff: float | None) -> float:
    """The weight of roughness that halves `cutoff` hertz at the path's own frame rate."""
    frames, seconds = path[-1].frame - path[0].frame, path[-1].seconds - path[0].seconds
    if cutoff is None or frames < 1 or seconds <= 0:
        return 1e-6  # through the readings, and a spline between them
    return float((frames / seconds / (2 * np.pi * cutoff)) ** 4)
