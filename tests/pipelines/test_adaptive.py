"""The fast-slow stream with keyframes per person: carried people, cuts, budgets, and resuming."""

import io

import numpy as np
import pytest

from data.frame import Frame
from pipelines.budget import Budget
from pipelines.fusion import create
from pipelines.keyframes import First
from pipelines.schedule import Adaptive

SLOW, FAST = 1.4, 0.5


@pytest.fixture
def two(stage):
    """Two people who walk in no one's way."""
    return stage.World(
        [
            stage.Walker(stage.line((150, 180), (20, 0))),
            stage.Walker(stage.line((400, 180), (10, 2)), size=(48, 120), phase=1.0),
        ]
    )


@pytest.fixture
def scheme(stage):
    """The scheme with keyframes per person; `settings` are those of `Adaptive`."""

    def make(world, settings=None, **changes):
        own = Adaptive(**(settings or {}))
        return stage.fast_slow(world, **{"keyframes": First(), "adaptive": own, **changes})

    return make


def crowd(stage, seed, count=5):
    """People who swing about, come and go."""
    random = np.random.default_rng(seed)
    walkers = []
    for depth in range(count):
        centre, reach = random.uniform([100, 120], [500, 240]), random.uniform(0, 50, 2)
        pace, comes = random.uniform(0.7, 2.0, 2), random.uniform(0, 1.5)

        def path(t, centre=centre, reach=reach, pace=pace):
            return tuple(centre + reach * np.sin(pace * t))

        there = {"present": lambda t, comes=comes: comes <= t <= comes + 1.5}
        walkers.append(stage.Walker(path, phase=random.uniform(0, 6), depth=depth, **there))
    return stage.World(walkers)


def shots(world, lengths):
    """The world's frames on another background in each shot of so many frames."""
    index = 0
    for shot, length in enumerate(lengths):
        blots = np.random.default_rng(shot).integers(0, 256, (9, 16, 3))
        image = np.kron(blots, np.ones((40, 40, 1))).astype(np.uint8)
        for _ in range(length):
            (plain,) = world.frames(index + 1, index)
            image[0, 0] = plain.image[0, 0]
            yield Frame(index, plain.seconds, image.copy(), str(index))
            index += 1


@pytest.mark.parametrize("fusion", ["fast-only", "two-maps", "three-maps", "recursive"])
def test_everyone_is_followed_and_shown_on_every_frame(stage, two, scheme, fusion):
    results = list(scheme(two, fusion=fusion)(two.frames(120)))

    assert [{1, 2}] * 120 == [{pose.track for pose in result.poses} for result in results]
    assert all(sorted(stage.who(two, result).values()) == [0, 1] for result in results)


def test_who_hardly_moves_within_the_box_is_carried_between(stage, two, scheme):
    fast = stage.WorldNet(two)

    results = list(scheme(two, fast=fast)(two.frames(200)))

    origins = [origin for result in results for origin in result.origins]
    assert {"slow", "fused", "fast", "carried"} == set(origins)
    assert origins.count("carried") > 0.4 * len(origins)
    assert sum(fast.boxes) == origins.count("fused") + origins.count("fast")


def test_results_name_people_in_order_whoever_is_carried(stage, two, scheme):
    for result in scheme(two)(two.frames(60)):
        assert [pose.track for pose in result.poses] == [1, 2]


def test_a_keyframe_is_a_frame_on_which_the_slow_net_reads_somebody_known(stage, two, scheme):
    results = list(scheme(two)(two.frames(120)))

    assert all(result.keyframe == ("slow" in result.origins) for result in results)
    assert 3 <= sum(result.keyframe for result in results) <= 40


def test_after_the_first_frame_keyframes_are_read_one_by_one(stage, two, scheme):
    slow = stage.WorldNet(two)

    list(scheme(two, slow=slow)(two.frames(150)))

    assert slow.boxes[0] == 2
    assert set(slow.boxes[1:]) == {1}


@pytest.fixture
def noted(stage):
    """The fusion two-maps, and how many maps each call of its transfer net carried."""
    calls = []

    def transfer(current, reference):
        calls.append(len(current))
        return stage.leaning(current, reference)

    return create("two-maps", interval=16, resampling="smooth", transfer=transfer), calls


def test_a_frame_is_one_call_of_each_net(stage, scheme, noted):
    world = crowd(stage, 3)
    merge, calls = noted
    slow, fast = stage.WorldNet(world), stage.WorldNet(world, size=(28, 28))
    run = scheme(world, fusion=merge, slow=slow, fast=fast).begin()

    for frame in world.frames(80):
        before = len(slow.boxes), len(fast.boxes), len(calls)
        run.step(frame)
        after = len(slow.boxes), len(fast.boxes), len(calls)
        assert all(b - a <= 1 for a, b in zip(before, after, strict=True))
    assert calls


def test_nobody_s_keyframe_is_carried_for_an_answer_of_the_fast_net_alone(stage, scheme, noted):
    world = crowd(stage, 3)
    merge, carried = noted
    fast = stage.WorldNet(world, size=(28, 28))
    frames = list(world.frames(80))

    alone = 0
    run = scheme(world, fusion=merge, fast=fast).begin()
    for frame in frames:
        read, moved = sum(fast.boxes), sum(carried)
        result = run.step(frame)
        read, moved = sum(fast.boxes) - read, sum(carried) - moved
        assert moved >= result.origins.count("fused")
        assert read - moved >= result.origins.count("fast")
        alone += result.origins.count("fast")
    assert alone > 10


def test_who_vanishes_is_dropped_within_a_second(stage, scheme):
    gone = stage.Walker(stage.line((400, 180), (0, 0)), present=lambda t: t < 1.5)
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0))), gone])

    results = list(scheme(world)(world.frames(100)))

    last = max(result.frame.seconds for result in results if len(result.poses) == 2)
    assert 1.3 < last < 2.5


@pytest.mark.parametrize("fusion", ["two-maps", "three-maps", "recursive"])
@pytest.mark.parametrize("budget", [None, Budget(0.3, SLOW, FAST)])
def test_a_stream_cut_anywhere_goes_on_exactly(stage, scheme, fusion, budget):
    random = np.random.default_rng(4)
    for seed in range(2):
        world = crowd(stage, seed)
        finder = stage.WorldFinder(world, jitter=0.02)
        own = scheme(world, {"budget": budget}, fusion=fusion, finder=finder)
        frames = list(shots(world, [30, 3, 30]))
        whole = list(own(frames))

        run, pieces = own.begin(), []
        for frame in frames:
            if random.random() < 0.4:
                run = own.begin(stored(run.snapshot()))
            pieces.append(run.step(frame))

        assert any("carried" in result.origins for result in whole)
        assert all(stage.same(a, b) for a, b in zip(whole, pieces, strict=True))


def stored(snapshot):
    """The snapshot after a stay on disk."""
    file = io.BytesIO()
    np.savez(file, **snapshot)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def test_at_a_cut_everyone_is_forgotten_searched_for_and_read_by_the_slow_net(stage, two, scheme):
    finder = stage.WorldFinder(two)

    results = list(scheme(two, finder=finder)(shots(two, [21, 30])))

    assert finder.frames[:5] == [0, 8, 16, 21, 29]
    assert results[21].origins == ("slow", "slow")
    assert results[21].keyframe
    assert {pose.track for pose in results[20].poses} == {1, 2}
    assert {pose.track for pose in results[21].poses} == {3, 4}


def test_cuts_on_every_frame_cost_no_more_than_one_in_eight(stage, two, scheme):
    finder, slow = stage.WorldFinder(two), stage.WorldNet(two)

    results = list(scheme(two, finder=finder, slow=slow)(shots(two, [1] * 80)))

    assert len(results) == 80
    assert len(finder.frames) <= 11
    assert sum(slow.boxes) <= 2 * 11 + 4


@pytest.mark.parametrize("gmacs", [0.2, 0.35])
def test_a_budget_is_kept_over_a_run(stage, two, scheme, gmacs):
    slow, fast = stage.WorldNet(two), stage.WorldNet(two)
    own = scheme(two, {"budget": Budget(gmacs, SLOW, FAST)}, slow=slow, fast=fast)

    results = list(own(two.frames(250)))

    cost = SLOW * sum(slow.boxes) + FAST * sum(fast.boxes)
    assert cost / sum(len(result.poses) for result in results) < 1.02 * gmacs


def test_memory_does_not_outlive_the_tracks(stage, scheme):
    gone = stage.Walker(stage.line((400, 180), (0, 0)), present=lambda t: t < 0.5)
    world = stage.World([gone])
    run = scheme(world).begin()

    for frame in world.frames(100):
        run.step(frame)

    assert 0 == len(run.snapshot()["memory.indices"]) == len(run.snapshot()["schedule.known.whole"])
