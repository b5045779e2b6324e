"""Targets, loss and accuracy; their published numbers are proved in tests/parity."""

import numpy as np
import pytest
import torch

from models.decode import peaks
from models.training.targets import accuracy, gaussian_targets, joint_mse

SIZES = {"image_size": (192, 256), "map_size": (48, 64), "sigma": 2.0}


def test_a_drawn_target_is_found_again_on_the_nearest_cell():
    joints = np.random.default_rng(0).uniform((4, 4), (180, 240), (17, 2))

    maps, weights = gaussian_targets(joints, np.ones(17), **SIZES)

    cells, scores = peaks(maps[None])
    np.testing.assert_array_equal(np.floor(joints / 4 + 0.5), cells[0])
    np.testing.assert_array_equal(np.ones(17), scores[0])
    np.testing.assert_array_equal(np.ones(17), weights)


@pytest.mark.parametrize(
    ("x", "weight", "is_drawn"),
    [
        (-34, 0, False),  # the window ends at -1
        (-30, 1, False),  # at 0: the published code lets it weigh over an empty map
        (-26, 1, True),  # at 1
        (4 * 53, 1, True),  # it begins in the last column
        (4 * 54, 0, False),
    ],
)
def test_a_window_that_misses_the_map_weighs_nothing(x, weight, is_drawn):
    maps, weights = gaussian_targets(np.array([[float(x), 100.0]]), np.ones(1), **SIZES)

    assert weights[0] == weight
    assert (maps.sum() > 0) == is_drawn


def test_a_keypoint_that_is_not_visible_is_not_drawn():
    maps, weights = gaussian_targets(np.array([[90.0, 100.0]]), np.zeros(1), **SIZES)

    assert maps.sum() == weights.sum() == 0


def test_a_weightless_map_adds_nothing_to_the_loss():
    predicted, target = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    weights = torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    changed = torch.where(weights[..., None, None] > 0, predicted, predicted + 5)

    torch.testing.assert_close(
        joint_mse(predicted, target, weights), joint_mse(changed, target, weights)
    )


def test_perfect_maps_have_accuracy_one_and_absent_keypoints_do_not_count():
    joints = np.array([[90.0, 100.0], [60.0, 200.0], [0.0, 0.0]])
    maps, _ = gaussian_targets(joints, np.array([1, 1, 0]), **SIZES)

    found = accuracy(maps[None], maps[None])

    assert found.mean == 1
    assert found.counted == 2
    np.testing.assert_array_equal([1, 1, -1], found.per_keypoint)


def test_nothing_to_find_has_accuracy_zero():
    empty = np.zeros((1, 2, 8, 8), np.float32)

    assert accuracy(empty, empty).mean == 0
