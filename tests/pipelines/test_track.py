import numpy as np

from data.pose import Box, Pose
from pipelines.track import Track

BOX = Box(100, 50, 160, 200)


def pose(left=110, top=60, right=150, bottom=195, *, scores=0.8):
    """Seventeen keypoints, the first two at the corners of their extent."""
    generator = np.random.default_rng(1)
    points = generator.uniform((left, top), (right, bottom), (17, 2))
    points[0], points[1] = (left, top), (right, bottom)
    return Pose(points.astype(np.float32), np.full(17, scores, np.float32), BOX, scores)


def born():
    track = Track.born(1, pose(), 0.0)
    track.learn(pose(), BOX, doubt=1.0)
    return track


def corners(box):
    return np.array([box.left, box.top, box.right, box.bottom])


def test_keypoints_alone_give_back_the_finders_box():
    track = born()

    for _ in range(20):
        track.motion.pass_time(0.04)
        track.learn(pose(), None, doubt=1.0)

    np.testing.assert_allclose(corners(track.motion.box), corners(BOX), atol=0.5)


def test_the_box_follows_the_keypoints_and_their_growth():
    track = born()

    for step in range(1, 51):
        grown, right = 1 + 0.004 * step, 2 * step
        points = pose().keypoints * grown + [right, 0]
        track.motion.pass_time(0.04)
        track.learn(Pose(points.astype(np.float32), pose().scores, BOX, 0.8), None, doubt=1.0)

    np.testing.assert_allclose(
        corners(track.motion.box), corners(BOX) * 1.2 + [100, 0, 100, 0], atol=8
    )


def test_keypoints_that_are_not_confident_do_not_move_the_box():
    track = born()
    scores = np.full(17, 0.8, np.float32)
    scores[5:] = 0.05
    points = pose().keypoints.copy()
    points[5:] += 500

    track.learn(Pose(points, scores, BOX, 0.3), None, doubt=1.0)

    assert track.motion.box.right < 180


def test_too_few_confident_keypoints_say_nothing_of_the_box():
    track, scores = born(), np.full(17, 0.01, np.float32)
    scores[:3] = 0.9
    before = track.motion.box

    track.learn(Pose(pose().keypoints + 100, scores, BOX, 0.2), None, doubt=1.0)

    assert track.motion.box == before


def test_a_held_pose_moves_and_grows_with_the_box():
    track = born()
    track.hold(pose())
    track.expected = Box(200, 50, 320, 350)

    moved = track.moved()

    home = track.motion.box
    scale = np.array([120 / home.width, 300 / home.height])
    expected = (pose().keypoints - home.center) * scale + [260, 200]
    np.testing.assert_allclose(moved.keypoints, expected, atol=1e-3)


def test_tracks_are_the_same_after_packing():
    track = born()
    track.unfound, track.alive = 3, False
    track.hold(pose())

    (again,) = Track.unpack(Track.pack([track], 17))

    assert (again.number, again.alive, again.unfound, again.seen) == (1, False, 3, 0.0)
    for name in ("relative", "scores", "margins"):
        np.testing.assert_array_equal(getattr(track, name), getattr(again, name))
    np.testing.assert_array_equal(track.motion.covariance, again.motion.covariance)


def test_nobody_is_packed_too():
    assert Track.unpack(Track.pack([], 17)) == []
