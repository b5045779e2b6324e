from __future__ import annotations

import numpy as np

from data.skeleton import FSPOSE_19
from data.synthetic.body import Posture
from data.synthetic.picture import person_picture


def test_a_picture_has_the_size_and_the_shapes_it_says() -> None:
    picture = person_picture(np.random.default_rng(0), (96, 128))

    assert picture.image.shape == (128, 96, 3)
    assert picture.image.dtype == np.uint8
    assert picture.keypoints.shape == (len(FSPOSE_19), 2)
    assert picture.visibility.shape == (len(FSPOSE_19),)


def test_the_same_generator_state_draws_the_same_picture() -> None:
    one = person_picture(np.random.default_rng(3), (96, 96))
    same = person_picture(np.random.default_rng(3), (96, 96))

    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.keypoints, same.keypoints)


def test_visible_keypoints_lie_in_the_picture_and_in_the_box() -> None:
    rng = np.random.default_rng(1)

    for _ in range(25):
        picture = person_picture(rng, (96, 96))
        assert set(np.unique(picture.visibility)) <= {0, 1, 2}
        inside = picture.keypoints[picture.visibility > 0]
        assert (inside > -1).all()
        assert (inside < 96).all()
        for x, y in picture.keypoints[picture.visibility == 2]:
            assert picture.box.left - 1 <= x <= picture.box.right + 1
            assert picture.box.top - 1 <= y <= picture.box.bottom + 1


def test_most_people_are_seen_for_the_greater_part() -> None:
    rng = np.random.default_rng(2)

    seen = [(person_picture(rng, (64, 64)).visibility == 2).sum() for _ in range(30)]

    assert np.median(seen) >= 9


def test_postures_vary_so_that_hands_are_above_heads_and_heads_below_hips() -> None:
    rng = np.random.default_rng(5)
    pictures = [person_picture(rng, (48, 48)) for _ in range(60)]

    def height(name: str) -> list[float]:
        return [float(p.keypoints[FSPOSE_19.index(name), 1]) for p in pictures]

    raised = [w < n for w, n in zip(height("left_wrist"), height("nose"), strict=True)]
    upside = [n > h for n, h in zip(height("nose"), height("left_hip"), strict=True)]
    assert 0.05 < np.mean(raised) < 0.6
    assert 0.0 < np.mean(upside) < 0.3


def test_a_given_posture_is_the_one_that_is_drawn() -> None:
    rng = np.random.default_rng(6)

    picture = person_picture(rng, (96, 96), posture=Posture())

    right, left = (picture.keypoints[FSPOSE_19.index(f"{s}_hip"), 0] for s in ("right", "left"))
    ankle, nose = (picture.keypoints[FSPOSE_19.index(n), 1] for n in ("left_ankle", "nose"))
    assert right < left
    assert nose < ankle


def test_people_are_drawn_on_a_background_that_is_given() -> None:
    red = np.zeros((50, 80, 3), np.uint8)
    red[..., 0] = 220
    rng = np.random.default_rng(8)
    reddish = []

    for _ in range(8):
        image = person_picture(rng, (64, 64), background=red).image.astype(int)
        reddish.append(((image[..., 0] - image[..., 1]) > 60).mean())

    assert 0.4 < np.median(reddish) < 0.98
