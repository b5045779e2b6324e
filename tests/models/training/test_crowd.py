"""Somebody else is pasted beside the person of a crop, within an outline of the body."""

import numpy as np
import pytest

from data.people_set import Portrait
from data.skeleton import FSPOSE_19
from models.training.crowd import crowded, outline
from models.training.mixture import Mixture, Source

SIZE = (96, 128)
STANDING = {
    "nose": (48, 22),
    "head_top": (48, 12),
    "left_shoulder": (58, 38),
    "right_shoulder": (38, 38),
    "left_elbow": (64, 52),
    "right_elbow": (32, 52),
    "left_wrist": (66, 66),
    "right_wrist": (30, 66),
    "left_hip": (54, 70),
    "right_hip": (42, 70),
    "left_knee": (55, 90),
    "right_knee": (41, 90),
    "left_ankle": (56, 112),
    "right_ankle": (40, 112),
}


def standing(*without: str) -> np.ndarray:
    keypoints = np.zeros((19, 3), np.float32)
    for name, place in STANDING.items():
        if name not in without:
            keypoints[FSPOSE_19.index(name)] = *place, 2
    return keypoints


def portrait(colour: int, *without: str) -> Portrait:
    image = np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)
    box = np.float32([24, 8, 48, 110])
    return Portrait(image, standing(*without), box, np.ones(19, bool))


def test_an_outline_holds_the_body_and_not_the_corners():
    mask = outline(standing(), SIZE)

    assert mask[50, 48] == mask[22, 48] == mask[90, 55] == 255
    assert not mask[:, :10].any()
    assert not mask[:, -10:].any()


@pytest.mark.parametrize(
    "missing",
    [("left_hip",), [name for name in STANDING if name.endswith(("knee", "ankle", "wrist"))]],
)
def test_who_lacks_the_torso_or_most_keypoints_has_no_outline(missing):
    keypoints = standing(*missing)
    if len(missing) > 1:
        keypoints[[FSPOSE_19.index("nose"), FSPOSE_19.index("head_top")]] = 0

    assert not outline(keypoints, SIZE).any()


def test_a_label_outside_every_picture_draws_nothing():
    keypoints = standing()
    keypoints[FSPOSE_19.index("left_shoulder"), :2] = 1e9

    assert not outline(keypoints, SIZE).any()


def test_the_other_is_seen_beside_and_is_hidden_where_behind():
    """Over many draws the middle of the person is theirs, or the other's who stands before."""
    rng, image = np.random.default_rng(1), np.full((128, 96, 3), 40, np.uint8)
    own = outline(standing(), SIZE) > 0
    before = behind = 0
    for _ in range(60):
        result = crowded(image, standing(), portrait(220), 1.25, rng)
        changed = result[..., 0] > 130
        if changed.any():
            before += bool((changed & own).sum() > 30)
            behind += bool((changed & own).sum() <= 30)

    assert before > 10
    assert behind > 10


def test_without_an_outline_the_crop_stays_as_it_is():
    image = np.full((128, 96, 3), 40, np.uint8)
    other = portrait(220, "left_hip")

    for seed in range(20):
        result = crowded(image, standing(), other, 1.25, np.random.default_rng(seed))
        np.testing.assert_array_equal(result, image)


class Everyone:
    """Two people of different brightness."""

    held_out = np.zeros(2, bool)

    def __len__(self):
        return 2

    def portrait(self, index, rng):
        return portrait((40, 220)[index])


def test_a_mixture_pastes_neighbours_in_its_share(monkeypatch):
    asked = []

    def noted(image, *rest):
        asked.append(1)
        return image

    monkeypatch.setattr("models.training.augment.crowded", noted)
    everyone = Source(Everyone(), np.arange(2), 1.0)
    for share in (0.0, 0.5):
        asked.clear()
        mixture = Mixture([everyone], crowd=share)
        rng = np.random.default_rng(2)
        for _ in range(100):
            mixture.draw(SIZE, rng)
        assert 100 * share - 20 <= len(asked) <= 100 * share + 20
        assert (len(asked) > 0) == (share > 0)
