"""IoU and OKS as matrices."""

import numpy as np
import pytest

from data.pose import Box, Pose
from data.similarity import iou_matrix, oks_matrix
from data.skeleton import COCO_17


def pose(shift: float, known: int = 17) -> Pose:
    points = np.stack([np.arange(17.0) * 5, np.arange(17.0) * 9], 1).astype(np.float32) + shift
    scores = (np.arange(17) < known).astype(np.float32)
    return Pose(points, scores, Box(0, 0, 80, 150), 1.0)


def test_overlaps_of_boxes() -> None:
    first = [Box(0, 0, 10, 10), Box(20, 20, 20, 20)]
    second = [Box(0, 0, 10, 10), Box(5, 0, 15, 10), Box(20, 20, 20, 20)]

    np.testing.assert_allclose(iou_matrix(first, second), [[1, 1 / 3, 0], [0, 0, 0]], rtol=1e-6)
    assert iou_matrix([], second).shape == (0, 3)


def test_oks_is_one_for_the_same_pose_and_falls_with_distance() -> None:
    alike = oks_matrix([pose(0)], [pose(0), pose(5), pose(50)], COCO_17)[0]

    assert alike[0] == pytest.approx(1)
    assert alike[0] > alike[1] > alike[2]


def test_oks_follows_its_formula() -> None:
    area, step = 80 * 150, 2 * 5.0**2
    wanted = np.exp(-step / (2 * area * (2 * COCO_17.sigmas) ** 2)).mean()

    assert oks_matrix([pose(0)], [pose(5)], COCO_17)[0, 0] == pytest.approx(wanted, rel=1e-5)


def test_keypoints_that_one_pose_lacks_do_not_count() -> None:
    assert oks_matrix([pose(0, 0)], [pose(0)], COCO_17)[0, 0] == 0
    assert oks_matrix([pose(0, 4)], [pose(0)], COCO_17)[0, 0] == pytest.approx(1)
