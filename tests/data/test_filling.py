from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import AnnotationError, SourceError
from data.filling import (
    Filling,
    box_of_points,
    check_boxes,
    with_boxes,
    with_sizes,
    without_outside,
)
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence

NAMES = [f"images/val/000001_mpii_test/{index:06d}.jpg" for index in range(3)]


def person(box: Box | None, *points: tuple[float, float]) -> Person:
    keypoints, visibility = np.zeros((17, 2)), np.zeros(17)
    keypoints[: len(points)] = np.array(points).reshape(-1, 2)
    visibility[: len(points)] = 1
    return Person(keypoints, visibility, 4, box)


def sequence(*people: Person, size: tuple[int, int] | None = (160, 120)) -> Sequence:
    first = Annotated(NAMES[0], people, 1, size=size)
    others = [Annotated(name, (), id, size=size) for id, name in enumerate(NAMES[1:], 2)]
    return Sequence("000001_mpii_test", (first, *others))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with the sequence's three images of 48 x 32 pixels."""
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((32, 48, 3), np.uint8))
    return tmp_path


def test_a_missing_box_is_made_of_the_points_as_published() -> None:
    box = box_of_points(np.array([[10.0, 20.0], [29.0, 59.0]]))

    # 20 x 40 pixels, from 10, 20 on, grown to 24 x 48 about 20, 40
    np.testing.assert_allclose([box.left, box.top, box.right, box.bottom], [8, 16, 32, 64])


def test_without_points_a_box_is_all_zeros() -> None:
    assert box_of_points(np.zeros((0, 2))) == Box(0, 0, 0, 0)


def test_only_missing_boxes_are_filled_in() -> None:
    given = Box(1, 2, 3, 4)

    filled, filling = with_boxes(sequence(person(given), person(None, (10, 20), (29, 59))))

    boxes = [someone.box for someone in filled.frames[0].people]
    assert boxes[0] is given
    assert boxes[1] is not None
    assert boxes[1].xywh == pytest.approx((8, 16, 24, 48))
    assert filling == Filling(boxes=1)


@pytest.mark.parametrize("below", ["", "images"])
def test_sizes_are_read_from_the_images(images: Path, below: str) -> None:
    filled, filling = with_sizes(sequence(size=None), images / below)

    assert [frame.size for frame in filled.frames] == [(48, 32)] * 3
    assert filling == Filling(sizes=3)


def test_sizes_that_are_there_stay(images: Path) -> None:
    whole = sequence()

    assert with_sizes(whole, images) == (whole, Filling())
    assert with_sizes(whole, None) == (whole, Filling())


def test_missing_sizes_without_images_are_told() -> None:
    with pytest.raises(AnnotationError, match=r"000001_mpii_test: .*000000\.jpg.*--images"):
        with_sizes(sequence(size=None), None)


@pytest.mark.parametrize("size", [None, (160, 120)])
def test_an_image_that_is_missing_in_the_middle_is_told(
    images: Path, size: tuple[int, int] | None
) -> None:
    (images / NAMES[1]).unlink()

    with pytest.raises(SourceError, match=r"000001\.jpg' of 000001_mpii_test is missing"):
        with_sizes(sequence(size=size), images)


def test_a_broken_image_is_told(images: Path) -> None:
    (images / NAMES[0]).write_text("no image")

    with pytest.raises(SourceError, match=r"000000\.jpg: cannot be read as an image"):
        with_sizes(sequence(size=None), images)


@pytest.mark.parametrize(
    "box", [Box(160, 0, 170, 50), Box(0, 121, 9, 130), Box(-9, 0, 0, 9), Box(5, -9, 9, -1)]
)
def test_a_box_outside_of_the_picture_is_told_or_left_out(box: Box) -> None:
    inside = person(Box(-5, -5, 500, 500))

    with pytest.raises(AnnotationError, match=r"of track 4 lies outside of .*160x120.*--skip"):
        check_boxes(sequence(inside, person(box)))

    left, filling = without_outside(sequence(inside, person(box)))
    assert left.frames[0].people == (inside,)
    assert filling == Filling(outside=1)


def test_a_box_without_size_stands_for_nobody_and_stays() -> None:
    whole = sequence(person(Box(0, 0, 0, 0)), person(None))

    check_boxes(whole)

    assert without_outside(whole)[1] == Filling()


def test_fillings_add_up() -> None:
    assert Filling(1, 2, 3) + Filling(4, 5, 6) == Filling(5, 7, 9)
