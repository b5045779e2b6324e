"""The region network's geometry; what it says of images is compared in tests/parity."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from models.networks.rcnn import (
    POOLED,
    RATIOS,
    SIZES,
    STRIDES,
    Anchored,
    BoxAnswer,
    LevelRegions,
    anchored,
    found_boxes,
    level_of,
    pooled,
    proposals,
)


def nothing(cells: int = 2) -> list[LevelRegions]:
    """Five levels whose answers are all 0, of that many cells a side."""
    return [
        LevelRegions(torch.zeros(1, 3, cells, cells), torch.zeros(1, 12, cells, cells))
        for _ in STRIDES
    ]


def test_anchors_lie_around_the_cells_corners_and_keep_their_area() -> None:
    for level, stride, size in zip(anchored(nothing()), STRIDES, SIZES, strict=True):
        corners = level.anchors.view(2, 2, 3, 2, 2)  # rows, columns, ratios, corners, x and y
        sides = corners[..., 1, :] - corners[..., 0, :]
        middles = corners.mean(3)

        torch.testing.assert_close(sides.prod(-1), torch.full((2, 2, 3), float(size**2)))
        torch.testing.assert_close(sides[0, 0, :, 1] / sides[0, 0, :, 0], torch.tensor(RATIOS))
        assert middles[1, 0].unique(dim=0).tolist() == [[0, stride]]
        assert middles[0, 1].unique(dim=0).tolist() == [[stride, 0]]


def test_an_anchors_numbers_stay_together() -> None:
    """Channels count anchors first, of an anchor the four numbers after."""
    deltas = torch.arange(12.0).view(1, 12, 1, 1).expand(1, 12, 2, 2)
    logits = torch.arange(12.0).view(1, 3, 2, 2)
    levels = nothing()
    levels[0] = LevelRegions(logits, deltas)

    found = anchored(levels)[0]

    assert found.deltas[0, 4].tolist() == [4, 5, 6, 7]
    assert found.logits[0, :4].tolist() == [0, 4, 8, 1]


def one_level(boxes: list[list[float]], logits: list[float]) -> list[Anchored]:
    """Regions that are their anchors."""
    anchors = torch.tensor(boxes)
    return [Anchored(torch.tensor([logits]), torch.zeros(1, len(boxes), 4), anchors)]


BOXES = [[0.0, 0, 40, 40], [1, 0, 41, 40], [50, 50, 90, 120], [-30, 5, -2, 20]]


def test_proposals_are_clipped_and_alike_or_empty_ones_go() -> None:
    levels = one_level(BOXES, [1.0, 2.0, 3.0, 4.0])

    found = proposals(levels, 0, (100, 80), before=9, after=9)

    assert found.tolist() == [[50, 50, 80, 100], [1, 0, 41, 40]]


def test_alike_proposals_of_two_levels_stay() -> None:
    levels = one_level(BOXES[:1], [1.0]) + one_level(BOXES[1:2], [2.0])

    assert len(proposals(levels, 0, (100, 80), before=9, after=9)) == 2


@pytest.mark.parametrize(("before", "after", "count"), [(1, 9, 1), (9, 1, 1), (2, 9, 2)])
def test_only_the_best_proposals_stay(before: int, after: int, count: int) -> None:
    levels = one_level(BOXES[:3], [3.0, 1.0, 2.0])

    found = proposals(levels, 0, (200, 200), before=before, after=after)

    assert len(found) == count
    assert found[0].tolist() == BOXES[0]


def test_answers_that_are_no_numbers_propose_nothing() -> None:
    levels = [
        level._replace(logits=torch.full_like(level.logits, math.nan))
        for level in anchored(nothing())
    ]

    assert proposals(levels, 0, (64, 64), before=9, after=9).shape == (0, 4)


def test_a_region_is_read_from_the_level_of_its_size() -> None:
    sides = torch.tensor([1.0, 111.9, 112.1, 223.9, 224.1, 447.9, 448.1, 4000])
    boxes = torch.stack([sides * 0, sides * 0, sides, sides], 1)

    assert level_of(boxes).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_pooling_reads_each_region_of_its_own_level_and_image() -> None:
    maps = [torch.full((2, 3, 64 // 2**level, 64 // 2**level), float(level)) for level in range(5)]
    for level in maps:
        level[1] += 10
    boxes = torch.tensor([[10.0, 10, 240, 240], [0, 0, 50, 50]])

    found = pooled(maps, 1, boxes)

    assert found.shape == (2, 3, POOLED, POOLED)
    assert found.amax((1, 2, 3)).tolist() == [12, 10]
    assert found.amin((1, 2, 3)).tolist() == [12, 10]


def said(scores: list[float]) -> BoxAnswer:
    """Of regions that hold a person with these probabilities, and are the box."""
    odds = torch.tensor(scores).logit()
    return BoxAnswer(torch.stack([odds, odds * 0], 1), torch.zeros(len(scores), 4))


def test_people_are_the_sure_boxes_without_alike_ones() -> None:
    found = found_boxes(
        torch.tensor(BOXES[:3]),
        said([0.6, 0.9, 0.05]),
        (100, 100),
        least_score=0.05,
        overlap=0.5,
        most_people=9,
    )

    assert found.boxes.tolist() == [BOXES[1]]
    torch.testing.assert_close(found.scores, torch.tensor([0.9]))


def test_no_more_people_than_asked_for_are_found() -> None:
    boxes: Tensor = torch.tensor([[0.0, 0, 9, 9], [20, 0, 29, 9], [40, 0, 49, 9]])
    answer = said([0.5, 0.5, 0.5])

    found = found_boxes(boxes, answer, (99, 99), least_score=0, overlap=0.5, most_people=2)

    assert len(found.boxes) == len(found.scores) == 2
