import numpy as np
import pytest

from data.pose import Box
from pipelines.motion import Motion


def box(x, y, width=40, height=100):
    return Box.from_xywh(x - width / 2, y - height / 2, width, height)


def followed(steps, seconds, doubt=1.0, speed=60.0):
    motion = Motion(box(100, 200))
    for step in range(1, steps):
        motion.pass_time(seconds)
        motion.correct(box(100 + speed * seconds * step, 200), doubt=doubt)
    return motion


@pytest.mark.parametrize("seconds", [0.02, 0.04, 0.2])
def test_a_steady_walker_is_foreseen(seconds):
    motion = followed(int(3 / seconds), seconds)
    here = motion.box.center[0]

    motion.pass_time(0.5)

    assert abs(motion.box.center[0] - (here + 30)) < 2
    np.testing.assert_allclose([motion.box.width, motion.box.height], [40, 100], rtol=1e-3)


def test_uneven_steps_of_time_lead_to_the_same_place():
    motion = followed(50, 0.04)
    other = Motion.restored(motion.state, motion.covariance)

    motion.pass_time(0.4)
    for seconds in (0.1, 0.25, 0.05):
        other.pass_time(seconds)

    np.testing.assert_allclose(motion.state, other.state, rtol=1e-9)
    np.testing.assert_allclose(motion.covariance, other.covariance, rtol=1e-6, atol=1e-9)


def test_time_that_stands_still_or_runs_back_moves_nothing():
    motion = followed(50, 0.04)
    before = motion.state

    motion.pass_time(0.0)
    motion.pass_time(-1.0)

    np.testing.assert_array_equal(before, motion.state)


def test_one_wild_box_moves_little():
    motion = followed(50, 0.04, speed=0)

    motion.pass_time(0.04)
    motion.correct(box(300, 200), doubt=1.0)

    assert abs(motion.box.center[0] - 100) < 15


def test_a_person_who_did_jump_is_still_followed():
    motion = followed(50, 0.04, speed=0)

    for _ in range(20):
        motion.pass_time(0.04)
        motion.correct(box(200, 200), doubt=1.0)

    assert abs(motion.box.center[0] - 200) < 5


def test_doubt_leaves_motion_to_itself():
    sure, doubtful = followed(50, 0.04), followed(50, 0.04)

    for motion, doubt in ((sure, 1.0), (doubtful, 4.0)):
        motion.pass_time(0.04)
        motion.correct(box(190, 200), doubt=doubt)

    assert sure.state[4] < doubtful.state[4]


def test_a_box_without_extent_is_borne():
    motion = Motion(Box(10, 10, 10, 10))

    motion.pass_time(0.1)
    motion.correct(Box(12, 12, 11, 11), doubt=1.0)

    assert np.isfinite(motion.state).all()


def test_a_restored_motion_is_the_same_to_the_last_bit():
    motion = followed(30, 0.04)
    again = Motion.restored(motion.state, motion.covariance)

    for each in (motion, again):
        each.pass_time(0.04)
        each.correct(box(170, 205), doubt=2.0)

    np.testing.assert_array_equal(motion.state, again.state)
    np.testing.assert_array_equal(motion.covariance, again.covariance)
