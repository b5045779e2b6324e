"""Two passes over a file: one result per frame in order, bounded memory, cuts, and going on."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from data.errors import ConfigError
from data.frame import Frame
from data.skeleton import POSETRACK_17
from pipelines.keyframes import Every
from pipelines.look_ahead import LookAhead
from pipelines.smoothing import Smoothing
from pipelines.spans import Rhythm
from pipelines.stitch import Joining
from pipelines.timing import Stopwatch
from pipelines.two_pass import Beside


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
def thread():
    """One for the second pass."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


def saved(snapshot):
    """What a file would give back."""
    file = io.BytesIO()
    np.savez(file, **snapshot)
    file.seek(0)
    return dict(np.load(file))


def error(stage, world, results):
    """The mean distance of keypoints from the truth, in pixels."""
    far = []
    for result in results:
        for pose in result.poses:
            walker = world.walkers[stage.who(world, result)[pose.track]]
            far.append(np.abs(pose.keypoints - walker.keypoints(result.frame.seconds)).mean())
    return np.mean(far)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 16, 17, 18, 33, 60])
def test_every_frame_has_its_result_in_order(stage, two, count):
    results = list(stage.two_pass(two)(two.frames(count)))

    assert [result.frame.index for result in results] == list(range(count))
    assert [{1, 2}] * count == [{pose.track for pose in result.poses} for result in results]
    assert [r.frame.index for r in results if r.keyframe] == sorted(
        {*range(0, count, 16), *([count - 1] if count else [])}
    )


def test_people_are_where_they_are_on_frames_that_nobody_read(stage, two):
    results = list(stage.two_pass(two)(two.frames(80)))
    origins = [origin for result in results for origin in result.origins]

    assert origins.count("between") > 20
    assert error(stage, two, results) < 1.5


def test_a_tolerance_of_nothing_reads_every_frame(stage, two):
    results = list(stage.two_pass(two, rhythm=Rhythm(tolerance=0.0))(two.frames(40)))

    assert not [o for result in results for o in result.origins if o == "between"]


def test_who_moves_more_is_read_more(stage):
    def read(swing):
        path = lambda t: (300 + swing * np.sin(9 * t), 180)  # noqa: E731
        world = stage.World([stage.Walker(path)])
        fast = stage.WorldNet(world, size=(28, 28), peak=0.5)
        list(stage.two_pass(world, fast=fast)(world.frames(80)))
        return sum(fast.boxes)

    assert read(0) < read(40)


def test_frames_are_held_for_two_spans_at_most(stage, two):
    run = stage.two_pass(two).begin()
    held = []
    for frame in two.frames(200):
        run.feed(frame)
        held.append(run.held)

    assert max(held) <= 32
    assert len(run.finish()) == held[-1]


def test_what_is_remembered_does_not_grow(stage, two):
    run = stage.two_pass(two).begin()
    sizes = []
    for frame in two.frames(400):
        if run.feed(frame):
            sizes.append(sum(array.nbytes for array in run.snapshot().values()))

    assert max(sizes[10:]) <= max(sizes[:10]) * 1.1


ORDERS = pytest.mark.parametrize(
    "order", [(False, False), (True, True), (True, False), (False, True)]
)
"""Whether the run that stops, and the one that goes on, has a thread for the second pass."""


def gone_on(scheme, frames, stop, order, thread):
    """The results of a run that stops before the frame `stop`, and of one that goes on."""
    before, after = (replace(scheme, beside=Beside(thread)) if own else scheme for own in order)
    first = before.begin()
    results = [result for frame in frames[:stop] for result in first.feed(frame)]
    second = after.begin(saved(first.snapshot()))
    for frame in frames[len(results) :]:
        results += second.feed(frame)
    return results + list(second.finish())


@ORDERS
@pytest.mark.parametrize("stop", [1, 17, 30, 33, 64, 65, 90, 110])
def test_a_run_that_goes_on_says_what_an_uninterrupted_one_says(stage, thread, stop, order):
    world = stage.crossing(np.random.default_rng(3))
    scheme, frames = stage.two_pass(world), list(world.frames(120))
    whole, results = list(scheme(frames)), gone_on(scheme, frames, stop, order, thread)

    assert len(results) == 120
    assert all(stage.same(one, other) for one, other in zip(whole, results, strict=True))


def cut_at(frames, at):
    """The frames with another backdrop from a frame on."""
    for frame in frames:
        image = np.array(frame.image)
        ramp = np.linspace(0, 255, image.shape[1], dtype=np.uint8)[None, :, None]
        own = image[0, 0].copy()
        image[:] = ramp if frame.index < at else ramp[:, ::-1]
        image[0, 0] = own
        yield Frame(frame.index, frame.seconds, image, frame.name)


@pytest.mark.parametrize("at", [1, 16, 21, 39])
def test_a_cut_ends_everyone_and_begins_anew(stage, two, at):
    results = list(stage.two_pass(two)(cut_at(two.frames(40), at)))

    assert [result.frame.index for result in results] == list(range(40))
    assert {pose.track for r in results[:at] for pose in r.poses} == {1, 2}
    assert {pose.track for r in results[at:] for pose in r.poses} == {3, 4}
    assert results[at - 1].keyframe
    assert results[at].keyframe


@ORDERS
def test_a_run_goes_on_after_a_cut(stage, two, thread, order):
    scheme, frames = stage.two_pass(two), list(cut_at(two.frames(60), 21))
    whole, results = list(scheme(frames)), gone_on(scheme, frames, 22, order, thread)

    assert len(results) == 60
    assert all(stage.same(one, other) for one, other in zip(whole, results, strict=True))


def test_a_cut_on_every_frame_ends_well(stage, two):
    def flicker(frames):
        for frame in frames:
            (only,) = cut_at([frame], 999 if frame.index % 2 else 0)
            yield only

    results = list(stage.two_pass(two)(flicker(two.frames(12))))

    assert [result.frame.index for result in results] == list(range(12))
    assert all(result.keyframe and len(result.poses) == 2 for result in results)


def test_nobody_is_no_trouble(stage):
    world = stage.World([])
    results = list(stage.two_pass(world)(world.frames(40)))

    assert [result.poses for result in results] == [()] * 40


def test_who_comes_between_two_searches_is_followed_back(stage):
    walker = stage.Walker(stage.line((300, 180), (20, 0)), present=lambda t: t >= 18 / 25)
    world = stage.World([walker])
    results = list(stage.two_pass(world)(world.frames(50)))
    shown = [result.frame.index for result in results if result.poses]

    assert shown[0] in (18, 19)
    assert shown == list(range(shown[0], 50))


def test_who_leaves_between_two_searches_is_not_shown_on(stage):
    walker = stage.Walker(stage.line((300, 180), (20, 0)), present=lambda t: t < 21 / 25)
    world = stage.World([walker])
    results = list(stage.two_pass(world)(world.frames(50)))
    shown = [result.frame.index for result in results if result.poses]

    assert shown == list(range(shown[-1] + 1))
    assert shown[-1] in (18, 19, 20)


def test_who_crosses_from_span_to_span_keeps_the_number(stage):
    world = stage.World([stage.Walker(stage.line((100, 180), (150, 0)))])
    results = list(stage.two_pass(world)(world.frames(75)))

    assert {pose.track for result in results for pose in result.poses} == {1}
    assert error(stage, world, results) < 2


def test_who_comes_back_after_the_tracker_gave_up_goes_on_with_the_number(stage):
    walker = stage.Walker(stage.line((300, 180), (0, 0)), present=lambda t: not 2 < t < 4.9)
    world = stage.World([walker, stage.Walker(stage.line((500, 180), (0, 0)), phase=2.0)])
    results = list(stage.two_pass(world)(world.frames(175)))
    alone = stage.two_pass(world, joining=Joining(gap=0.0))(world.frames(175))

    assert len(results[90].poses) == 1
    assert stage.who(world, results[20]) == stage.who(world, results[150])
    assert {pose.track for result in results for pose in result.poses} == {1, 2}
    assert {pose.track for result in alone for pose in result.poses} == {1, 2, 3}


def test_numbers_hold_where_two_people_pass_each_other(stage):
    for seed in range(3):
        world = stage.crossing(np.random.default_rng(seed))
        results = list(stage.two_pass(world)(world.frames(int(4 * world.fps))))
        known = [stage.who(world, result) for result in results]
        both = [people for people in known if len(people) == 2]

        assert len(both) > len(results) / 2
        assert all(people == both[0] for people in both)


def test_raw_places_stand_beside_the_smoothed_ones(stage, two):
    results = list(stage.two_pass(two)(two.frames(40)))

    for result in results:
        assert len(result.raw) == len(result.poses)
        for raw, origin in zip(result.raw, result.origins, strict=True):
            assert (raw is None) == (origin == "between")


def test_without_smoothing_the_answer_is_what_was_read(stage, two):
    smoothing = Smoothing(cutoff=None)
    results = list(stage.two_pass(two, smoothing=smoothing)(two.frames(40)))

    for result in results:
        for pose, raw in zip(result.poses, result.raw, strict=True):
            assert raw is None or np.abs(raw - pose.keypoints).max() < 0.05


def test_stages_are_told_to_the_clock(stage, two):
    watch = Stopwatch()
    list(stage.two_pass(two, clock=watch)(two.frames(40)))

    assert set(watch.seconds) == {"find", "slow", "fast", "fuse", "decode", "track", "settle"}


@pytest.mark.parametrize("count", [0, 1, 16, 17, 33, 90])
def test_a_thread_for_the_second_pass_changes_nothing(stage, thread, count):
    world = stage.crossing(np.random.default_rng(3))
    plain = list(stage.two_pass(world)(cut_at(world.frames(count), 41)))
    beside = stage.two_pass(world, beside=Beside(thread))
    early = list(beside(cut_at(world.frames(count), 41)))

    assert len(early) == len(plain) == count
    assert all(stage.same(one, other) for one, other in zip(plain, early, strict=True))
    assert [one.keyframe for one in early] == [one.keyframe for one in plain]


def test_a_span_is_read_while_the_next_one_is_looked_at(stage, two, thread):
    looked, main = threading.Event(), threading.current_thread()
    carried = []

    class Finder(stage.WorldFinder):
        def find(self, frame):
            if frame.index == 24:
                looked.set()
            return super().find(frame)

    def transfer(current, reference):
        assert threading.current_thread() is not main
        if not carried:  # the span from frame 1 to 16
            assert looked.wait(20)
        carried.append(len(current))
        return stage.leaning(current, reference)

    scheme = stage.two_pass(two, transfer=transfer, beside=Beside(thread))
    eyes = replace(scheme.eyes, finder=Finder(two))
    results = list(replace(scheme, eyes=eyes)(two.frames(60)))

    assert len(results) == 60
    assert len(carried) > 1


def test_a_snapshot_does_not_wait_for_the_second_pass(stage, two, thread):
    taken = threading.Event()

    def transfer(current, reference):
        assert taken.wait(20)
        return stage.leaning(current, reference)

    run = stage.two_pass(two, transfer=transfer, beside=Beside(thread)).begin()
    for frame in two.frames(17):
        run.feed(frame)
    snapshot = run.snapshot()
    taken.set()

    assert snapshot["read"].tolist() == [0]
    assert len(run.finish()) == 17


def test_with_a_thread_frames_are_held_for_a_span_more(stage, two, thread):
    scheme = stage.two_pass(two, beside=Beside(thread))
    run = scheme.begin()
    held = []
    for frame in two.frames(200):
        run.feed(frame)
        held.append(run.held)

    assert 32 < max(held) <= scheme.most_held == 48
    assert len(run.finish()) == held[-1]


def test_an_error_of_the_second_pass_is_raised_as_itself(stage, two, thread):
    def transfer(current, reference):
        raise ConfigError("no transfer today")

    results = stage.two_pass(two, transfer=transfer, beside=Beside(thread))(two.frames(60))
    with pytest.raises(ConfigError, match="no transfer today"):
        list(results)


def test_stages_of_the_second_pass_are_told_to_its_own_clock(stage, two, thread):
    watch, second = Stopwatch(), Stopwatch()
    scheme = stage.two_pass(
        two, clock=watch, beside=Beside(thread, second), rhythm=Rhythm(tolerance=0.0)
    )
    list(scheme(two.frames(40)))

    assert set(second.seconds) == {"fast", "fuse", "decode"}
    assert set(watch.seconds) == {"find", "slow", "fast", "decode", "track", "between", "settle"}


def test_networks_of_two_families_are_refused(stage, two):
    fast = replace(stage.WorldNet(two), skeleton=POSETRACK_17)

    with pytest.raises(ConfigError, match="one family"):
        stage.two_pass(two, fast=fast)


def test_a_finder_that_looks_ahead_changes_nothing(stage, two):
    scheme = stage.two_pass(two)
    plain = list(scheme(two.frames(50)))
    finder = stage.WorldFinder(two)
    with LookAhead(finder, Every(16), 8) as ahead:
        eyes = replace(scheme.eyes, finder=ahead)
        early = list(replace(scheme, eyes=eyes)(ahead.passing(two.frames(50))))

    assert all(stage.same(one, other) for one, other in zip(plain, early, strict=True))
    assert sorted(finder.frames) == [0, 8, 16, 24, 32, 40, 48, 49]
