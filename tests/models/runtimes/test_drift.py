"""How far answers drift, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from data.errors import ConfigError
from models.runtimes.drift import BOUNDS, Drift, between, of_boxes, of_maps


def peaked(x: int, height: float = 0.9) -> np.ndarray:
    maps = np.zeros((1, 2, 12, 12), np.float32)
    maps[0, 0, 5, x], maps[0, 0, 5, x - 1] = height, height / 2
    return maps


def test_the_same_answers_do_not_drift():
    drift = between(of_maps([peaked(5)]), of_maps([peaked(5)]))

    assert drift == Drift(0, 0, 0, 0, counted=1)
    drift.refuse("net.onnx", "float32")


def test_a_peak_elsewhere_is_counted_in_pixels_of_the_map():
    drift = between(of_maps([peaked(5)]), of_maps([peaked(8)]))

    assert (drift.moved, drift.moved_mean, drift.counted) == (3, 3, 1)
    assert drift.largest == pytest.approx(0.9)


def test_a_keypoint_that_nobody_is_sure_of_may_go_anywhere():
    assert between(of_maps([peaked(5, 0.1)]), of_maps([peaked(8, 0.1)])).counted == 0


def test_scores_are_shares_of_the_ideal_peak():
    drift = between(of_maps([peaked(5)], peak=0.5), of_maps([peaked(5) + 0.1], peak=0.5))

    assert drift.largest == pytest.approx(0.2)


def test_boxes_drift_by_their_corners():
    quality = np.array([[4.0, -9.0]], np.float32)
    boxes = np.array([[[0, 0, 10, 10], [0, 0, 1, 1]]], np.float32)
    moved = boxes + np.array([[[3, 4, 0, 0], [50, 50, 50, 50]]], np.float32)

    drift = between(of_boxes([quality, boxes]), of_boxes([quality, moved]))

    assert (drift.moved, drift.counted, drift.largest) == (5, 2, 0)


@pytest.mark.parametrize("precision", BOUNDS)
@pytest.mark.parametrize("times", [1.1, float("nan")])
def test_scores_that_drift_are_refused(precision, times):
    largest = BOUNDS[precision].largest

    Drift(largest, 0, 0, 0, 1).refuse("net.onnx", precision)
    with pytest.raises(
        ConfigError, match=rf"net\.onnx drifts from torch: its largest error.*{precision}"
    ):
        Drift(times * largest, 0, 0, 0, 1).refuse("net.onnx", precision)


@pytest.mark.parametrize("precision", BOUNDS)
def test_keypoints_that_move_are_refused(precision):
    moved = BOUNDS[precision].moved

    Drift(0, 0, 9, moved, 1).refuse("net.onnx", precision)
    with pytest.raises(ConfigError, match=f"its keypoints move by.*{precision}"):
        Drift(0, 0, 9, 1.1 * moved, 1).refuse("net.onnx", precision)


def test_int8_may_drift_further_than_float32():
    assert BOUNDS["int8"].largest > BOUNDS["float32"].largest
    assert BOUNDS["int8"].moved > BOUNDS["float32"].moved


def test_answers_of_other_shapes_are_no_drift():
    with pytest.raises(ValueError, match="shapes"):
        between(of_maps([peaked(5)]), of_maps([peaked(5)[:, :1]]))
