"""Whose turn it is: evidence asks, limits and budgets bound."""

import numpy as np
import pytest

from data.errors import ConfigError
from data.frame import Frame
from data.pose import Box, Pose
from pipelines.budget import Budget
from pipelines.schedule import Adaptive, Schedule
from pipelines.tracker import Tracked

IMAGE = np.random.default_rng(1).integers(0, 256, (360, 640, 3)).astype(np.uint8)


def frame(index):
    return Frame(index, index / 25, IMAGE, str(index))


def person(number):
    left = 60.0 * number
    return Tracked(number, Box(left, 100, left + 40, 200))


def pose(tracked, shift=0.0, score=0.9):
    points = np.random.default_rng(2).uniform(0, 40, (17, 2))
    points += np.array([tracked.box.left + shift, 120])
    return Pose(points.astype(np.float32), np.full(17, score, np.float32), tracked.box, score)


def run(settings, people, frames, *, shift=lambda n, i: 0.0, apart=lambda n, i: 0.0, every=None):
    """The turns of each frame, where everyone of 1..people is there from frame 0 on.

    `shift` moves an answer, `apart` moves the fast net's own away from it.
    """
    schedule, crowd, told = Schedule(settings), [person(n + 1) for n in range(people)], []
    for tracked in crowd:
        schedule.learn(frame(0), tracked, pose(tracked), None, key=True)
    for index in range(1, frames):
        now = frame(index)
        searched = every is not None and index % every == 0
        turns = schedule.turns(now, crowd, searched=searched, fresh=0)
        for tracked in crowd:
            turn = turns[tracked.track]
            if turn == "carried":
                continue
            answer = pose(tracked, shift(tracked.track, index))
            own = pose(tracked, shift(tracked.track, index) + apart(tracked.track, index))
            measured = own if turn == "fused" else None
            schedule.learn(now, tracked, answer, measured, key=turn == "slow")
        told.append(turns)
    return told


def share(told, turn, track=None):
    """How many of all turns are this one."""
    turns = [t for frame in told for n, t in frame.items() if track in (None, n)]
    return turns.count(turn) / len(turns)


def swing(number, index):
    return float(np.random.default_rng([number, index]).uniform(0, 20))


def sway(number, index):
    return swing(number, index) / 8


def test_who_does_not_move_is_carried_and_never_longer_than_allowed():
    told = run(Adaptive(skip=3), 1, 80)

    row = "".join(turns[1][0] for turns in told)
    assert share(told, "carried") > 0.6
    assert "ccc" in row
    assert "cccc" not in row


def test_who_moves_is_read_on_every_frame():
    assert share(run(Adaptive(), 2, 60, shift=swing), "carried") < 0.05


def test_whose_limbs_move_quickly_is_answered_by_the_fast_net_alone():
    def moves(number, index):
        return (swing if number == 1 else sway)(number, index)

    told = run(Adaptive(), 2, 100, shift=moves)

    assert share(told[8:], "fast", 1) > 0.8
    assert share(told, "fused", 2) > 0.2
    assert share(told[8:], "fast", 2) == share(told[8:], "fused", 1) == 0


def test_with_nothing_to_skip_everyone_is_read():
    assert share(run(Adaptive(skip=0), 3, 60), "carried") == 0


def test_a_keyframe_comes_at_the_latest_after_the_longest_time():
    told = run(Adaptive(longest=20), 1, 101)

    keys = [index + 1 for index, turns in enumerate(told) if turns[1] == "slow"]
    assert keys == [20, 40, 60, 80, 100]


def test_disagreement_brings_keyframes_forward():
    def apart(number, index):
        return 6.0 if number == 1 else 0.0

    told = run(Adaptive(), 2, 100, shift=sway, apart=apart)

    assert share(told, "slow", 1) > 2 * share(told, "slow", 2)


@pytest.mark.parametrize(("people", "most"), [(5, 1), (8, 1), (9, 2)])
def test_keyframes_of_people_are_staggered(people, most):
    told = run(Adaptive(longest=16), people, 120)

    slow = [list(turns.values()).count("slow") for turns in told]
    assert max(slow) == most
    assert all(share(told, "slow", n + 1) >= 1 / 24 for n in range(people))


def test_on_a_search_everyone_is_read():
    told = run(Adaptive(), 3, 60, every=8)

    assert all("carried" not in turns.values() for turns in told[7::8])


def test_who_is_read_in_vain_is_read_again():
    schedule = Schedule(Adaptive())
    for index in range(20):
        schedule.learn(frame(index), person(1), pose(person(1)), None, key=True)
    schedule.keep(set())

    assert schedule.turns(frame(20), [person(1)], searched=False, fresh=0) == {1: "fused"}


@pytest.mark.parametrize("gmacs", [0.2, 0.3, 0.45])
def test_a_budget_bounds_what_restless_people_cost(gmacs):
    budget = Budget(gmacs, slow=1.4, fast=0.5)

    told = run(Adaptive(budget=budget), 4, 400, shift=swing, apart=swing)

    cost = 1.4 * share(told, "slow") + 0.5 * (share(told, "fused") + share(told, "fast"))
    assert 0.8 * gmacs < cost < 1.03 * gmacs
    assert all(share(told, "slow", n) > 0 for n in (1, 2, 3, 4))


@pytest.mark.parametrize("merging", [0.0, 0.2])
def test_what_merging_would_have_cost_is_spent_on_more_readings_by_the_fast_net(merging):
    budget = Budget(0.3, slow=1.4, fast=0.5, merging=merging)

    told = run(Adaptive(budget=budget), 4, 400, shift=swing, apart=swing)

    assert share(told, "fast") > 0.3  # who swings so moves too quickly to be merged
    cost = 1.4 * share(told, "slow") + 0.5 * share(told, "fused")
    cost += (0.5 - merging) * share(told, "fast")
    assert 0.24 < cost < 0.31


def test_a_budget_that_cannot_be_met_is_refused_with_the_least():
    with pytest.raises(ConfigError, match=r"0\.05 GMAC .* the least is 0\.167\.$"):
        Adaptive(budget=Budget(0.05, slow=1.4, fast=0.5))


@pytest.mark.parametrize("settings", [{"longest": 0}, {"skip": -1}])
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ConfigError, match="at least 1"):
        Adaptive(**settings)


def test_people_whose_boxes_overlap_may_be_mixed_up_where_no_budget_is_to_be_kept():
    beside, behind = person(4), Tracked(7, Box(70, 110, 110, 210))
    crowd = [person(1), behind, beside]

    assert Schedule(Adaptive()).mixed(crowd) == {1, 7}
    assert Schedule(Adaptive(budget=Budget(0.3, 1.4, 0.5))).mixed(crowd) == set()
    assert Schedule(Adaptive()).mixed([]) == set()
