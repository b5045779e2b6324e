"""Crops of several sets and of nobody."""

import numpy as np
import pytest

from data.people_set import Portrait, Shot
from models.training.mixture import Mixture, Source

SIZE = (64, 96)


class Plain:
    """People of one colour, whose nose is the only keypoint."""

    def __init__(self, colour, count=3):
        self.colour, self.count = colour, count
        self.held_out = np.zeros(count, bool)

    def __len__(self):
        return self.count

    def portrait(self, index, rng):
        keypoints = np.zeros((19, 3), np.float32)
        keypoints[0] = 30, 40, 2
        image = np.full((80, 60, 3), self.colour, np.uint8)
        return Portrait(image, keypoints, np.float32([5, 5, 50, 70]), np.ones(19, bool))


class Pictures:
    held_out = np.zeros(2, bool)

    def __init__(self, *boxes):
        self.boxes = np.array(boxes, np.float32).reshape(-1, 5)

    def __len__(self):
        return 2

    def shot(self, index, rng):
        return Shot(np.full((60, 80, 3), 200, np.uint8), self.boxes, True)


def source(people, odds=1.0):
    return Source(people, np.arange(len(people)), odds)


def test_sources_are_drawn_by_their_odds(generator):
    mixture = Mixture([source(Plain(20), 3.0), source(Plain(240), 1.0), source(Plain(9, 0))])

    middles = [mixture.draw(SIZE, generator).image[48, 32].mean() for _ in range(80)]

    assert len(mixture) == 6
    assert 8 < sum(middle > 128 for middle in middles) < 35


def test_a_mixture_of_nobody_is_a_mistake():
    with pytest.raises(ValueError, match="needs people"):
        Mixture([source(Plain(9, 0))])


@pytest.mark.parametrize("boxes", [(), ((0, 0, 80, 60, 0),)])
def test_crops_of_nobody_have_all_keypoints_far_outside(boxes, generator):
    """Also where people are everywhere in all pictures."""
    mixture = Mixture([source(Plain(20))], Pictures(*boxes), nobody=1.0)

    for _ in range(30):
        sample = mixture.draw(SIZE, generator)

        assert sample.image.shape == (96, 64, 3)
        assert (sample.keypoints[:, :2] < -1000).all()
        assert sample.absent_is_known.all()


def test_the_same_numbers_draw_the_same_crop():
    mixture = Mixture([source(Plain(20)), source(Plain(240))], Pictures())
    one, other = (mixture.draw(SIZE, np.random.default_rng(4)) for _ in range(2))

    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.keypoints, other.keypoints)
