"""The fast-slow stream: who is looked at by which net, and when."""

import io

import numpy as np
import pytest

from data.errors import ConfigError
from data.pose import Box
from data.skeleton import POSETRACK_17
from pipelines.fusion import create
from pipelines.keyframes import Every
from pipelines.timing import Stopwatch

FUSIONS = ["fast-only", "two-maps", "three-maps", "three-maps-light", "previous-only", "recursive"]


@pytest.fixture
def two(stage):
    """Two people who walk in no one's way."""
    return stage.World(
        [
            stage.Walker(stage.line((150, 180), (20, 0))),
            stage.Walker(stage.line((400, 180), (10, 2)), size=(48, 120), phase=1.0),
        ]
    )


def milling(stage, seed, count=5, fps=25.0):
    """People who swing about, come and go."""
    generator = np.random.default_rng(seed)
    walkers = []
    for depth in range(count):
        centre, reach = generator.uniform([100, 120], [500, 240]), generator.uniform(10, 60, 2)
        pace, phase = generator.uniform(0.7, 2.0, 2), generator.uniform(0, 6, 2)
        comes = generator.uniform(0, 2)
        goes = comes + generator.uniform(0.5, 2)

        def path(t, centre=centre, reach=reach, pace=pace, phase=phase):
            return tuple(centre + reach * np.sin(pace * t + phase))

        walkers.append(
            stage.Walker(
                path,
                phase=generator.uniform(0, 6),
                depth=depth,
                present=lambda t, comes=comes, goes=goes: comes <= t <= goes,
            )
        )
    return stage.World(walkers, fps=fps)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_everyone_is_followed_with_every_fusion(stage, two, fusion):
    results = list(stage.fast_slow(two, fusion=fusion)(two.frames(60)))

    assert [{1, 2}] * 60 == [{pose.track for pose in result.poses} for result in results]
    assert all(sorted(stage.who(two, result).values()) == [0, 1] for result in results)


def test_keyframes_answer_with_the_slow_net_and_the_frames_between_with_the_fusion(stage, two):
    results = list(stage.fast_slow(two)(two.frames(34)))

    assert [r.frame.index for r in results if r.keyframe] == [0, 16, 32]
    assert all(r.origins == ("slow",) * 2 if r.keyframe else ("fused",) * 2 for r in results)


def test_the_fast_net_alone_is_called_fast(stage, two):
    results = list(stage.fast_slow(two, fusion="fast-only")(two.frames(4)))

    assert [("slow", "slow"), *[("fast", "fast")] * 3] == [r.origins for r in results]


def test_all_people_of_a_frame_go_through_each_net_at_once(stage, two):
    slow, fast = stage.WorldNet(two), stage.WorldNet(two)

    list(stage.fast_slow(two, slow=slow, fast=fast)(two.frames(17)))

    assert slow.boxes == [2, 2]
    assert fast.boxes == [2] * 15


def test_the_fast_net_runs_on_keyframes_too_where_the_fusion_needs_the_previous(stage, two):
    fast = stage.WorldNet(two)

    list(stage.fast_slow(two, fast=fast, fusion="three-maps")(two.frames(17)))

    assert fast.boxes == [2] * 17


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_frame_is_one_call_of_each_net(stage, fusion):
    """Whatever happens: people come and go, are new between keyframes, and missed for a while."""
    calls = {}

    def counted(name, net):
        def call(*given):
            calls[name] = calls.get(name, 0) + 1
            return net(*given)

        return call

    class Net(stage.WorldNet):
        def heatmaps(self, image, boxes):
            return counted(f"{self.size}", super().heatmaps)(image, boxes)

    world = milling(stage, 5)
    merge = create(
        fusion,
        interval=16,
        resampling="smooth",
        transfer=counted("transfer", stage.leaning),
        light_transfer=counted("light", stage.leaning),
    )
    finder = stage.WorldFinder(world, misses=lambda frame: frame.index % 3 == 0)
    run = stage.fast_slow(
        world, fusion=merge, finder=finder, slow=Net(world), fast=Net(world, size=(28, 28))
    ).begin()

    seen = set()
    for frame in world.frames(80):
        calls.clear()
        run.step(frame)
        assert set(calls.values()) <= {1}, (frame.index, calls)
        seen |= set(calls)

    nets = {"fast-only": set(), "three-maps-light": {"transfer", "light"}}
    assert seen == {"(24, 32)", "(28, 28)", *nets.get(fusion, {"transfer"})}


@pytest.mark.parametrize("interval", [1, 2, 3])
def test_a_late_frame_after_the_keyframe_is_one_call_too(stage, two, interval):
    calls = []

    def transfer(current, reference):
        calls.append(len(current))
        return stage.leaning(current, reference)

    merge = create("three-maps", interval=interval, resampling="smooth", transfer=transfer)
    scheme = stage.fast_slow(two, fusion=merge, keyframes=Every(interval))

    list(scheme(two.frames(6)))

    late = [index % interval for index in range(6) if index % interval]
    assert calls == [4 if age >= interval / 2 else 2 for age in late]


def test_a_new_person_is_found_within_the_search_interval_and_seen_by_the_slow_net(stage):
    late = stage.Walker(stage.line((400, 180), (0, 0)), present=lambda t: t >= 0.99)
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0))), late])  # from frame 25 on

    results = list(stage.fast_slow(world)(world.frames(40)))

    first = next(r for r in results if len(r.poses) == 2)
    assert first.frame.index == 32
    world.fps = 24.0  # frame 24 is the first with the second person, and a search frame
    results = list(stage.fast_slow(world)(world.frames(40)))
    first = next(r for r in results if len(r.poses) == 2)
    assert (first.frame.index, first.keyframe, first.origins) == (24, False, ("fused", "slow"))


def test_the_finder_looks_on_keyframes_and_a_search_interval_after_it_last_did(stage, two):
    finder = stage.WorldFinder(two)

    list(stage.fast_slow(two, finder=finder, search_interval=6)(two.frames(33)))

    assert finder.frames == [0, 6, 12, 16, 22, 28, 32]


def test_an_empty_scene_is_searched_no_more_often_and_gives_empty_results(stage):
    world = stage.World([])
    finder = stage.WorldFinder(world)

    results = list(stage.fast_slow(world, finder=finder)(world.frames(20)))

    assert [result.poses for result in results] == [()] * 20
    assert finder.frames == [0, 8, 16]


@pytest.mark.parametrize("fps", [5, 12, 25, 60])
@pytest.mark.parametrize("fusion", ["two-maps", "recursive", "fast-only"])
def test_who_vanishes_is_dropped_within_a_second(stage, fps, fusion):
    gone = stage.Walker(stage.line((400, 180), (0, 0)), present=lambda t: t < 1.5)
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0))), gone], fps=fps)

    results = list(stage.fast_slow(world, fusion=fusion)(world.frames(int(4 * fps))))

    last = max(result.frame.seconds for result in results if len(result.poses) == 2)
    assert 1.3 < last < 2.5
    assert list(stage.who(world, results[-1]).values()) == [0]


@pytest.mark.parametrize("fps", [12, 25, 60])
def test_who_walks_out_of_the_picture_is_dropped_within_a_second(stage, fps):
    world = stage.World([stage.Walker(stage.line((500, 180), (80, 0)))], fps=fps)

    results = list(stage.fast_slow(world)(world.frames(int(4 * fps))))

    outside = next(r.frame.seconds for r in results if not world.people(r.frame.seconds))
    last = max(r.frame.seconds for r in results if r.poses)
    assert last < outside + 1


def test_a_person_whom_the_finder_misses_is_carried_through_keyframes(stage, two):
    finder = stage.WorldFinder(two, misses=lambda frame: frame.index > 0)

    results = list(stage.fast_slow(two, finder=finder)(two.frames(50)))

    first = stage.who(two, results[0])
    assert len(first) == 2
    assert all(first == stage.who(two, result) for result in results)


@pytest.mark.parametrize("fps", [10, 25, 50])
def test_boxes_follow_a_dancer_between_keyframes_without_drift(stage, fps):
    def path(t):
        return 300 + 60 * np.sin(3 * t), 180 + 15 * np.sin(6 * t)

    world = stage.World([stage.Walker(path)], fps=fps)
    finder = stage.WorldFinder(world, jitter=0.02, misses=lambda frame: frame.index > 5 * fps / 2)

    results = list(stage.fast_slow(world, finder=finder)(world.frames(6 * fps)))

    for result in results:
        truth = world.walkers[0].box(result.frame.seconds)
        (pose,) = result.poses
        assert abs(pose.box.center[0] - truth.center[0]) < 0.2 * truth.height
        assert abs(pose.box.center[1] - truth.center[1]) < 0.2 * truth.height
        assert 0.7 < pose.box.height / truth.height < 1.4


def test_two_boxes_on_one_person_make_one_track(stage, two):
    class Doubling(stage.WorldFinder):
        def find(self, frame):
            boxes = super().find(frame)
            half = [Box(b.left, b.top, b.right, b.top + 0.75 * b.height, 0.8) for b in boxes]
            return [*half, *boxes]

    results = list(stage.fast_slow(two, finder=Doubling(two))(two.frames(40)))

    assert all(len(result.poses) == 2 for result in results)


def test_a_found_box_without_a_person_is_not_born(stage, two):
    class Seeing(stage.WorldFinder):
        def find(self, frame):
            return [*super().find(frame), Box(500, 20, 540, 120)]

    results = list(stage.fast_slow(two, finder=Seeing(two))(two.frames(40)))

    assert all({1, 2} == {pose.track for pose in result.poses} for result in results)


def test_two_who_cross_keep_their_numbers(stage):
    for seed in range(12):
        world = stage.crossing(np.random.default_rng(seed))
        finder = stage.WorldFinder(world, jitter=0.02)

        scheme = stage.fast_slow(world, finder=finder, fusion="fast-only")
        results = list(scheme(world.frames(int(4 * world.fps))))

        before = stage.who(world, results[int(world.fps / 2)])
        assert len(before) == 2
        assert before == stage.who(world, results[-1]), seed


@pytest.mark.parametrize("fusion", ["two-maps", "three-maps", "recursive"])
def test_a_stream_cut_anywhere_goes_on_exactly(stage, fusion):
    generator = np.random.default_rng(3)
    for seed in range(3):
        world = milling(stage, seed)
        scheme = stage.fast_slow(world, fusion=fusion, finder=stage.WorldFinder(world, jitter=0.02))
        whole = list(scheme(world.frames(70)))

        run, pieces = scheme.begin(), []
        for frame in world.frames(70):
            if generator.random() < 0.3:
                run = scheme.begin(stored(run.snapshot()))
            pieces.append(run.step(frame))

        assert any(result.poses for result in whole)
        assert all(stage.same(a, b) for a, b in zip(whole, pieces, strict=True))


def stored(snapshot):
    """The snapshot after a stay on disk."""
    file = io.BytesIO()
    np.savez(file, **snapshot)
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return dict(arrays)


def test_a_second_call_gives_identical_results(stage):
    world = milling(stage, 7)
    scheme = stage.fast_slow(world)

    first, second = list(scheme(world.frames(50))), list(scheme(world.frames(50)))

    assert all(stage.same(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("batch", [1, 2])
def test_the_batch_size_of_the_nets_does_not_matter(stage, batch):
    world = milling(stage, 8)
    whole = stage.fast_slow(world, fusion="three-maps")
    split = stage.fast_slow(
        world,
        fusion="three-maps",
        slow=stage.WorldNet(world, batch=batch),
        fast=stage.WorldNet(world, size=(28, 28), peak=0.5, batch=batch),
    )

    pairs = zip(whole(world.frames(50)), split(world.frames(50)), strict=True)

    assert all(stage.same(a, b) for a, b in pairs)


def test_memory_does_not_outlive_the_tracks(stage):
    gone = stage.Walker(stage.line((400, 180), (0, 0)), present=lambda t: t < 0.5)
    world = stage.World([gone])
    run = stage.fast_slow(world).begin()

    for frame in world.frames(100):
        run.step(frame)

    assert 0 == len(run.snapshot()["memory.indices"]) == len(run.snapshot()["tracker.flags"])


def test_the_clock_hears_of_every_stage(stage, two):
    clock = Stopwatch()

    list(stage.fast_slow(two, clock=clock)(two.frames(16)))

    assert {"find", "slow", "fast", "fuse", "decode", "track"} == set(clock.seconds)
    assert tuple(clock.calls[stage] for stage in ("find", "slow", "fast")) == (2, 1, 15)


def test_nets_of_two_skeletons_are_refused(stage, two):
    with pytest.raises(ConfigError, match=r"coco-17.*posetrack-17"):
        stage.fast_slow(two, fast=stage.WorldNet(two, skeleton=POSETRACK_17))


def test_a_search_interval_of_nothing_is_refused(stage, two):
    with pytest.raises(ConfigError, match="at least 1"):
        stage.fast_slow(two, search_interval=0)


def test_after_forgetting_the_next_frame_is_like_a_first_one_but_numbers_go_on(stage, two):
    run = stage.fast_slow(two).begin()
    frames = list(two.frames(30))
    before = [run.step(frame) for frame in frames[:21]]

    run.forget()
    after = [run.step(frame) for frame in frames[21:]]

    assert {pose.track for pose in before[-1].poses} == {1, 2}
    assert after[0].keyframe
    assert set(after[0].origins) == {"slow"}
    assert [{pose.track for pose in result.poses} for result in after] == [{3, 4}] * 9


def test_where_keyframes_are_dropped_the_next_frames_take_their_turn(stage, two):
    results = list(stage.fast_slow(two)(frame for frame in two.frames(100) if frame.index % 5 == 1))

    keyframes = [result.frame.index for result in results if result.keyframe]

    assert keyframes == [1, 16, 36, 51, 66, 81, 96]
    assert all({pose.track for pose in result.poses} == {1, 2} for result in results)
