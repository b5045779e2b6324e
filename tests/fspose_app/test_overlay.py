"""What is drawn: who, in which colour, how thick, and what is left out."""

from itertools import combinations

import numpy as np
import pytest

from data.frame import Frame, FrameResult, Image
from data.pose import Box, Pose
from data.skeleton import FSPOSE_19
from fspose_app.overlay import color_of, draw, luminance

GREY = 100


def some_pose(
    left: float = 100,
    top: float = 60,
    height: float = 200,
    score: float = 0.9,
    track: int | None = 1,
) -> Pose:
    numbers = np.random.default_rng(0)
    points = numbers.uniform(0.1, 0.9, (19, 2)) * [height / 2, height] + [left, top]
    box = Box.from_xywh(left, top, height / 2, height)
    scores = np.full(19, score, np.float32)
    return Pose(points.astype(np.float32), scores, box, 0.9, track)


def drawn(*poses: Pose, keyframe: bool = False, size: tuple[int, int] = (360, 640)) -> Image:
    image = np.full((*size, 3), GREY, np.uint8)
    result = FrameResult(Frame(0, 0.0, image, "0"), poses, keyframe, ("slow",) * len(poses))
    return draw(image, result, FSPOSE_19, least_score=0.3)


def changed(image: Image) -> np.ndarray:
    return (image != GREY).any(2)


def contrast(one: float, other: float) -> float:
    """WCAG 2's contrast of two luminances, 1..21."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("side", ["left", "center", "right"])
@pytest.mark.parametrize("track", [*range(1, 65), 100_000, None])
def test_a_colour_is_readable_on_light_and_on_dark(track: int | None, side: str) -> None:
    bright = luminance(color_of(track, side))

    assert contrast(bright, 0) > 6
    assert contrast(bright, 1) > 1.8


def test_a_colour_depends_on_the_track_alone() -> None:
    first = [color_of(track) for track in range(1, 30)]
    color_of.cache_clear()

    assert [color_of(track) for track in reversed(range(1, 30))] == first[::-1]


def test_the_first_tracks_look_different() -> None:
    colors = np.array([color_of(track) for track in range(1, 9)], float)

    assert min(np.abs(a - b).sum() for a, b in combinations(colors, 2)) > 60


def test_left_is_lighter_than_right() -> None:
    for track in range(1, 20):
        left, right = (luminance(color_of(track, side)) for side in ("left", "right"))
        assert left > right + 0.15


def test_the_image_is_not_drawn_upon() -> None:
    image = np.full((360, 640, 3), GREY, np.uint8)
    image.setflags(write=False)
    result = FrameResult(Frame(0, 0.0, image, "0"), (some_pose(),), True, ("slow",))

    new = draw(image, result, FSPOSE_19, least_score=0.3)

    assert changed(new).any()
    assert not changed(image).any()


def test_a_frame_without_people_stays_as_it_is() -> None:
    assert not changed(drawn()).any()


def test_a_keyframe_bears_a_mark_in_its_corner() -> None:
    mark = changed(drawn(keyframe=True))

    assert mark.any()
    rows, columns = np.nonzero(mark)
    assert rows.min() > 300
    assert columns.max() < 160


def test_keypoints_below_the_threshold_are_left_out() -> None:
    body = np.s_[75:255, 105:195]  # inside the box, below the number

    assert changed(drawn(some_pose(score=0.31))[body]).any()
    assert not changed(drawn(some_pose(score=0.29))[body]).any()


def test_a_limb_needs_both_its_ends() -> None:
    pose = some_pose(score=0.0)
    shoulder, elbow = FSPOSE_19.index("left_shoulder"), FSPOSE_19.index("left_elbow")
    pose.keypoints[shoulder], pose.keypoints[elbow] = (120, 200), (180, 200)
    pose.scores[[shoulder, elbow]] = 0.9, 0.2

    assert not changed(drawn(pose))[200, 140:160].any()
    pose.scores[elbow] = 0.9
    assert changed(drawn(pose))[200, 140:160].all()


def test_uncertain_keypoints_are_drawn_thinner() -> None:
    sure, unsure = changed(drawn(some_pose(score=0.9))), changed(drawn(some_pose(score=0.4)))

    assert unsure.sum() < sure.sum()


def test_bigger_people_have_thicker_limbs() -> None:
    small, big = some_pose(height=150, score=0.0), some_pose(height=300, score=0.0)
    for pose in (small, big):
        pose.keypoints[5:7] = (120, 200), (120, 230)
        pose.scores[5:7] = 0.9

    assert changed(drawn(big))[215, 105:135].sum() > changed(drawn(small))[215, 105:135].sum()


def test_the_box_bears_the_tracks_number() -> None:
    plate = np.s_[40:58, 100:112]

    assert not changed(drawn(some_pose(track=None, score=0.0)))[plate].any()
    one, two = drawn(some_pose(track=1, score=0.0)), drawn(some_pose(track=2, score=0.0))
    assert changed(one)[45:58, 101:110].all()
    assert (one[plate] != two[plate]).any()


@pytest.mark.parametrize(
    "pose",
    [
        some_pose(left=-90, top=-180),
        some_pose(left=620, top=340),
        some_pose(left=1e7, top=-1e7),
        some_pose(height=0.0),
        some_pose(height=1e-3),
    ],
)
def test_people_at_and_beyond_the_border_are_drawn(pose: Pose) -> None:
    assert drawn(pose).shape == (360, 640, 3)


def test_a_keypoint_that_is_no_number_is_left_out() -> None:
    pose = some_pose(score=0.9)
    pose.keypoints[3] = np.nan

    assert changed(drawn(pose)).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 300), (1080, 1920)])
def test_any_size_of_image_can_be_drawn_on(size: tuple[int, int]) -> None:
    assert drawn(some_pose(), keyframe=True, size=size).shape == (*size, 3)


def test_the_order_of_people_does_not_change_the_bodies() -> None:
    one, other = some_pose(height=200), some_pose(left=150, height=150, track=None)

    np.testing.assert_array_equal(drawn(one, other), drawn(other, one))
