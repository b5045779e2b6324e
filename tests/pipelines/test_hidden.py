"""Which readings show another person than their own."""

import numpy as np
import pytest

from data.pose import Box, Pose
from data.skeleton import COCO_17
from pipelines.hidden import Hiding, hidden
from pipelines.paths import Reading

FPS = 25.0
STANDING, BENT = np.linspace(0, 1, 34).reshape(17, 2), np.linspace(1, 0, 34).reshape(17, 2)


def reading(frame, x, score=0.9, shape=STANDING):
    """Somebody 40 by 100 pixels large, whose box begins at `x`."""
    points = (shape * [40, 100] + [x, 100]).astype(np.float32)
    pose = Pose(points, np.full(17, score, np.float32), Box(x, 100, x + 40, 200), score)
    return Reading(frame, frame / FPS, pose, "fused")


def gone(paths, frames=range(20), **rule):
    return hidden(paths, frames, COCO_17, Hiding(**rule))


def test_of_two_who_show_one_person_the_weaker_goes():
    paths = {1: [reading(4, 100, 0.7)], 2: [reading(4, 102, 0.8)]}

    assert gone(paths) == [(1, 4)]


def test_of_two_equals_the_older_stays():
    assert gone({1: [reading(4, 100)], 5: [reading(4, 101)]}) == [(5, 4)]


def test_people_side_by_side_stay():
    assert gone({1: [reading(4, 100)], 2: [reading(4, 135, 0.4)]}) == []


def test_who_is_another_in_one_place_stays_while_well_seen():
    paths = {1: [reading(4, 100)], 2: [reading(4, 115, 0.7, BENT)]}

    assert gone(paths) == []


def test_who_lies_within_another_and_is_hardly_seen_is_hidden():
    paths = {1: [reading(4, 100)], 2: [reading(4, 115, 0.4, BENT)]}

    assert gone(paths) == [(2, 4)]


def test_who_is_hardly_seen_and_alone_stays():
    assert gone({1: [reading(4, 100)], 2: [reading(4, 300, 0.1)]}) == []


def test_boxes_that_are_one_are_one_person_whatever_the_poses():
    assert gone({1: [reading(4, 100)], 2: [reading(4, 101, 0.8, BENT)]}) == [(2, 4)]


def test_who_was_not_read_is_where_the_line_between_the_readings_leads():
    walker = [reading(0, 80), reading(8, 120)]
    double = [reading(4, 100, 0.6)]

    assert gone({1: walker, 2: double}) == [(2, 4)]
    assert gone({1: walker, 2: double}, longest=0.2) == []


def test_what_was_not_read_is_not_taken_back():
    weak = [reading(0, 80, 0.5), reading(8, 120, 0.5)]

    assert gone({1: weak, 2: [reading(4, 100)]}) == []


def test_the_third_of_three_in_one_place_goes_too():
    paths = {n: [reading(4, 100 + n, 0.5 + 0.1 * n)] for n in (1, 2, 3)}

    assert gone(paths) == [(1, 4), (2, 4)]


def test_other_frames_are_left_alone():
    paths = {1: [reading(4, 100)], 2: [reading(4, 100)]}

    assert gone(paths, frames=range(5, 20)) == []


@pytest.mark.parametrize("paths", [{}, {1: [reading(3, 0)]}])
def test_nobody_and_one_alone_are_no_trouble(paths):
    assert gone(paths) == []
