"""The tracker alone: what it makes of sightings."""

import numpy as np
import pytest

from data.frame import Frame
from data.pose import Box, Pose
from data.skeleton import COCO_17
from pipelines.tracker import Sighting, Tracker, Tracking

IMAGE = np.zeros((300, 400, 3), np.uint8)


def frame(index, fps=25):
    return Frame(index, index / fps, IMAGE, str(index))


def sighting(left, top=50, *, support=3.0, found=True, seed=0, height=150):
    """A person whose seventeen keypoints are spread over the box; `seed` gives the pose."""
    box = Box(left, top, left + 0.4 * height, top + height)
    spread = np.random.default_rng(seed).random((17, 2)) * [box.width, box.height]
    points = (spread + np.array([left, top])).astype(np.float32)
    pose = Pose(points, np.full(17, 0.8, np.float32), box, 0.8)
    return Sighting(pose, pose, box if found else None, support)


@pytest.fixture
def tracker():
    return Tracker(COCO_17, Tracking())


def test_numbers_count_from_one(tracker):
    tracker.carry(frame(0))

    people = tracker.see({}, [sighting(20), sighting(200, seed=1)], searched=True)

    assert list(people) == [1, 2]
    assert tracker.alive == {1, 2}


def test_two_trackers_count_for_themselves(tracker):
    other = Tracker(COCO_17, Tracking())

    for each in (tracker, other):
        each.carry(frame(0))
        assert list(each.see({}, [sighting(20)], searched=True)) == [1]


def test_who_is_trusted_moves_on_unseen_and_is_not_lost(tracker):
    for index in range(50):
        tracker.carry(frame(index))
        if index < 2:
            tracker.see({}, [sighting(20 + 2 * index)], searched=True)
        else:
            tracker.trust([1])
            tracker.see({}, [], searched=False)

    assert tracker.alive == {1}
    assert tracker.unseen(1) == 0


@pytest.mark.parametrize("support", [0.5, 1.4])
def test_who_has_too_little_support_is_not_born(tracker, support):
    tracker.carry(frame(0))

    assert tracker.see({}, [sighting(20, support=support)], searched=True) == {}


def test_what_the_finder_did_not_find_is_not_born(tracker):
    tracker.carry(frame(0))

    assert tracker.see({}, [sighting(20, found=False)], searched=True) == {}


def test_a_double_is_not_born_and_the_stronger_one_is(tracker):
    tracker.carry(frame(0))

    people = tracker.see({}, [sighting(20, support=2), sighting(21, support=4)], searched=True)

    (only,) = people.values()
    assert only.support == 4


def test_two_people_with_overlapping_boxes_and_their_own_poses_are_two(tracker):
    tracker.carry(frame(0))

    people = tracker.see({}, [sighting(20, seed=0), sighting(35, seed=1)], searched=True)

    assert len(people) == 2


def test_of_two_tracks_that_collapse_the_one_whose_person_it_is_goes_on(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20, seed=0), sighting(70, seed=1)], searched=True)

    tracker.carry(frame(1))
    seen = {1: sighting(68, seed=1, found=False), 2: sighting(70, seed=1, found=False)}
    people = tracker.see(seen, [], searched=False)

    assert list(people) == [2]


def test_in_doubt_the_older_of_two_collapsed_tracks_goes_on(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20, seed=0), sighting(70, seed=1)], searched=True)

    tracker.carry(frame(1))
    seen = {1: sighting(45, seed=2, found=False), 2: sighting(45, seed=2, found=False)}
    people = tracker.see(seen, [], searched=False)

    assert list(people) == [1]


def test_the_pose_decides_between_two_equally_near(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20, seed=0), sighting(60, seed=1)], searched=True)

    tracker.carry(frame(1))
    people = tracker.see({}, [sighting(40, seed=1)], searched=True)

    assert list(people) == [2]


def test_who_is_weak_and_not_found_on_a_search_is_lost_at_once(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20)], searched=True)

    tracker.carry(frame(1))
    tracker.see({1: sighting(20, support=0.4, found=False)}, [], searched=True)

    assert tracker.alive == frozenset()


def test_who_is_weak_between_searches_is_lost_after_the_patience(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20)], searched=True)

    alive = []
    for index in range(1, 20):
        tracker.carry(frame(index))
        if 1 in tracker.alive:
            tracker.see({1: sighting(20, support=0.4, found=False)}, [], searched=False)
            alive.append(index)

    assert alive == list(range(1, 14))  # 0.5 s are 12.5 frames


def test_whom_the_finder_keeps_missing_needs_twice_the_support(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20)], searched=True)

    for index in range(1, 4):
        tracker.carry(frame(index))
        tracker.see({1: sighting(20, support=1.5, found=False)}, [], searched=True)

    assert tracker.alive == frozenset()


def test_who_is_mostly_outside_the_picture_is_lost_at_once(tracker):
    for index in range(20):
        tracker.carry(frame(index))
        left = 300 + 10 * index
        if left < 390:
            tracker.see({}, [sighting(left)], searched=True)

    tracker.carry(frame(20))

    assert tracker.alive == frozenset()


def test_a_number_is_never_given_twice(tracker):
    given = []
    for index in range(0, 400, 80):  # each time after the memory has run out
        tracker.carry(frame(index))
        given += tracker.see({}, [sighting(20)], searched=True)
        for later in range(index + 1, index + 70):
            tracker.carry(frame(later))
            tracker.see({}, [], searched=True)

    assert given == [1, 2, 3, 4, 5]


def test_a_found_box_is_recognised_by_where_its_track_should_be(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20), sighting(200, seed=1)], searched=True)

    tracker.carry(frame(1))
    boxes = [sighting(205).pose.box, sighting(110).pose.box, sighting(22).pose.box]

    assert tracker.recognise(boxes) == [2, None, 1]


def test_a_stranger_who_is_whom_the_fast_net_lost_gets_the_old_number(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20)], searched=True)

    tracker.carry(frame(8))
    lost, stranger = sighting(20, support=0.2, found=False), sighting(60)
    people = tracker.see({1: lost}, [stranger], searched=True)

    assert people == {1: stranger}


def test_who_hangs_on_to_somebody_else_goes_over_to_the_found_person_nearby(tracker):
    """On a keyframe: the own carried box, where nobody is found, shows the neighbour."""
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20, seed=0), sighting(60, seed=1)], searched=True)

    tracker.carry(frame(1))
    neighbour, herself = sighting(20, seed=0), sighting(90, seed=1)
    mistaken = sighting(55, seed=2, found=False)
    people = tracker.see({}, [neighbour, herself, mistaken], searched=True)

    assert {1: neighbour, 2: herself} == people


def test_whom_the_finder_misses_goes_over_to_a_stranger_who_fits(tracker):
    """Between keyframes: the fast net sees something in the carried box, but the finder nobody."""
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20, seed=0)], searched=True)

    tracker.carry(frame(1))
    stranger = sighting(45, seed=0)
    people = tracker.see({1: sighting(20, seed=2, found=False)}, [stranger], searched=True)

    assert people == {1: stranger}


def test_whom_the_finder_misses_stays_where_nobody_new_is_near(tracker):
    tracker.carry(frame(0))
    tracker.see({}, [sighting(20, seed=0)], searched=True)

    tracker.carry(frame(1))
    missed, stranger = sighting(22, seed=0, found=False), sighting(250, seed=1)
    people = tracker.see({1: missed}, [stranger], searched=True)

    assert people == {1: missed, 2: stranger}


def test_a_restored_tracker_goes_on_exactly(tracker):
    def play(each, start, stop):
        told = []
        for index in range(start, stop):
            told += each.carry(frame(index))
            fresh = [sighting(20 + 3 * index), sighting(200 - 2 * index, seed=1)]
            told += each.see({}, fresh[: 1 + index % 3], searched=True)
        return told

    play(tracker, 0, 12)
    other = Tracker.restored(COCO_17, Tracking(), tracker.snapshot())

    assert play(tracker, 12, 40) == play(other, 12, 40)
