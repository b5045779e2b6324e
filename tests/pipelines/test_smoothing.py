"""The smoother without lag: what it keeps, what it fills, and where it stops."""

import numpy as np
import pytest

from data.pose import Box, Pose
from pipelines.paths import Reading
from pipelines.smoothing import Smoothing, smoothed, whittaker

FPS = 25.0


def path(places, value, score=0.9):
    """One keypoint's readings on some frames."""
    readings = []
    for frame in places:
        points = np.array([[value(frame / FPS), 2 * value(frame / FPS)]], np.float32)
        pose = Pose(points, np.array([score], np.float32), Box(0, 0, 40, 100), score)
        readings.append(Reading(frame, frame / FPS, pose, "fused"))
    return readings


def curve(shown):
    return np.array([shown[frame].pose.keypoints[0, 0] for frame in sorted(shown)])


def kept(frequency, cutoff):
    """The part of a wave's size that is left, away from the ends, and by how far it is late."""
    seconds = np.arange(200) / FPS
    answer = curve(smoothed(path(range(200), lambda t: wave(t, frequency)), Smoothing(cutoff)))
    middle = slice(40, 160)
    basis = np.stack(
        [np.sin(2 * np.pi * frequency * seconds), np.cos(2 * np.pi * frequency * seconds)]
    )
    sine, cosine = np.linalg.lstsq(basis[:, middle].T, answer[middle], rcond=None)[0]
    return np.hypot(sine, cosine) / 10, np.arctan2(cosine, sine)


def wave(seconds, frequency):
    return 10 * np.sin(2 * np.pi * frequency * seconds)


def test_a_straight_movement_stays_as_it_is():
    shown = smoothed(path(range(40), lambda t: 7 + 30 * t), Smoothing(3.0))

    np.testing.assert_allclose(curve(shown), 7 + 30 * np.arange(40) / FPS, atol=1e-3)


def test_at_the_cutoff_half_remains_and_nothing_is_late():
    share, late = kept(2.0, 2.0)

    assert share == pytest.approx(0.5, abs=0.02)
    assert abs(late) < 1e-3


def test_slow_movements_pass_and_quick_ones_do_not():
    assert kept(0.5, 4.0)[0] > 0.99
    assert kept(10.0, 4.0)[0] < 0.08


def test_without_a_cutoff_readings_stay_and_a_spline_runs_between():
    values = path(range(0, 41, 4), lambda t: wave(t, 0.8))
    shown = smoothed(values, Smoothing(cutoff=None))
    truth = wave(np.arange(41) / FPS, 0.8)

    np.testing.assert_allclose(curve(shown)[::4], truth[::4], atol=1e-2)
    np.testing.assert_allclose(curve(shown)[4:-4], truth[4:-4], atol=0.15)
    assert [shown[frame].origin for frame in range(5)] == ["fused", *["between"] * 3, "fused"]


def test_what_was_read_is_kept_beside_what_is_shown():
    values = path([0, 2, 4, 6], lambda t: wave(t, 3.0))
    shown = smoothed(values, Smoothing(2.0))

    assert shown[1].raw is None
    np.testing.assert_array_equal(shown[2].raw, values[1].pose.keypoints)
    assert np.abs(shown[2].pose.keypoints - shown[2].raw).max() > 0.5


def test_gaps_are_filled_up_to_the_stated_length():
    values = path([0, 1, 2, 12, 13, 30, 31], lambda t: t)
    shown = smoothed(values, Smoothing(fill=0.4))

    assert sorted(shown) == [*range(14), 30, 31]


def test_a_doubtful_reading_counts_less():
    values = path(range(21), lambda t: 0.0)
    wild = Pose(np.full((1, 2), 50, np.float32), np.full(1, 0.05, np.float32), Box(0, 0, 1, 1), 0.1)
    values[10] = Reading(10, 10 / FPS, wild, "fused")

    assert np.abs(curve(smoothed(values, Smoothing(4.0)))).max() < 1


def test_scores_and_boxes_between_two_readings_go_in_a_straight_line():
    first, last = path([0], lambda t: 0.0, score=0.2) + path([4], lambda t: 0.0, score=0.6)
    shown = smoothed([first, last], Smoothing())

    assert [round(shown[f].pose.score, 3) for f in range(5)] == [0.2, 0.3, 0.4, 0.5, 0.6]
    assert shown[2].pose.box.right == 40


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_short_paths_are_no_trouble(count):
    shown = smoothed(path(range(count), lambda t: 3.0), Smoothing())

    np.testing.assert_allclose(curve(shown), np.full(count, 3.0), atol=1e-4)


@pytest.mark.parametrize("count", [3, 4, 5, 9])
def test_the_bands_are_those_of_the_least_squares_problem(count):
    generator = np.random.default_rng(count)
    values, weights = generator.normal(size=(4, count, 2)), generator.uniform(0.5, 2, (4, count))
    second = np.diff(np.eye(count), 2, axis=0)
    plain = [
        np.linalg.solve(np.diag(own) + 3.0 * second.T @ second, own[:, None] * series)
        for series, own in zip(values, weights, strict=True)
    ]

    np.testing.assert_allclose(whittaker(values, weights, 3.0), plain, atol=1e-6)


def test_over_a_long_way_nobody_swings_out():
    places = [*range(12), *range(21, 33)]
    there_and_back = lambda t: -abs(200 * (t - 16 / FPS))  # noqa: E731
    shown = curve(smoothed(path(places, there_and_back), Smoothing()))
    curved = curve(smoothed(path(places, there_and_back), Smoothing(line=1.0)))

    assert shown[12:21].max() <= max(shown[11], shown[21]) + 1e-3
    assert curved[12:21].max() > max(curved[11], curved[21]) + 5


def test_readings_that_the_rhythm_parts_have_no_gap_between_them():
    slow = [
        Reading(r.frame, r.frame / 5, r.pose, r.origin) for r in path(range(0, 21, 4), lambda t: t)
    ]

    assert list(smoothed(slow, Smoothing(), 4)) == list(range(21))
    assert list(smoothed(slow, Smoothing())) == [0, 4, 8, 12, 16, 20]
