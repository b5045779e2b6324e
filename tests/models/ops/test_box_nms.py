"""Suppression of overlapping boxes, beside torchvision's."""

import numpy as np
import pytest
import torch
from torchvision.ops import nms

from models.ops.box_nms import box_nms


@pytest.mark.parametrize("count", [0, 1, 2, 40, 600])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.6, 1.0])
def test_the_same_boxes_stay_in_the_same_order_as_in_torchvision(count, overlap):
    rng = np.random.default_rng(count)
    corner, size = rng.uniform(-20, 200, (count, 2)), rng.uniform(0, 90, (count, 2))
    boxes = np.hstack([corner, corner + size]).astype(np.float32)
    scores = rng.choice(np.linspace(0.05, 1, 20), count).astype(np.float32)  # many equal ones

    theirs = nms(torch.from_numpy(boxes), torch.from_numpy(scores), overlap)

    assert box_nms(boxes, scores, overlap) == theirs.tolist()


def test_as_much_as_is_allowed_may_overlap():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]], np.float32)  # IoU 0.5

    assert box_nms(boxes, np.array([0.5, 0.9]), 0.5) == [1, 0]
    assert box_nms(boxes, np.array([0.5, 0.9]), 0.49) == [1]


def test_what_has_no_score_goes():
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)

    assert box_nms(boxes, np.array([0.0, 0.1]), 0.5) == [1]
