"""Points in polygons: strictly inside, even-odd, without rounding."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from data.flat_sequence import Regions
from pipelines.evaluation import regions
from pipelines.evaluation.regions import inside

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
STAR = [(5, 0), (8, 10), (0, 3.5), (10, 3.5), (2, 10)]  # crosses itself; its heart is outside


def regions_of(*polygons: list[tuple[float, float]], frames: list[int] | None = None) -> Regions:
    return Regions(
        np.array(frames or [0] * len(polygons)),
        np.array([len(polygon) for polygon in polygons]),
        np.concatenate([np.array(polygon, np.float64) for polygon in polygons]),
    )


def judge(polygon: list[tuple[float, float]], points: list[tuple[float, float]]) -> list[bool]:
    """Points as one person's keypoints on frame 0."""
    places = np.array(points, np.float64)[None]
    found = inside(
        regions_of(polygon), np.zeros(1, np.int64), places, np.ones(places.shape[:2], bool)
    )
    return [bool(hit) for hit in found[0]]


def slow(polygon: list[tuple[float, float]], point: tuple[float, float]) -> bool:
    """The even-odd rule in exact numbers; False on the boundary."""
    x, y = map(Fraction, point)
    odd = False
    for start, end in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        (x1, y1), (x2, y2) = (tuple(map(Fraction, corner)) for corner in (start, end))
        cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        if cross == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return False
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            odd = not odd
    return odd


def test_edges_and_corners_are_not_inside() -> None:
    points = [(5, 5), (0, 5), (10, 5), (5, 0), (5, 10), (0, 0), (10, 10), (11, 5), (9.999, 9.999)]

    assert judge(SQUARE, points) == [True, *[False] * 7, True]


def test_a_polygon_that_crosses_itself_is_hollow_where_it_covers_twice() -> None:
    assert judge(STAR, [(5, 2), (5, 5), (1.5, 3.6), (7.3, 8.7)]) == [True, False, True, True]


def test_a_closed_ring_is_the_same_as_an_open_one() -> None:
    points = [(5, 5), (0, 5), (0, 0)]

    assert judge([*SQUARE, SQUARE[0]], points) == judge(SQUARE, points)


@pytest.mark.parametrize("seed", range(6))
def test_random_polygons_are_judged_as_in_exact_numbers(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Corners and points of tenths, which floats only nearly hold: many lie nearly on an edge."""
    monkeypatch.setattr(regions, "_EDGES", 97)  # in many parts
    rng = np.random.default_rng(seed)
    polygon = [(float(x), float(y)) for x, y in rng.integers(0, 40, (9, 2)) / 10]
    on_edges = [
        tuple(float(v) for v in (np.array(a) + (np.array(b) - np.array(a)) * share))
        for a, b in pairwise(polygon)
        for share in (0.1, 0.3, 0.5)
    ]
    points = [(float(x), float(y)) for x, y in rng.integers(0, 40, (200, 2)) / 10] + on_edges

    assert judge(polygon, points) == [slow(polygon, point) for point in points]


def test_regions_hold_for_their_own_frame_and_for_keypoints_that_are_there() -> None:
    far = [(x + 100, y) for x, y in SQUARE]
    ignored = regions_of(SQUARE, far, SQUARE, frames=[1, 1, 4])
    frame = np.array([0, 1, 1, 2, 4])
    points = np.tile([[5.0, 5.0], [105.0, 5.0]], (5, 1, 1))
    present = np.ones((5, 2), np.bool_)
    present[2, 1] = False

    found = inside(ignored, frame, points, present)

    assert found.tolist() == [[False] * 2, [True] * 2, [True, False], [False] * 2, [True, False]]


def test_numbers_beyond_all_measure_do_no_harm() -> None:
    huge = [(3.4e307 * (x - 5), 3.4e307 * (y - 5)) for x, y in SQUARE]

    assert judge(huge, [(5.0, 5.0), (-1.7e308, 5.0), (1e307, 1.75e308)]) == [True, False, False]
