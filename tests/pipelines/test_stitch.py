"""Which path goes on where another one ended."""

import numpy as np

from data.pose import Box, Pose
from data.skeleton import COCO_17
from pipelines.paths import Reading, moved_to
from pipelines.stitch import Joining, joined

FPS = 25.0
SIZE = (640, 360)


def path(frames, x, speed, shape=None):
    """Someone who walks: the box's left side in pixels, and pixels per second."""
    shape = np.linspace(0, 1, 34).reshape(17, 2) if shape is None else shape
    readings = []
    for frame in frames:
        left = x + speed * frame / FPS
        box = Box(left, 100, left + 40, 200)
        points = (shape * [40, 100] + [left, 100]).astype(np.float32)
        pose = Pose(points, np.full(17, 0.9, np.float32), box, 0.9)
        readings.append(Reading(frame, frame / FPS, pose, "fused"))
    return readings


def who(ended, begun, rule=None):
    return joined(ended, begun, COCO_17, rule or Joining(), SIZE)


def test_who_walks_on_after_a_gap_is_the_same():
    assert who({3: path(range(20), 0, 100)}, {5: path(range(30, 45), 0, 100)}) == {5: 3}


def test_who_comes_from_elsewhere_is_somebody_else():
    assert who({3: path(range(20), 0, 100)}, {5: path(range(30, 45), 300, 100)}) == {}


def test_who_walks_the_other_way_is_somebody_else():
    there, back = path(range(20), 0, 250), path(range(40, 60), 850, -400)

    assert who({3: there}, {5: back}) == {}


def test_nobody_goes_on_before_they_ended():
    assert who({3: path(range(20), 0, 100)}, {5: path(range(10, 45), 0, 100)}) == {}


def test_a_gap_that_is_too_long_parts_them():
    ended, begun = {3: path(range(20), 0, 0)}, {5: path(range(130, 150), 0, 0)}

    assert who(ended, begun) == {}
    assert who(ended, begun, Joining(gap=5.0)) == {5: 3}


def test_two_who_cross_while_nobody_sees_them_keep_their_ways():
    ended = {1: path(range(20), 0, 100), 2: path(range(20), 200, -100)}
    begun = {7: path(range(40, 60), 0, 100), 8: path(range(40, 60), 200, -100)}

    assert who(ended, begun) == {7: 1, 8: 2}


def test_of_two_in_one_place_the_pose_decides():
    bent = np.linspace(1, 0, 34).reshape(17, 2)
    ended = {1: path(range(20), 0, 0), 2: path(range(20), 4, 0, bent)}

    assert who(ended, {7: path(range(30, 50), 2, 0, bent)}) == {7: 2}


def test_nobody_is_no_trouble():
    assert who({}, {}) == {}
    assert who({}, {1: path(range(3), 0, 0)}) == {}


def test_a_pose_moves_and_grows_with_its_box():
    (reading,) = path([0], 0, 0)
    moved = moved_to(reading.pose, Box(100, 0, 180, 200))

    np.testing.assert_allclose(
        moved.keypoints, np.linspace(0, 1, 34).reshape(17, 2) * [80, 200] + [100, 0], atol=1e-3
    )


def test_who_comes_in_where_another_left_the_picture_is_somebody_else():
    left, came = path(range(20), 570, 100), path(range(30, 50), 760, -100)

    assert who({3: left}, {5: came}) == {}
    assert who({3: left}, {5: came}, Joining(visible=0.0)) == {5: 3}


def test_who_is_hidden_at_the_edge_goes_on():
    assert who({3: path(range(20), 600, 0)}, {5: path(range(30, 50), 600, 0)}) == {5: 3}
