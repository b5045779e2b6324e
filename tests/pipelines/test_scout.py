"""The first pass: who is looked at by which net on frames that need not be neighbours."""

import pytest

from pipelines.scout import Eyes, Scout
from pipelines.tracker import Tracking


@pytest.fixture
def world(stage):
    return stage.World([stage.Walker(stage.line((150, 180), (20, 0)))])


@pytest.fixture
def eyes(stage, world):
    return Eyes(
        finder=stage.WorldFinder(world),
        slow=stage.WorldNet(world),
        fast=stage.WorldNet(world, size=(28, 28), peak=0.5),
    )


def test_keyframes_are_the_slow_nets_and_others_the_fast_ones(world, eyes):
    scout = Scout(eyes, Tracking(), 8)
    sights = [
        scout.look(frame, keyframe=frame.index % 16 == 0) for frame in list(world.frames(33))[::4]
    ]

    assert [[sight.track for sight in one] for one in sights] == [[1]] * 9
    assert [one[0].is_slow for one in sights] == [at % 4 == 0 for at in range(9)]
    assert eyes.finder.frames == [0, 8, 16, 24, 32]


def test_a_box_is_where_the_track_takes_the_person_to_be(world, eyes):
    scout = Scout(eyes, Tracking(), 8)
    for frame in list(world.frames(41))[::4]:
        sights = scout.look(frame, keyframe=frame.index % 16 == 0)

    (sight,) = sights
    x, y = sight.box.center
    assert (x, y) == pytest.approx((150 + 20 * 40 / 25, 180), abs=4)


def test_a_stranger_is_read_by_the_slow_net_at_once(stage, eyes, world):
    world.walkers = [
        *world.walkers,
        stage.Walker(stage.line((400, 180), (0, 0)), present=lambda t: t > 0.2),
    ]
    scout = Scout(eyes, Tracking(), 8)
    for frame in list(world.frames(9))[::4]:
        sights = scout.look(frame, keyframe=frame.index == 0)

    assert [(sight.track, sight.is_slow) for sight in sights] == [(1, False), (2, True)]


def test_after_forgetting_numbers_go_on(world, eyes):
    scout = Scout(eyes, Tracking(), 8)
    first, second = list(world.frames(2))
    scout.look(first, keyframe=True)
    scout.forget()

    assert scout.alive == frozenset()
    assert [sight.track for sight in scout.look(second, keyframe=True)] == [2]
