"""Evidence of one track: pixels that change, keypoints that move, answers that disagree."""

from dataclasses import fields

import numpy as np
import pytest

from data.frame import Frame
from data.pose import Box, Pose
from pipelines import evidence
from pipelines.evidence import Evidence

BOX = Box(100, 50, 200, 250)


def picture(seed=3):
    random = np.random.default_rng(seed)
    return np.kron(random.integers(0, 256, (36, 64, 3)), np.ones((10, 10, 1))).astype(np.uint8)


def frame(index, image=None):
    return Frame(index, index / 25, picture() if image is None else image, str(index))


def pose(box=BOX, shift=(0.0, 0.0), score=0.8):
    points = np.random.default_rng(5).uniform(0.1, 0.9, (17, 2)) * [box.width, box.height]
    points += np.array([box.left + shift[0], box.top + shift[1]])
    return Pose(points.astype(np.float32), np.full(17, score, np.float32), box, score)


def test_the_pose_moves_and_grows_with_the_box():
    known = evidence.first(frame(0), BOX, pose())

    moved = known.pose(Box(130, 40, 330, 440))

    expected = pose().keypoints - [BOX.left, BOX.top]
    np.testing.assert_allclose(moved.keypoints, expected * 2 + [130, 40], atol=1e-3)
    assert moved.score == pytest.approx(0.8)


def test_nothing_has_changed_in_the_same_picture_or_in_a_brighter_one():
    image = (picture() * 0.6).astype(np.uint8)
    known = evidence.first(frame(0, image), BOX, pose())

    assert known.change(image, BOX) == 0
    assert known.change(image + np.uint8(40), BOX) < 0.05


def test_a_limb_that_moves_is_a_change_and_one_elsewhere_is_none():
    image = np.full((360, 640, 3), 90, np.uint8)
    image[60:240, 140:160] = 180
    moved, beside = image.copy(), image.copy()
    moved[100:120, 160:190] = 180
    beside[100:120, 300:330] = 180
    known = evidence.first(frame(0, image), BOX, pose())

    assert known.change(moved, BOX) > 0.5
    assert known.change(beside, BOX) == 0


@pytest.mark.parametrize("box", [Box(-50, -50, 40, 40), Box(700, 400, 800, 500), Box(9, 9, 9, 9)])
def test_a_box_partly_or_wholly_outside_has_a_patch(box):
    known = evidence.first(frame(0), box, pose(box))

    assert known.patch.shape == (64, 48)
    assert np.isfinite(known.change(picture(), box))


def test_stir_is_the_motion_within_the_box_and_not_the_box_s_own():
    walked, waved = (evidence.first(frame(0), BOX, pose()) for _ in range(2))
    for index in range(1, 12):
        box = Box(100 + 5 * index, 50, 200 + 5 * index, 250)
        walked = evidence.after(walked, frame(index), box, pose(box), pose(box), key=False)
        answer = pose(shift=(3.0 * index, 0))
        waved = evidence.after(waved, frame(index), BOX, answer, answer, key=False)

    assert walked.stir < 0.01
    assert waved.stir == pytest.approx(3 * 25 / np.sqrt(100 * 200), rel=0.02)


def test_doubt_is_how_far_the_answer_lies_from_the_fast_net_s_own():
    known = evidence.first(frame(0), BOX, pose())
    for index in range(1, 12):
        known = evidence.after(known, frame(index), BOX, pose(), pose(shift=(10, 0)), key=False)

    assert known.doubt == pytest.approx(10 / np.sqrt(100 * 200), rel=0.01)


def test_an_answer_of_the_fast_net_alone_says_nothing_of_doubt():
    known = evidence.first(frame(0), BOX, pose())
    known = evidence.after(known, frame(1), BOX, pose(), pose(shift=(10, 0)), key=False)

    later = evidence.after(known, frame(2), BOX, pose(), None, key=False)

    assert known.doubt > 0
    assert (later.doubt, later.key_index) == (known.doubt, 0)


def test_a_keyframe_is_what_later_ones_are_compared_with():
    known = evidence.first(frame(0), BOX, pose())
    larger = Box(100, 50, 300, 450)

    known = evidence.after(
        known, frame(3), larger, pose(larger, score=0.5), pose(larger), key=False
    )
    assert (known.index, known.key_index, known.key_score) == (3, 0, pytest.approx(0.8))
    known = evidence.after(known, frame(5), larger, pose(larger, score=0.6), None, key=True)
    assert (known.key_index, known.key_score) == (5, pytest.approx(0.6))
    assert known.key_size == pytest.approx(2 * evidence.size_of(BOX))


def test_what_is_packed_comes_back_exactly():
    known = {4: evidence.first(frame(0), BOX, pose())}
    known[9] = evidence.after(known[4], frame(2), BOX, pose(shift=(2, 1)), pose(), key=False)

    back = evidence.unpack(evidence.pack(known))

    assert list(back) == [4, 9]
    for track, own in known.items():
        for field in fields(Evidence):
            np.testing.assert_array_equal(
                getattr(back[track], field.name), getattr(own, field.name)
            )
    assert evidence.unpack(evidence.pack({})) == {}
