"""Readings by track and frame, there and back as arrays, and boxes between them."""

import numpy as np
import pytest

from data.pose import Box, Pose
from pipelines.paths import Paths, Reading, box_at, parted


def reading(frame, left=0.0, origin="fused"):
    points = np.full((3, 2), left, np.float32)
    pose = Pose(points, np.full(3, 0.5, np.float32), Box(left, 0, left + 10, 20, 0.8), 0.5)
    return Reading(frame, frame / 25, pose, origin)


@pytest.fixture
def paths():
    made = Paths()
    for track, frame, origin in ((2, 5, "slow"), (1, 4, "between"), (2, 3, "fused")):
        made.add(track, reading(frame, 10.0 * frame, origin))
    return made


def test_tracks_and_frames_rise(paths):
    assert list(paths) == [1, 2]
    assert [one.frame for one in paths.of(2)] == [3, 5]
    assert paths.of(9) == []


def test_a_snapshot_gives_the_same_paths_back(paths):
    again = Paths.restored(paths.snapshot(3))

    for track in paths:
        for one, other in zip(paths.of(track), again.of(track), strict=True):
            assert (one.frame, one.seconds, one.origin) == (
                other.frame,
                other.seconds,
                other.origin,
            )
            assert one.pose.box == other.pose.box
            assert one.pose.score == other.pose.score
            np.testing.assert_array_equal(one.pose.keypoints, other.pose.keypoints)
            np.testing.assert_array_equal(one.pose.scores, other.pose.scores)


def test_nobody_makes_a_snapshot_too():
    assert list(Paths.restored(Paths().snapshot(17))) == []


def test_what_is_long_ago_is_forgotten(paths):
    paths.forget_before(4 / 25)

    assert list(paths) == [1, 2]
    assert [one.frame for one in paths.of(2)] == [5]


def test_a_reading_can_be_taken_back(paths):
    paths.remove(2, 3)
    paths.remove(7, 3)

    assert [one.frame for one in paths.of(2)] == [5]


def test_a_path_without_readings_is_none(paths):
    paths.remove(1, 4)

    assert list(paths) == [2]


@pytest.mark.parametrize(("frame", "left"), [(0, 0), (2, 20), (4, 40), (6, 60), (-2, -20)])
def test_a_box_moves_in_a_straight_line_and_on_beyond_the_ends(frame, left):
    box = box_at([reading(0, 0.0), reading(4, 40.0)], frame)

    assert (box.left, box.width, box.height) == pytest.approx((left, 10, 20))


@pytest.mark.parametrize(
    ("frame", "left"), [(0, [0, 4, 8, 9]), (8, [0, 4, 8, 9]), (9, [4, 8, 9]), (99, [8, 9])]
)
def test_near_a_frame_are_the_readings_from_it_on_and_two_before(frame, left):
    paths = Paths()
    for at in (9, 0, 8, 4):
        paths.add(5, reading(at))

    assert [one.frame for one in paths.near(5, frame)] == left
    assert paths.near(6, frame) == []


def test_one_reading_alone_stands_still():
    assert box_at([reading(3, 7.0)], 9).left == 7


def test_a_path_is_parted_where_seconds_and_frames_are_too_many():
    readings = [reading(frame) for frame in (0, 4, 14, 15, 30)]
    parts = [[r.frame for r in part] for part in parted(readings, 0.4, 4)]

    assert parts == [[0, 4, 14, 15], [30]]
    assert parted(readings, 0.1, 20) == [readings]
    assert parted([], 0.4, 4) == []
