"""The One-Euro filter of streams: still where people rest, near where they move, resumable."""

import io

import numpy as np
import pytest

from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.skeleton import COCO_17
from pipelines.one_euro import OneEuro, Smoothed

IMAGE = np.zeros((2, 2, 3), np.uint8)


class Told:
    """A pipeline that says what it was told, frame by frame: a pose's offset, by track."""

    skeleton = COCO_17

    def __init__(self, offsets):
        self.offsets = offsets

    def begin(self, snapshot=None):
        return self

    def step(self, frame):
        poses = [self.pose(track, x) for track, x in self.offsets[frame.index].items()]
        return FrameResult(frame, tuple(poses), False, ("fast",) * len(poses))

    def snapshot(self):
        return {}

    def forget(self):
        pass

    @staticmethod
    def pose(track, x):
        scores = np.full(17, 0.9, np.float32)
        return Pose(
            np.full((17, 2), x, np.float32), scores, Box(0, 0, 100, 100), 0.9, track or None
        )


def frames(count, fps=25.0):
    return [Frame(i, i / fps, IMAGE, str(i)) for i in range(count)]


def followed(offsets, rule=None, fps=25.0):
    """What becomes of the first keypoint of track 1."""
    told = [{1: x} for x in offsets]
    results = Smoothed(pipeline=Told(told), rule=rule or OneEuro())(frames(len(told), fps))
    return np.array([result.poses[0].keypoints[0, 0] for result in results])


def test_who_rests_is_held_still():
    noise = np.random.default_rng(0).normal(0, 1, 200)
    answer = followed(100 + noise)

    assert answer[20:].std() < 0.75 * noise.std()
    assert abs(answer[20:].mean() - 100) < 0.3


def test_who_moves_quickly_is_followed_nearer_than_by_a_fixed_cutoff():
    path = 400.0 * np.arange(40) / 25  # four box sizes a second
    late = (path - followed(path))[-1]
    fixed = (path - followed(path, OneEuro(beta=0.0)))[-1]

    assert 0 < late < fixed / 5


def test_the_first_frame_and_the_first_after_a_long_absence_are_as_they_were_read():
    told = [{1: 5.0}, *[{}] * 20, {1: 90.0}]
    results = list(Smoothed(pipeline=Told(told))(frames(22)))

    assert results[0].poses[0].keypoints[0, 0] == 5
    assert results[-1].poses[0].keypoints[0, 0] == 90


def test_the_frame_rate_does_not_matter_to_what_is_slow():
    slow, fast = followed(2 * np.arange(25) / 25), followed(2 * np.arange(100) / 100, fps=100.0)

    assert slow[-1] == pytest.approx(fast[-1], abs=0.15)


def test_what_was_read_is_kept():
    (_, second) = Smoothed(pipeline=Told([{1: 0.0}, {1: 50.0}]))(frames(2))

    assert second.raw[0][0, 0] == 50
    assert second.poses[0].keypoints[0, 0] < 50


def test_people_do_not_mix():
    told = [{1: 10.0, 2: 90.0}] * 10
    results = list(Smoothed(pipeline=Told(told))(frames(10)))

    assert [pose.keypoints[0, 0] for pose in results[-1].poses] == [10, 90]


def test_who_has_no_number_passes_as_read():
    results = list(Smoothed(pipeline=Told([{0: 0.0}, {0: 50.0}]))(frames(2)))

    assert results[1].poses[0].keypoints[0, 0] == 50


def test_a_run_goes_on_exactly():
    told = [{1: float(x)} for x in np.random.default_rng(1).normal(0, 9, 30)]
    scheme = Smoothed(pipeline=Told(told))
    whole = list(scheme(frames(30)))
    first = scheme.begin()
    for frame in frames(30)[:13]:
        first.step(frame)
    file = io.BytesIO()
    np.savez(file, **first.snapshot())
    file.seek(0)
    second = scheme.begin(dict(np.load(file)))

    for frame, known in zip(frames(30)[13:], whole[13:], strict=True):
        np.testing.assert_array_equal(
            second.step(frame).poses[0].keypoints, known.poses[0].keypoints
        )


def test_after_a_cut_everyone_begins_anew():
    run = Smoothed(pipeline=Told([{1: 0.0}, {1: 50.0}])).begin()
    run.step(frames(1)[0])
    run.forget()

    assert run.step(frames(2)[1]).poses[0].keypoints[0, 0] == 50
