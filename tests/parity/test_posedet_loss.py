"""PoseDet's targets and losses against recorded numbers of the published code."""

import numpy as np
import pytest
import torch

from data.skeleton import COCO_17, CROWDPOSE_14
from models.networks.posedet import Level, points_of
from models.training.posedet_loss import losses
from models.training.posedet_targets import Truth, assigned, heatmap_targets

FAMILY = "posedet_loss"
STRIDES = (8, 16, 32, 64)


@pytest.fixture
def truths(case) -> list[Truth]:
    found = []
    while f"gt_bboxes_{len(found)}" in case.inputs:
        keypoints, boxes, labelled = (
            torch.from_numpy(case.inputs[f"gt_{name}_{len(found)}"])
            for name in ("keypoints", "bboxes", "num_keypoints")
        )
        found.append(Truth(keypoints.reshape(len(boxes), -1, 3), boxes, labelled))
    return found


@pytest.fixture
def maps(case, truths) -> dict[str, list[torch.Tensor]]:
    """The given head outputs by name, one (N, C, h, w) per level, as leaves of the graph."""
    levels = [n for n in range(len(STRIDES)) if f"cls_0_{n}" in case.inputs]
    return {
        name: [
            torch.from_numpy(
                np.stack([case.inputs[f"{name}_{image}_{level}"] for image in range(len(truths))])
            ).requires_grad_()
            for level in levels
        ]
        for name in ("cls", "init", "refine", "heatmap")
    }


@pytest.fixture
def levels(maps) -> list[Level]:
    rows = zip(STRIDES, maps["cls"], maps["init"], maps["refine"], strict=False)
    return [Level(*row) for row in rows]


def sigmas(truths) -> torch.Tensor:
    skeleton = COCO_17 if truths[0].keypoints.shape[1] == 17 else CROWDPOSE_14
    return torch.from_numpy(skeleton.sigmas)


def test_losses_and_gradients_are_the_recorded_ones(case, truths, maps, levels):
    tolerance = case.text["tolerance"]

    told = losses(levels, maps["heatmap"], truths, sigmas(truths))
    told.total.backward()

    found = {
        "loss_cls": told.scores,
        "loss_keypoints_init": told.first,
        "loss_keypoints_refine": told.refined,
        "heatmap_loss": told.heatmaps.reshape(1),
        "total": told.total,
    }
    for name, value in found.items():
        np.testing.assert_allclose(
            value.detach(), case.expected[name], rtol=tolerance["losses_rel"], err_msg=name
        )
    for name, tensors in maps.items():
        sums = [float(tensor.grad.abs().sum()) for tensor in tensors]
        expected = case.expected[f"grad_abs_sum_{name}"]
        np.testing.assert_allclose(sums, expected, rtol=tolerance["grad_rel"], err_msg=name)


def test_every_cells_person_is_the_recorded_one(case, truths, levels):
    sizes = [(level.stride, *level.logits.shape[2:]) for level in levels]
    for image, truth in enumerate(truths):
        poses = torch.cat([points_of(level.first, level.stride)[image] for level in levels])

        found = assigned(truth, poses.detach(), sizes, sigmas(truths))

        for stage, people in zip(("init", "refine", "cls"), found, strict=True):
            name = f"assign_{stage}_{image}"
            np.testing.assert_array_equal(people, case.expected[name], err_msg=name)


def test_heatmaps_to_learn_are_the_recorded_ones(case, truths, levels):
    near = case.text["tolerance"]["heatmap_abs"]
    for image, truth in enumerate(truths):
        for place, level in enumerate(levels):
            target, weights = heatmap_targets(truth, level.stride, *level.logits.shape[2:])

            expected = case.expected[f"heatmap_sum_{image}_{place}"]
            np.testing.assert_allclose(target.sum((1, 2)), expected, rtol=0, atol=near)
            blind = case.expected[f"heatmap_weight_zeros_{image}"][place]
            assert blind == int((weights == 0).sum())
