"""hpos, whole, against recorded activations of the published network."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from models import detectron
from models.networks import hpos
from models.networks.hpos import Hpos
from models.networks.hpos_head import cut_out, read_keypoints, regions_of
from models.networks.rcnn import REGION_CODER, pooled
from models.preprocess import padded_bgr

FAMILY = "hpos_model"
LEVELS = ("p2", "p3", "p4", "p5", "p6")


@pytest.fixture
def network(case: Any) -> Hpos:
    with torch.device("meta"):
        return hpos.hpos_r50(17).eval()


def test_the_entries_are_the_published_ones(case: Any, network: Hpos) -> None:
    shapes = {name: list(entry.shape) for name, entry in network.state_dict().items()}

    assert case.manifest == shapes


def test_the_activations_and_keypoints_are_the_recorded_ones(
    case: Any, network: Hpos, fill: Any
) -> None:
    size = re.search(r"fill\.image\((\d+), (\d+), seed\)", case.text["input"]["image"])
    assert size
    images = padded_bgr([fill.image(int(size[1]), int(size[2]), case.seed)], "cpu")
    boxes = torch.tensor(case.text["input"]["boxes"])
    network = network.to_empty(device="cpu")
    detectron.fit(network, case.entries(), {}, case.folder, hpos.RENAMES)
    with torch.inference_mode():
        answer = network.eval()(images)
        features = pooled(answer.maps, 0, boxes)
        of_boxes = network.box_answer(answer, 0, boxes)
        regions = regions_of(boxes, (images.shape[2], images.shape[3]))
        logits = network.roi_heads.keypoint_head(cut_out(answer.maps[0][0], regions))
        keypoints = network.keypoints_of(answer, 0, boxes)

    for level, feat, said in zip(LEVELS, answer.maps, answer.regions, strict=True):
        case.assert_activation(f"feat_{level}", feat)
        step = _step(case, level)
        for name, values in (("rpn_logits", said.logits), ("rpn_deltas", said.deltas)):
            case.assert_close(f"{name}_{level}", values[..., ::step, ::step])
    case.assert_activation("box_features", features)
    case.assert_activation("cls_logits", of_boxes.logits)
    case.assert_activation("box_deltas", of_boxes.deltas)
    case.assert_activation("decoded_boxes", REGION_CODER.decode_single(of_boxes.deltas, boxes))
    case.assert_activation("logits", logits)
    np.testing.assert_array_equal(
        read_keypoints(logits, regions).points.numpy(), keypoints.points.numpy()
    )
    within, margin, score = case.numbers(
        r"x,y to (\S+) where argmax_margin > (\S+); score rtol (\S+)",
        case.text["tolerance"]["keypoints"],
    )
    sure = case.expected["argmax_margin"] > margin
    expected = case.expected["keypoints"]
    assert sure.mean() > 0.9
    np.testing.assert_allclose(keypoints.points[sure], expected[sure][:, :2], atol=within)
    np.testing.assert_allclose(keypoints.odds, expected[..., 2], rtol=score)


def _step(case: Any, level: str) -> int:
    """By words like 'spatially subsampled by 4 (p2), 2 (p3), 1 (others)'."""
    words = case.text["outputs"]["rpn_logits_pK / rpn_deltas_pK"]
    found = re.search(rf"(\d) \({level}\)", words) or re.search(r"(\d) \(others\)", words)
    assert found
    return int(found[1])
