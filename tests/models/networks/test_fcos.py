"""FCOS: who is a candidate, how boxes are read, who remains."""

from __future__ import annotations

import torch

from models.networks.fcos import FCOSHead, LevelAnswer, people_of, strongest, tower

ALL = {"least_score": 0.05, "most_candidates": 1000, "overlap": 0.6, "most_people": 100}


def answer(height: int, width: int) -> LevelAnswer:
    """Nobody anywhere, centre-ness 1, sides of one stride."""
    maps = torch.full((1, 1, height, width), -20.0)
    sides = torch.ones(1, 4, height, width)
    return LevelAnswer(maps, sides, -maps, torch.zeros(1, 2, height, width))


def test_a_box_lies_around_its_cell_in_strides() -> None:
    fine, coarse = answer(4, 6), answer(2, 3)
    coarse.logits[0, 0, 1, 2] = 20
    coarse.sides[0, :, 1, 2] = torch.tensor([0.5, 1, 1.5, 2])

    found = people_of([fine, coarse], (8, 16), 0, **ALL)  # type: ignore[arg-type]

    assert found.boxes.tolist() == [[40 - 8, 24 - 16, 40 + 24, 24 + 32]]
    assert found.places.points.tolist() == [[40, 24]]
    assert (found.places.levels.tolist(), found.places.cells.tolist()) == ([1], [5])


def test_the_threshold_is_for_the_class_and_the_score_counts_the_middle_too() -> None:
    level = answer(1, 3)
    level.logits[0, 0, 0] = torch.tensor([0.051, 0.049, 0.9]).logit()
    level.centerness[0, 0, 0] = torch.tensor([0.01, 1.0, 0.25]).logit()

    found = people_of([level], (64,), 0, **ALL)  # type: ignore[arg-type]

    assert found.places.cells.tolist() == [2, 0]
    expected = torch.tensor([(0.9 * 0.25) ** 0.5, (0.051 * 0.01) ** 0.5])
    torch.testing.assert_close(expected, found.scores)


def test_of_each_level_only_the_best_candidates_are_looked_at() -> None:
    level = answer(1, 4)
    level.logits[0, 0, 0] = torch.tensor([1.0, 3.0, 2.0, 4.0])

    found = people_of([level, level], (64, 64), 0, **{**ALL, "most_candidates": 2, "overlap": 1})  # type: ignore[arg-type]

    assert found.places.cells.tolist() == [3, 3, 1, 1]
    assert sorted(found.places.levels.tolist()) == [0, 0, 1, 1]


def test_the_weaker_of_two_boxes_goes() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]])

    kept = strongest(boxes, torch.tensor([0.5, 0.9, 0.1]), overlap=0.6, most=100)

    assert kept.tolist() == [1, 2]


def test_those_who_score_as_the_last_one_remain_too() -> None:
    boxes = torch.tensor([[i * 20.0, 0, i * 20 + 10, 10] for i in range(4)])

    kept = strongest(boxes, torch.tensor([0.5, 0.9, 0.5, 0.1]), overlap=0.6, most=2)

    assert sorted(kept.tolist()) == [0, 1, 2]


def test_nobody_is_an_answer() -> None:
    found = people_of([answer(2, 2)], (8,), 0, **ALL)  # type: ignore[arg-type]

    assert found.boxes.shape == (0, 4)
    assert found.places.points.shape == (0, 2)


def test_a_head_shares_its_towers_and_scales_each_level() -> None:
    torch.manual_seed(0)
    head = FCOSHead(levels=2, channels=32)
    with torch.no_grad():
        head.bbox_pred.bias.fill_(1)
        head.scales[1].scale.fill_(3)
    x = torch.rand(1, 32, 4, 4)

    first, second = head([x, x])

    torch.testing.assert_close(first.logits, second.logits)
    torch.testing.assert_close(first.sides * 3, second.sides)
    assert bool((first.sides >= 0).all())


def test_with_one_tower_class_and_box_read_the_same_map() -> None:
    head = FCOSHead(levels=1, channels=32, shared=4, separate=0)
    x = torch.rand(1, 32, 4, 4)

    (found,) = head([x])

    torch.testing.assert_close(head.share_tower(x), found.tower)
    assert not [name for name in head.state_dict() if name.startswith(("cls_tower", "bbox_tower"))]


def test_a_fresh_head_thinks_that_few_cells_hold_a_person() -> None:
    torch.manual_seed(0)

    (found,) = FCOSHead(levels=1, channels=32)([torch.rand(1, 32, 8, 8)])

    assert 0.005 < float(found.logits.detach().sigmoid().mean()) < 0.02


def test_a_tower_may_keep_groups_apart_after_its_first_convolution() -> None:
    made = tower(8, 36, 2, norm_groups=9, conv_groups=9)

    convs = [layer for layer in made if isinstance(layer, torch.nn.Conv2d)]
    assert [conv.groups for conv in convs] == [1, 9]
