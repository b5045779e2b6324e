"""Stretches of paths and their names: who goes on, who is somebody else, what is remembered."""

import numpy as np
import pytest

from data.frame import Frame
from data.pose import Box, Pose
from data.skeleton import COCO_17
from pipelines.names import Names
from pipelines.paths import Paths, Reading
from pipelines.stitch import Joining

FPS = 25.0


def walk(frames, x, speed):
    """A path of somebody 40 by 100 pixels large, in pixels and pixels per second."""
    readings = []
    for frame in frames:
        left = x + speed * frame / FPS
        points = np.linspace(0, 1, 34).reshape(17, 2) * [40, 100] + [left, 100]
        pose = Pose(
            points.astype(np.float32),
            np.full(17, 0.9, np.float32),
            Box(left, 100, left + 40, 200),
            0.9,
        )
        readings.append(Reading(frame, frame / FPS, pose, "fused"))
    return readings


def paths_of(tracks):
    paths = Paths()
    for track, readings in tracks.items():
        for reading in readings:
            paths.add(track, reading)
    return paths


def frame(index):
    return Frame(index, index / FPS, np.zeros((360, 640, 3), np.uint8), str(index))


@pytest.fixture
def names():
    return Names(COCO_17, Joining(), 0.4, 4)


def given(names, tracks, end=100, known=(), read=100):
    """By name the frames of its path."""
    paths = paths_of(tracks)
    names.give(paths, end, frozenset(known), frame(read))
    return {name: [r.frame for r in path] for name, path in names.whole(paths).items()}


def test_who_comes_first_is_called_first(names):
    assert given(names, {7: walk([4, 5], 0, 0), 9: walk([2, 3], 300, 0)}) == {1: [2, 3], 2: [4, 5]}


def test_a_short_gap_is_no_matter(names):
    tracks = {1: [*walk(range(10), 100, 50), *walk(range(18, 30), 100, 50)]}

    assert list(given(names, tracks)) == [1]


def test_a_track_that_goes_on_as_it_was_keeps_its_name(names):
    tracks = {1: [*walk(range(10), 100, 50), *walk(range(30, 40), 100, 50)]}

    assert list(given(names, tracks, known={1})) == [1]


def test_what_the_tracker_takes_for_one_who_left_and_another_who_came_is_two(names):
    left = walk(range(10), 600, 100)
    came = walk(range(30, 40), 760, -100)

    assert list(given(names, {1: [*left, *came]}, known={1})) == [1, 2]


def test_a_track_between_two_stretches_of_another_is_the_same_person(names):
    tracks = {
        1: [*walk(range(10), 100, 50), *walk(range(40, 60), 100, 50)],
        2: walk(range(20, 38), 100, 50),
    }

    assert list(given(names, tracks, known={1})) == [1]


def test_who_may_still_go_on_is_gone_on_by_nobody(names):
    tracks = {1: walk(range(10), 100, 0), 2: walk(range(12, 20), 100, 0)}

    assert list(given(names, tracks, read=19, known={1})) == [1, 2]


def test_who_was_seen_on_one_frame_alone_is_nobody(names):
    assert given(names, {1: walk([5], 100, 0)}) == {}
    assert given(names, {1: walk([5], 100, 0)}, read=5) == {1: [5]}


def test_who_begins_later_is_named_later(names):
    tracks = {1: walk(range(30, 40), 100, 0)}

    assert given(names, tracks, end=30) == {}
    assert list(given(names, tracks, end=31)) == [1]


def test_names_outlast_the_frames_on_which_they_were_given(names):
    paths = paths_of({1: walk(range(40), 100, 0), 2: walk(range(40), 400, 0)})
    names.give(paths, 20, frozenset({1, 2}), frame(39))
    paths.forget_before(10 / FPS)
    names.keep(paths)
    names.give(paths, 40, frozenset({1, 2}), frame(39))

    assert list(names.whole(paths)) == [1, 2]
    assert len(names.of) == 2


def test_names_of_what_is_forgotten_are_forgotten(names):
    paths = paths_of({1: walk(range(10), 100, 0), 2: walk(range(40), 400, 0)})
    names.give(paths, 20, frozenset({1, 2}), frame(39))
    paths.forget_before(20 / FPS)
    names.keep(paths)

    assert list(names.of.values()) == [2]
    assert names.next == 3


def test_frames_far_apart_in_time_are_no_gap_where_none_lies_between(names):
    slow = [
        Reading(reading.frame, reading.frame / 2.0, reading.pose, reading.origin)
        for reading in walk(range(0, 40, 4), 100, 0)
    ]

    assert list(given(names, {1: slow})) == [1]
