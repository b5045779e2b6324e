"""What the recorded case of DirectPose's losses does not show: batches, nobody, ties."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.networks import directpose
from models.networks.directpose import STRIDES, DirectPose, Level
from models.training.directpose_loss import (
    SIZES,
    Truth,
    heatmap_classes,
    hulls,
    keypoint_targets,
    losses,
)
from models.training.fcos_loss import BACKGROUND, assigned

SIZE = (64, 96)


@pytest.fixture
def network() -> DirectPose:
    torch.manual_seed(0)
    return directpose.over_resnet(
        (1, 1, 1, 1),
        widths=(8, 16, 16, 32),
        stem_width=8,
        channels=64,
        group_width=4,
        heatmap_width=8,
    )


def person(x: float = 40, y: float = 30) -> Truth:
    """Somebody of 32 x 40 pixels around a point, with all keypoints there but the last."""
    points = torch.linspace(-1, 1, 17)[:, None] * torch.tensor([16.0, 20]) + torch.tensor([x, y])
    keypoints = torch.cat([points, torch.full((17, 1), 2.0)], 1)[None]
    keypoints[0, 16] = 0
    return Truth(hulls(keypoints, SIZE), keypoints)


def nobody() -> Truth:
    return Truth(torch.zeros(0, 4), torch.zeros(0, 17, 3))


def unsaid(count: int = 1) -> list[Level]:
    """Levels of an image of 64 x 96 on which every logit and vector is 0."""
    found = []
    for stride in STRIDES:
        maps = torch.zeros(count, 1, -(-64 // stride), -(-96 // stride))
        vectors = maps.expand(-1, 34, -1, -1)
        found.append(Level(maps, maps, vectors, vectors[:, :0]))
    return found


def gradients(network: DirectPose, truths: list[Truth]) -> dict[str, Tensor]:
    torch.manual_seed(0)
    levels, heatmaps = network.supervised(torch.rand(len(truths), 3, *SIZE) * 100)
    losses(levels, heatmaps, truths).total.backward()
    return {n: p.grad for n, p in network.named_parameters() if p.grad is not None}


def test_every_number_has_a_finite_gradient(network: DirectPose) -> None:
    found = gradients(network, [person(), person(60, 32)])

    assert set(found) == {name for name, _ in network.named_parameters()}
    assert all(bool(grad.isfinite().all()) for grad in found.values())
    assert bool(found["head.locator.weight"].any())
    assert bool(found["head.sampler.0.weight"].any())


def test_a_batch_without_anybody_is_taught_that(network: DirectPose) -> None:
    found = gradients(network, [nobody(), nobody()])

    assert all(bool(grad.isfinite().all()) for grad in found.values())
    assert bool(found["head.cls_logits.weight"].any())
    assert bool(found["heatmaps.logits.weight"].any())
    assert not found["head.locator.weight"].any()
    assert not found["head.ctrness.weight"].any()


def test_a_box_is_a_pixel_larger_than_the_labelled_keypoints_and_ends_in_the_last_pixel() -> None:
    keypoints = torch.tensor(
        [[[10.0, 20, 1], [30, 25, 2], [0, 0, 0]], [[0.5, 3, 1], [95, 63, 1]] * 1 + [[0, 0, 0]]]
    )

    assert hulls(keypoints, SIZE).tolist() == [[9, 19, 31, 26], [0, 2, 95, 63]]


def test_keypoints_are_told_in_the_cells_own_strides_from_its_point() -> None:
    truth = person()
    taught = assigned(unsaid(), STRIDES, [truth.boxes], SIZES, edge=1)

    targets = keypoint_targets(taught, [truth])

    points = taught.places.points[taught.positive]
    assert set(taught.places.levels[taught.positive].tolist()) == {0}
    torch.testing.assert_close(
        targets[:, 3, :2] * 8 + points, truth.keypoints[0, 3, :2].expand(len(points), 2)
    )
    assert not targets[:, 16].any()


def test_people_are_numbered_over_the_batch() -> None:
    truths = [nobody(), person(), person(60, 32)]
    taught = assigned(unsaid(3), STRIDES, [t.boxes for t in truths], SIZES, edge=1)

    here = taught.positive
    assert set(
        zip(taught.places.images[here].tolist(), taught.people[here].tolist(), strict=True)
    ) == {
        (1, 0),
        (2, 1),
    }
    targets = keypoint_targets(taught, truths)
    points = taught.places.points[here][taught.people[here] == 1]
    mine = targets[taught.people[here] == 1][:, 0, :2] * 8 + points
    torch.testing.assert_close(mine, truths[2].keypoints[0, 0, :2].expand(len(mine), 2))


def test_whose_box_is_smaller_is_asked_with_its_last_pixels() -> None:
    """10 x 39.5 is less than 20 x 20, but 11 x 40.5 is more than 21 x 21."""
    boxes = torch.tensor([[22.0, 22, 42, 42], [27, 10, 37, 49.5]])
    cell = 3 * 12 + 3  # at 28, 28, near both boxes' middles

    plain = assigned(unsaid(), STRIDES, [boxes], SIZES).people[cell]
    pixels = assigned(unsaid(), STRIDES, [boxes], SIZES, edge=1).people[cell]

    assert (int(plain), int(pixels)) == (1, 0)


def test_losses_are_shared_by_cells_and_images() -> None:
    truths = [person(), nobody()]
    found = losses(unsaid(2), torch.zeros(2, 17, 8, 12), truths)

    taught = assigned(unsaid(2), STRIDES, [t.boxes for t in truths], SIZES, edge=1)
    positive = len(taught.positive)
    cells = len(taught.people)
    share = (0.25 * positive + 0.75 * (cells - positive)) * 0.25 * torch.log(torch.tensor(2.0))
    torch.testing.assert_close(found.cls, share / (positive + 2))
    assert float(found.centerness) == pytest.approx(float(torch.log(torch.tensor(2.0))))
    assert set(taught.people.tolist()) == {BACKGROUND, 0}


def test_a_person_without_keypoints_on_the_image_teaches_where_people_are_only() -> None:
    """After a crop: the box is cut, the keypoints are gone."""
    unseen = person()._replace(keypoints=torch.zeros(1, 17, 3))

    found = losses(unsaid(), torch.zeros(1, 17, 8, 12), [unseen])

    assert float(found.keypoints) == 0
    assert float(found.centerness) > 0


def test_the_weight_of_the_heatmaps_is_theirs() -> None:
    levels, maps = unsaid(), torch.zeros(1, 17, 8, 12)

    once, fourfold = (
        losses(levels, maps, [person()], heatmaps_weight=1),
        losses(levels, maps, [person()]),
    )

    torch.testing.assert_close(once.heatmaps * 4, fourfold.heatmaps)
    torch.testing.assert_close(once.cls, fourfold.cls)


def test_a_keypoint_marks_the_nearest_cell_and_the_last_one_remains() -> None:
    """Cells' points are 4, 12, ..; of those who are as near, the first."""
    keypoints = torch.zeros(2, 17, 3)
    keypoints[0, 0] = torch.tensor([13, 5, 1])  # column 1, row 0
    keypoints[0, 4] = torch.tensor([11, 3, 1])  # the same cell
    keypoints[1, 2] = torch.tensor([10, 6, 2])  # again
    keypoints[0, 7] = torch.tensor([8, 12, 1])  # between columns 0 and 1 of row 1
    keypoints[0, 8] = torch.tensor([44, 900, 1])  # far below: all columns are as near
    keypoints[0, 9] = torch.tensor([20, 20, 0])  # not labelled

    classes = heatmap_classes(Truth(torch.zeros(2, 4), keypoints), 4, 6).view(4, 6)

    expected = torch.zeros(4, 6, dtype=torch.long)
    expected[0, 1], expected[1, 0], expected[3, 0] = 3, 8, 9
    torch.testing.assert_close(classes, expected)
    assert not heatmap_classes(nobody(), 4, 6).any()
