import itertools

import numpy as np
import pytest

from data.pose import Box
from data.similarity import iou_matrix
from pipelines.likeness import distances, overlap, pushed_in, share_inside, without_doubles


def test_the_better_of_two_boxes_on_one_person_is_kept():
    best, double, other = Box(0, 0, 10, 20, 0.9), Box(0, 1, 10, 21, 0.8), Box(5, 0, 15, 20, 0.7)

    assert without_doubles([double, other, best], 0.75) == [best, other]


def test_the_overlap_of_two_boxes_is_that_of_the_matrix():
    corners = np.random.default_rng(0).uniform(0, 60, (200, 4))  # some of them inside out
    boxes = [Box(*row) for row in corners.tolist()] + [Box(5, 5, 5, 9), Box(5, 5, 5, 9)]
    pairs = list(itertools.pairwise(boxes))

    found = [overlap(one, other) for one, other in pairs]

    assert max(found) > 0.3
    np.testing.assert_allclose(found, [iou_matrix([a], [b])[0, 0] for a, b in pairs], atol=1e-6)


def test_distance_is_in_sizes_of_the_larger_box_and_in_heights():
    here, beside, child = Box(0, 0, 10, 40), Box(20, 0, 30, 40), Box(0, 15, 10, 25)

    far = distances([here], [here, beside, child], [2.0])

    np.testing.assert_allclose(far, [[0, 0.5, np.log(4) / np.log(2.5)]])


def test_nobody_is_no_distance_from_anyone():
    assert distances([], [Box(0, 0, 1, 1)], []).shape == (0, 1)
    assert distances([Box(0, 0, 1, 1)], [], [1.0]).shape == (1, 0)


@pytest.mark.parametrize(
    ("box", "share"),
    [(Box(0, 0, 10, 10), 1), (Box(-5, -5, 5, 5), 0.25), (Box(-20, 0, -10, 10), 0)],
)
def test_the_share_of_a_box_in_the_picture(box, share):
    assert share_inside(box, (100, 50)) == pytest.approx(share)


def test_a_box_outside_is_pushed_in_by_its_centre():
    assert pushed_in(Box(120, 20, 140, 40), (100, 50)) == Box(90, 20, 110, 40)
    assert pushed_in(Box(10, 20, 30, 40), (100, 50)) == Box(10, 20, 30, 40)
