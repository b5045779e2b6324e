"""Parts of varied images: boxes and keypoints stay on what they mark."""

from __future__ import annotations

import numpy as np
import pytest

from data.scenes import Scene, ScenePeople
from data.skeleton import COCO_17
from models.training import views


def scene(width: int = 80, height: int = 60) -> Scene:
    """A white square at (20..28, 30..38), in whose middle the first keypoint is; the others are at
    its corner, the ankles are not labelled."""
    image = np.zeros((height, width, 3), np.uint8)
    image[30:38, 20:28] = 255
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, :15] = [20, 30, 1]
    keypoints[0, 0] = [24, 34, 1]
    people = ScenePeople(
        np.array([[20, 30, 28, 38]], np.float32),
        keypoints,
        np.array([32], np.float32),
        np.array([15], np.float32),
    )
    return Scene(image, people)


def middle(image: np.ndarray) -> np.ndarray:
    """Where the white square's middle is, in continuous coordinates."""
    weights = image[..., 0].astype(float)
    rows, columns = np.indices(weights.shape) + 0.5
    return np.array([(weights * columns).sum(), (weights * rows).sum()]) / weights.sum()


@pytest.mark.parametrize(
    "view",
    [
        lambda s: views.resized(s, 90, 1000),
        lambda s: views.resized(s, 30, 35),
        lambda s: views.fitted(s, 120, 1000),
        lambda s: views.mirrored(s, COCO_17.mirror),
        lambda s: views.cropped(s, 13, 17, 40, 30),
        lambda s: views.mirrored(
            views.cropped(views.resized(s, 90, 1000), 5, 9, 60, 70), range(17)
        ),
    ],
)
def test_boxes_and_keypoints_move_with_the_pixels(view) -> None:
    image, people = view(scene())

    expected = middle(image)
    (left, top, right, bottom) = people.boxes[0]
    np.testing.assert_allclose([(left + right) / 2, (top + bottom) / 2], expected, atol=0.3)
    np.testing.assert_allclose(people.keypoints[0, 0, :2], expected, atol=0.3)
    assert people.keypoints[0, 16].tolist() == [0, 0, 0]
    np.testing.assert_allclose(people.areas * 2, (right - left) * (bottom - top), rtol=1e-4)


def test_a_window_moves_them_by_whole_pixels_centres_as_published() -> None:
    """Its matrix takes points to points, and OpenCV counts from the pixels' centres."""
    image, people = views.windowed(scene(), (30, 40), 40, 80)

    assert image.shape == (80, 80, 3)
    assert people.boxes.tolist() == [[20, 20, 36, 36]]
    np.testing.assert_allclose(people.keypoints[0, 0, :2], middle(image), atol=1.01)


def test_a_mirrored_persons_sides_are_exchanged() -> None:
    before = scene()
    before.people.keypoints[0, COCO_17.index("left_wrist")] = [11, 12, 1]

    _, people = views.mirrored(before, COCO_17.mirror)

    assert people.keypoints[0, COCO_17.index("right_wrist")].tolist() == [80 - 11, 12, 1]


def test_the_scene_that_is_looked_at_stays_as_it_is() -> None:
    before, same = scene(), scene()

    views.forgotten(views.clipped(views.mirrored(before, COCO_17.mirror)))

    for one, other in zip(before.people, same.people, strict=True):
        np.testing.assert_array_equal(one, other)


def test_boxes_end_at_the_edge_and_who_has_none_goes() -> None:
    inside, people = scene()
    two = ScenePeople(*(np.concatenate([part, part]) for part in people))
    two.boxes[:] = [[-5, 10, 30, 70], [-9, 5, 0, 20]]

    clipped = views.clipped(Scene(inside, two))

    assert clipped.people.boxes.tolist() == [[0, 10, 30, 60]]
    assert len(clipped.people.keypoints) == 1


def test_keypoints_outside_are_forgotten() -> None:
    before = scene()
    before.people.keypoints[0, 1] = [81, 5, 1]
    before.people.keypoints[0, 2] = [80, 60, 1]

    people = views.forgotten(before).people

    assert people.keypoints[0, 1].tolist() == [0, 0, 0]
    assert people.keypoints[0, 2].tolist() == [80, 60, 1]


def test_where_whole_numbers_are_pixels_middles_the_last_pixel_becomes_the_first() -> None:
    before = scene()
    before.people.keypoints[0, COCO_17.index("left_wrist")] = [79, 12, 1]
    before.people.boxes[0] = [60, 5, 79, 59]

    image, people = views.mirrored(before, COCO_17.mirror, last_pixel=1)

    assert people.keypoints[0, COCO_17.index("right_wrist")].tolist() == [0, 12, 1]
    assert people.boxes.tolist() == [[0, 5, 19, 59]]
    same = views.forgotten(views.clipped(Scene(image, people), last_pixel=1), last_pixel=1)
    np.testing.assert_array_equal(people.boxes, same.people.boxes)
    np.testing.assert_array_equal(people.keypoints, same.people.keypoints)


def test_there_the_image_ends_in_its_last_pixel() -> None:
    before = scene()
    before.people.keypoints[0, 1] = [79.5, 5, 1]
    before.people.boxes[0] = [60, 5, 90, 90]

    found = views.forgotten(views.clipped(before, last_pixel=1), last_pixel=1)

    assert found.people.keypoints[0, 1].tolist() == [0, 0, 0]
    assert found.people.boxes.tolist() == [[60, 5, 79, 59]]


def test_what_is_filled_is_black_and_moves_nobody() -> None:
    image, people = views.filled(scene(), 100, 50)

    assert image.shape == (60, 100, 3)
    assert not image[:, 80:].any()
    np.testing.assert_array_equal(people.boxes, scene().people.boxes)


def test_somebodys_part_has_the_middle_of_the_box_and_the_drawn_size() -> None:
    rng = np.random.default_rng(0)
    sizes = set()
    for _ in range(200):
        image, people = views.somebodys_part(scene(), (0.4, 0.5), rng)
        height, width = image.shape[:2]
        x, y = (people.boxes[0, :2] + people.boxes[0, 2:]) / 2

        assert 24 <= height <= 60
        assert 40 <= width <= 80
        assert 0 <= x <= width
        assert 0 <= y <= height
        sizes.add((height, width))
    assert len(sizes) > 100
