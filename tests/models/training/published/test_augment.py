"""Crops vary by the published odds, and keypoints stay where they are on the person."""

from dataclasses import replace

import numpy as np
import pytest

from data.heatmap_store import Key
from data.pose import Box
from data.skeleton import POSETRACK_17
from models.training.published.augment import NONE, Augmentation, view
from models.training.published.people import Subject

SIZE, WIDTH = (96, 128), 320
BOX = Box(100, 60, 150, 180)
MANY = 4000


def person(visible: int = 17) -> Subject:
    rng = np.random.default_rng(1)
    points = rng.uniform((105, 65), (145, 175), (17, 2)).round()
    flags = (np.arange(17) < visible).astype(np.float64)
    return Subject("images/a/b/1.jpg", Key("a/b", "1", 1), BOX, points, flags)


def drawn(odds: Augmentation, subject: Subject | None = None, count: int = MANY):
    rng = np.random.default_rng(0)
    return [view(subject or person(), SIZE, WIDTH, odds, rng) for _ in range(count)]


def test_without_odds_the_crop_is_the_one_of_use():
    for seen in drawn(NONE, count=20):
        assert seen.crop == person().crop(SIZE)
        assert not seen.flipped


def test_scale_rotation_and_mirroring_have_the_published_odds():
    plain = person().crop(SIZE)

    seen = drawn(replace(Augmentation(), half_body=0))

    zooms = np.array([one.crop.scale[0] / plain.scale[0] for one in seen])
    assert (zooms.min(), zooms.max()) == pytest.approx((0.65, 1.35))
    assert (zooms > 1.3499).mean() == pytest.approx(0.159, abs=0.02)  # beyond one deviation
    angles = np.array([one.crop.rotation for one in seen])
    assert (angles != 0).mean() == pytest.approx(0.6, abs=0.03)
    assert np.abs(angles).max() == 90
    assert np.abs(angles[(angles != 0)]).mean() == pytest.approx(45 * 0.78, rel=0.06)
    assert np.mean([one.flipped for one in seen]) == pytest.approx(0.5, abs=0.03)


def test_half_bodies_have_the_published_odds_and_extent():
    subject, plain = person(), person().crop(SIZE)

    seen = drawn(replace(NONE, half_body=0.3), subject)

    upper, lower = subject.keypoints[:11], subject.keypoints[11:]
    at_upper = np.mean([one.crop.center == pytest.approx(upper.mean(0)) for one in seen])
    at_lower = np.mean([one.crop.center == pytest.approx(lower.mean(0)) for one in seen])
    assert at_upper == pytest.approx(0.3 * 0.691, abs=0.025)
    assert at_lower == pytest.approx(0.3 * 0.309, abs=0.02)
    assert np.mean([one.crop == plain for one in seen]) == pytest.approx(0.7, abs=0.03)
    (half,) = {one.crop for one in seen if one.crop.center == pytest.approx(upper.mean(0))}
    width, height = np.ptp(upper, 0)
    assert half.scale[1] * 200 == pytest.approx(1.5 * max(height, width * 128 / 96))


@pytest.mark.parametrize("visible", [8, 1])
def test_of_eight_keypoints_or_fewer_no_half_is_cut(visible):
    seen = drawn(replace(NONE, half_body=1), person(visible), 50)

    assert {one.crop for one in seen} == {person(visible).crop(SIZE)}


def test_who_shows_two_keypoints_below_gets_the_upper_half():
    seen = drawn(replace(NONE, half_body=1), person(13), 50)

    assert {one.crop.center for one in seen} == {
        tuple(np.float64(v) for v in person().keypoints[:11].mean(0))
    }


def test_keypoints_stay_on_what_they_mark():
    subject, rng = person(), np.random.default_rng(3)
    nose = POSETRACK_17.index("nose")
    image = np.zeros((240, WIDTH, 3), np.uint8)
    x, y = subject.keypoints[nose].astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    found = []

    for _ in range(100):
        seen = view(subject, SIZE, WIDTH, replace(Augmentation(), half_body=0), rng)
        cut, points = seen.shown(image, subject.keypoints)
        rows, columns = np.nonzero(cut[..., 0] > 127)
        if len(rows):
            found.append(np.hypot(columns.mean() - points[nose, 0], rows.mean() - points[nose, 1]))

    assert len(found) > 80
    assert np.median(found) < 0.3


def test_in_a_mirrored_crop_left_is_right_and_flags_follow():
    subject = replace(person(), visible=np.eye(17)[POSETRACK_17.index("left_knee")])
    (seen,) = drawn(replace(NONE, flipped=1.0), subject, 1)
    image = np.zeros((240, WIDTH, 3), np.uint8)

    _, points = seen.shown(image, subject.keypoints)

    right_knee = POSETRACK_17.index("right_knee")
    assert seen.weights(subject.visible)[right_knee] == 1
    left = subject.crop(SIZE).from_image(subject.keypoints)[POSETRACK_17.index("left_knee")]
    zoom = SIZE[0] / (200 * seen.crop.scale[0])
    assert points[right_knee] == pytest.approx((SIZE[0] - left[0], left[1]), abs=zoom)
