"""A backend on each frame, and the tracker behind it."""

import numpy as np
import pytest

from pipelines.timing import Stopwatch


def test_every_pose_is_the_backends_with_a_track(stage):
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0)))])
    truth = stage.WorldBackend(world)

    results = list(stage.every_frame(world)(world.frames(10)))

    for result in results:
        (pose,) = result.poses
        (own,) = truth.poses(result.frame.image)
        assert (pose.track, result.origins) == (1, ("backend",))
        np.testing.assert_array_equal(own.keypoints, pose.keypoints)


def test_two_who_cross_keep_their_numbers(stage):
    """At any angle, speed and frame rate; while one is covered, the backend sees one person."""
    for seed in range(40):
        world = stage.crossing(np.random.default_rng(seed))

        results = list(stage.every_frame(world, noise=0.01)(world.frames(int(4 * world.fps))))

        before = stage.who(world, results[int(world.fps / 2)])
        assert len(before) == 2
        assert min(len(result.poses) for result in results) == 1, "they should cover each other"
        assert before == stage.who(world, results[-1]), seed


@pytest.mark.parametrize("seed", range(8))
def test_people_enter_and_leave_in_any_order_and_keep_their_numbers(stage, seed):
    generator = np.random.default_rng(seed)
    walkers = []
    for place in range(6):
        comes = generator.uniform(0, 3)
        goes = comes + generator.uniform(0.3, 3)
        walkers.append(
            stage.Walker(
                stage.line((60 + 100 * place, 180), tuple(generator.uniform(-4, 4, 2))),
                phase=generator.uniform(0, 6),
                present=lambda t, comes=comes, goes=goes: comes <= t <= goes,
            )
        )
    world = stage.World(walkers, fps=float(generator.choice([10, 25, 40])))

    numbers = {}
    for result in stage.every_frame(world)(world.frames(int(6.5 * world.fps))):
        for track, walker in stage.who(world, result).items():
            numbers.setdefault(walker, set()).add(track)

    assert sorted(numbers.values(), key=min) == [{number} for number in range(1, 7)]


def test_who_returns_soon_keeps_the_number_and_who_returns_late_gets_a_new_one(stage):
    def present(seconds):
        return seconds < 1 or 2 <= seconds < 3 or seconds >= 6

    world = stage.World([stage.Walker(stage.line((150, 180), (10, 0)), present=present)])

    results = list(stage.every_frame(world)(world.frames(175)))

    tracks = {int(r.frame.seconds): r.poses[0].track for r in results if r.poses}
    assert tracks == {0: 1, 2: 1, 6: 2}


def test_who_turns_round_outside_the_picture_keeps_the_number(stage):
    def path(seconds):
        return 560 + 130 * np.sin(1.5 * seconds), 180

    world = stage.World([stage.Walker(path)])

    results = list(stage.every_frame(world)(world.frames(90)))

    assert any(not result.poses for result in results)
    assert {pose.track for result in results for pose in result.poses} == {1}
    assert results[-1].poses


def test_uneven_time_stamps_do_not_disturb_a_runner(stage):
    world = stage.World([stage.Walker(stage.line((60, 180), (150, 0)))], fps=50.0)
    kept = np.random.default_rng(1).random(150) < 0.3

    frames = [frame for frame in world.frames(150) if kept[frame.index]]
    results = list(stage.every_frame(world)(frames))

    assert all([pose.track for pose in result.poses] == [1] for result in results)


def test_a_stream_cut_anywhere_goes_on_exactly(stage):
    world = stage.crossing(np.random.default_rng(2))
    scheme = stage.every_frame(world, noise=0.02)
    whole = list(scheme(world.frames(60)))

    for cut in range(0, 60, 7):
        run = scheme.begin()
        head = [run.step(frame) for frame in world.frames(cut)]
        run = scheme.begin(run.snapshot())
        tail = [run.step(frame) for frame in world.frames(60, start=cut)]
        assert all(stage.same(a, b) for a, b in zip(whole, head + tail, strict=True))


def test_a_weak_pose_is_nobodys(stage):
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0)))])
    scheme = stage.every_frame(world)

    results = list(type(scheme)(backend=scheme.backend, weak_score=0.95)(world.frames(5)))

    assert [result.poses for result in results] == [()] * 5


def test_the_clock_hears_of_every_stage(stage):
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0)))])
    clock, scheme = Stopwatch(), stage.every_frame(world)

    list(type(scheme)(backend=scheme.backend, weak_score=0.1, clock=clock)(world.frames(5)))

    assert clock.calls == {"find": 5, "track": 5}


def test_after_forgetting_numbers_go_on(stage):
    world = stage.World([stage.Walker(stage.line((150, 180), (20, 0)))])
    run = stage.every_frame(world).begin()
    frames = list(world.frames(12))
    before = [run.step(frame) for frame in frames[:6]]

    run.forget()
    after = [run.step(frame) for frame in frames[6:]]

    assert [pose.track for pose in before[-1].poses] == [1]
    assert [pose.track for pose in after[-1].poses] == [2]
