"""Heatmaps to keypoints."""

import subprocess
import sys

import numpy as np
import pytest

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import COCO_17
from models.decode import decode, merge_flipped, peaks, pose, poses, refined, score, unflip

BOX = Box(100, 50, 160, 170)


def drawn(points: np.ndarray, size: tuple[int, int] = (48, 64), peak: float = 1.0) -> Heatmaps:
    """A Gaussian of sigma 2 around each point (J, 2) of the image."""
    crop = Crop.around(BOX, size, 1.25)
    cells = crop.from_image(points.astype(np.float32))
    y, x = np.mgrid[: size[1], : size[0]]
    squared = (x - cells[:, 0, None, None]) ** 2 + (y - cells[:, 1, None, None]) ** 2
    return Heatmaps((peak * np.exp(-squared / 8)).astype(np.float32), crop)


def test_a_drawn_gaussian_is_found_again_within_three_eighths_of_a_cell():
    rng = np.random.default_rng(0)
    points = rng.uniform((105, 60), (155, 160), (17, 2))
    heatmaps = drawn(points)
    zoom = heatmaps.crop.inverse()[0, 0]

    keypoints, scores = decode([heatmaps])[0]

    assert np.abs(keypoints - points).max() < 0.375 * zoom
    assert (scores > 0.9).all()


def test_people_are_decoded_alike_alone_and_together_whatever_their_map_sizes():
    rng = np.random.default_rng(1)
    sizes = [(48, 64), (56, 56), (48, 64), (24, 32)]
    people = [drawn(rng.uniform((105, 60), (155, 160), (5, 2)), size) for size in sizes]

    together = decode(people)

    for one, (keypoints, scores) in zip(people, together, strict=True):
        alone, alone_scores = decode([one])[0]
        np.testing.assert_array_equal(alone, keypoints)
        np.testing.assert_array_equal(alone_scores, scores)


def test_nobody_gives_nothing():
    assert decode([]) == []
    assert poses([], []) == []


def test_the_first_of_equal_cells_wins():
    maps = np.zeros((1, 1, 6, 5), np.float32)
    maps[0, 0, 2, 3] = maps[0, 0, 4, 1] = 1

    cells, scores = peaks(maps)

    np.testing.assert_array_equal([[[3, 2]]], cells)
    np.testing.assert_array_equal([[1]], scores)


@pytest.mark.parametrize("level", [0, -1])
def test_a_map_without_a_positive_cell_gives_the_crops_corner_and_its_maximum(level):
    heatmaps = Heatmaps(np.full((1, 64, 48), level, np.float32), Crop.around(BOX, (48, 64), 1.25))

    keypoints, scores = decode([heatmaps])[0]

    np.testing.assert_allclose(heatmaps.crop.to_image(np.zeros((1, 2), np.float32)), keypoints)
    np.testing.assert_array_equal([level], scores)


@pytest.mark.parametrize(
    ("cell", "moved"),
    [(0, 0), (1, 1), (2, 2.25), (5, 5.25), (6, 6.25), (7, 7)],
)
def test_only_cells_well_inside_the_map_move_a_quarter_cell(cell, moved):
    maps = np.tile(np.arange(8, dtype=np.float32), (1, 1, 8, 1))  # rises to the right
    cells = np.array([[[cell, 4]]], np.float32)

    np.testing.assert_array_equal([[[moved, 4]]], refined(maps, cells))


def test_equal_neighbours_move_nothing():
    maps = np.zeros((1, 1, 9, 9), np.float32)
    maps[0, 0, 4, 4] = 1

    np.testing.assert_array_equal([[[4, 4]]], refined(maps, np.array([[[4, 4]]], np.float32)))


def test_a_poses_scores_are_clipped_and_its_own_is_their_mean():
    maps = np.zeros((2, 64, 48), np.float32)
    maps[0, 20, 20] = 1.4
    maps[1] = -0.3

    found = pose(Heatmaps(maps, Crop.around(BOX, (48, 64), 1.25)), BOX)

    np.testing.assert_array_equal([1, 0], found.scores)
    assert found.score == pytest.approx(0.5)
    assert found.box == BOX


def test_a_score_alone_is_that_of_the_pose():
    rng = np.random.default_rng(2)
    crop = Crop.around(BOX, (5, 7), 1.25)
    for low, high in ((-0.5, 1.5), (-1, 0)):
        maps = Heatmaps(rng.uniform(low, high, (4, 7, 5)).astype(np.float32), crop)
        assert score(maps) == pose(maps, BOX).score


def test_every_map_size_down_to_one_cell_can_be_decoded():
    for width, height in [(1, 1), (2, 2), (3, 3), (1, 9), (9, 1)]:
        maps = np.ones((1, 1, height, width), np.float32)

        np.testing.assert_array_equal([[[0, 0]]], refined(maps, peaks(maps)[0]))


def test_unflipping_the_maps_of_a_mirrored_picture_gives_the_pictures_maps():
    rng = np.random.default_rng(2)
    maps = rng.random((3, 17, 8, 6), np.float32)
    mirrored = maps[:, list(COCO_17.mirror), :, ::-1]

    np.testing.assert_array_equal(maps, unflip(mirrored, COCO_17.mirror))
    np.testing.assert_allclose(maps, merge_flipped(maps, mirrored, COCO_17.mirror, shift=0))


def test_a_shifted_merge_keeps_the_first_column():
    maps = np.zeros((1, 1, 4), np.float32)
    mirrored = np.array([[[4, 3, 2, 1]]], np.float32)  # 1 2 3 4 when mirrored back

    merged = merge_flipped(maps, mirrored, [0], shift=1)

    np.testing.assert_array_equal([[[0.5, 0.5, 1, 1.5]]], merged)


def test_reading_poses_needs_no_torch():
    code = "import sys, models.decode; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
