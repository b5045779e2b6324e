"""Which anchors and regions teach hpos; the cells of keypoints are compared in tests/parity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.networks.hpos_head import Regions
from models.training.hpos_targets import (
    ANCHORS,
    REGIONS,
    drawn_anchors,
    drawn_regions,
    labels_of,
    with_keypoints,
)

PERSON = torch.tensor([[100.0, 100, 200, 300]])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def shifted(*steps: float) -> Tensor:
    """The person's box moved to the right by so many pixels."""
    return torch.cat([PERSON + torch.tensor([step, 0, step, 0]) for step in steps])


def test_anchors_that_overlap_a_little_say_nothing() -> None:
    anchors = shifted(0, 15, 30, 45, 1000)  # IoU of 1, 0.74, 0.54, 0.38, 0

    drawn = drawn_anchors(anchors, PERSON, generator())

    assert sorted(drawn.chosen[:2].tolist()) == [0, 1]
    assert drawn.chosen[2:].tolist() == [4]
    assert drawn.people.tolist() == [0, 0]


def test_everybodys_best_anchor_is_theirs() -> None:
    drawn = drawn_anchors(shifted(60, 1000), PERSON, generator())

    assert (drawn.chosen.tolist(), drawn.people.tolist()) == ([0, 1], [0])


def test_regions_are_somebodys_from_a_half_on() -> None:
    drawn = drawn_regions(shifted(0, 30, 45, 1000), PERSON, generator())

    assert sorted(drawn.chosen[:2].tolist()) == [0, 1]
    assert sorted(drawn.chosen[2:].tolist()) == [2, 3]
    assert drawn.people.tolist() == [0, 0]


def test_as_many_are_drawn_as_are_wanted_and_of_people_a_part() -> None:
    many = torch.cat([PERSON.expand(1000, 4), shifted(1000).expand(1000, 4)])

    anchors = drawn_anchors(many, PERSON, generator())
    regions = drawn_regions(many, PERSON, generator())
    fewer = drawn_regions(many, PERSON, generator(), 32)

    assert (len(anchors.chosen), len(anchors.people)) == (ANCHORS, 128) == (256, 128)
    assert (len(regions.chosen), len(regions.people)) == (REGIONS, 128) == (512, 128)
    assert (len(fewer.chosen), len(fewer.people)) == (32, 8)
    assert len(anchors.chosen.unique()) == ANCHORS


def test_what_is_drawn_depends_on_the_generator_alone() -> None:
    many = torch.cat([PERSON.expand(1000, 4), shifted(1000).expand(1000, 4)])

    one, same, other = (drawn_anchors(many, PERSON, generator(seed)) for seed in (0, 0, 1))

    assert one.chosen.tolist() == same.chosen.tolist() != other.chosen.tolist()


@pytest.mark.parametrize("draw", [drawn_anchors, drawn_regions])
def test_where_nobody_is_all_are_nobodys(draw) -> None:
    drawn = draw(shifted(0, 10), torch.zeros(0, 4), generator())

    assert sorted(drawn.chosen.tolist()) == [0, 1]
    assert len(drawn.people) == 0


def test_regions_without_a_labelled_keypoint_inside_teach_none() -> None:
    regions = torch.tensor([[0.0, 0, 10, 10]] * 4)
    keypoints = torch.tensor(
        [
            [[10.0, 10, 1], [50, 50, 2]],  # on the edge
            [[5, 5, 0], [50, 50, 2]],  # the one inside is not labelled
            [[5, 11, 1], [-1, 5, 2]],  # inside by one coordinate only
            [[0, 0, 2], [0, 0, 0]],
        ]
    )

    found = with_keypoints(regions, torch.arange(4), keypoints)

    assert found.tolist() == [True, False, False, True]


def test_cells_of_keypoints_count_from_the_regions_corner_with_the_shift() -> None:
    regions = Regions(torch.tensor([[32.0, 64, 88, 120]]), (1, 2, 0, 0))
    keypoints = torch.tensor([[[0.0, 0, 2], [55.9, 1, 1], [56, 56, 1], [57, 3, 1], [3, 3, 0]]])

    cells, valid = labels_of(regions, keypoints)

    assert valid.tolist() == [[True, True, True, False, False]]
    assert cells.tolist() == [[0, 56 + 55, 55 * 56 + 55, 0, 0]]
