"""DirectPose's targets and losses against recorded ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models.networks.directpose import STRIDES, Level
from models.training.directpose_loss import (
    HEATMAPS_WEIGHT,
    SIZES,
    Truth,
    heatmap_classes,
    hulls,
    keypoint_targets,
    losses,
)
from models.training.fcos_loss import Assigned, assigned

FAMILY = "directpose_loss"


class Given:
    """The case's people and what the network says of them."""

    def __init__(self, case: Any) -> None:
        words = case.text["input"]
        rng = np.random.default_rng(case.seed)
        sizes = words["level_sizes"]

        def drawn(channels: int, size: list[int], spread: float, middle: float) -> torch.Tensor:
            values = rng.standard_normal((1, channels, *size)) * spread + middle
            return torch.from_numpy(values.astype(np.float32))

        logits = [drawn(1, size, 1.5, -2) for size in sizes]
        centerness = [drawn(1, size, 1, 0) for size in sizes]
        vectors = [drawn(34, size, 2, 0) for size in sizes]
        self.heatmaps = drawn(17, sizes[0], 1.5, -3)
        parts = zip(logits, centerness, vectors, strict=True)
        self.levels = [Level(*one, one[2][:, :0]) for one in parts]
        keypoints = torch.tensor(words["keypoints"])
        self.truth = Truth(hulls(keypoints, tuple(words["image_height_width"])), keypoints)

    @property
    def taught(self) -> Assigned:
        return assigned(self.levels, STRIDES, [self.truth.boxes], SIZES, edge=1)


@pytest.fixture
def given(case: Any) -> Given:
    return Given(case)


def close(case: Any, found: Any, name: str) -> None:
    near = case.number(r"rtol (\S+)")
    np.testing.assert_allclose(found, case.expected[name], rtol=near, atol=1e-6, err_msg=name)


def test_cells_answer_for_the_recorded_people(case: Any, given: Given) -> None:
    taught = given.taught
    here = taught.positive

    close(case, given.truth.boxes, "gt_boxes")
    np.testing.assert_array_equal(case.expected["positive_cells"], here)
    close(case, taught.centerness[here], "centerness_targets")
    close(case, keypoint_targets(taught, [given.truth]), "kps_targets")


def test_the_marked_cells_are_the_recorded_ones(case: Any, given: Given) -> None:
    classes = heatmap_classes(given.truth, *given.heatmaps.shape[2:])

    cells, kinds = case.expected["heatmap_label_cells"]
    np.testing.assert_array_equal(cells, classes.nonzero()[:, 0])
    np.testing.assert_array_equal(kinds, classes[classes > 0])


def test_the_losses_are_the_recorded_ones(case: Any, given: Given) -> None:
    assert case.text["parameters"]["heatmaps_loss_weight"] == HEATMAPS_WEIGHT

    found = losses(given.levels, given.heatmaps, [given.truth])

    close(case, torch.stack(found), "losses")
    torch.testing.assert_close(found.total, torch.stack(found).sum())
