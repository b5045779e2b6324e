"""What hpos's keypoint branch is taught: regions, cells and loss against recorded ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch

from models.networks.hpos_head import regions_of
from models.training.hpos_loss import keypoint_loss
from models.training.hpos_targets import labels_of

FAMILY = "hpos_keypoint_targets"


def logits(case: Any, count: int) -> torch.Tensor:
    """The maps that the case's words tell; the generator made the keypoints before."""
    words = case.text["input"]["logits"]
    assert "3 draws per box in box order (uniform 17 x, uniform 17 y, integers 17 in 0..2" in words
    found = re.search(r"standard_normal\(\(([\d,]+)\)\)\.astype\(float32\)\*(\d+)", words)
    assert found, words
    rng = np.random.default_rng(case.seed)
    for _ in range(count):
        rng.uniform(size=17)
        rng.uniform(size=17)
        rng.integers(0, 3, 17)
    shape = tuple(map(int, found[1].split(",")))
    return torch.from_numpy(rng.standard_normal(shape).astype(np.float32) * int(found[2]))


def test_regions_cells_and_the_loss_are_the_recorded_ones(case: Any) -> None:
    boxes = torch.tensor(case.text["input"]["proposal_boxes"])
    keypoints = torch.tensor(case.text["input"]["gt_keypoints"])
    height, width = (4 * cells for cells in case.text["input"]["p2_size"])

    regions = regions_of(boxes, (height, width))
    labels = labels_of(regions, keypoints)
    loss = keypoint_loss(logits(case, len(boxes)), labels)

    (tolerance,) = case.numbers(r"loss rtol (\S+)", case.text["tolerance"])
    assert case.expected["pad_units"].tolist() == list(regions.units)
    np.testing.assert_allclose(regions.boxes, case.expected["boxes"], rtol=1e-6)
    np.testing.assert_array_equal(labels.cells, case.expected["labels"])
    np.testing.assert_array_equal(labels.valid, case.expected["valid"])
    np.testing.assert_allclose(loss, case.expected["loss"][0], rtol=tolerance)
