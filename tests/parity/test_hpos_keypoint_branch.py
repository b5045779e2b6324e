"""hpos's whole keypoint branch, from P2 and boxes, against recorded regions and keypoints."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch

from models.networks.hpos_head import KeypointHead, cut_out, read_keypoints, regions_of

FAMILY = "hpos_keypoint_branch"


def test_regions_maps_and_keypoints_are_the_recorded_ones(case: Any) -> None:
    words = case.text["input"]["p2"]
    shape = re.search(r"standard_normal\(\(([\d,]+)\)\)", words)
    assert shape, words
    rng = np.random.default_rng(case.seed)
    values = rng.standard_normal(tuple(map(int, shape[1].split(",")))).astype(np.float32)
    finest, boxes = torch.from_numpy(values)[0], torch.tensor(case.text["input"]["boxes"])
    head = KeypointHead(256, 512, 17).eval()
    head.load_state_dict(case.entries())

    with torch.inference_mode():
        regions = regions_of(boxes, (4 * finest.shape[1], 4 * finest.shape[2]))
        features = cut_out(finest, regions)
        logits = head(features)
        keypoints = read_keypoints(logits, regions)

    left, top, right, bottom = regions.units
    height, width = finest.shape[1] + 8 * (top + bottom), finest.shape[2] + 8 * (left + right)
    assert case.expected["padded_feature_size"].tolist() == [1, len(finest), height, width]
    np.testing.assert_allclose(regions.boxes, case.expected["shifted_boxes"], atol=1e-4)
    case.assert_activation("roi_features", features)
    case.assert_activation("logits", logits)
    within, margin, score = case.numbers(
        r"x,y to (\S+) where argmax_margin > (\S+); score rtol (\S+)",
        case.text["tolerance"]["keypoints"],
    )
    sure = case.expected["argmax_margin"] > margin
    expected = case.expected["keypoints"]
    assert sure.mean() > 0.9
    np.testing.assert_allclose(keypoints.points[sure], expected[sure][:, :2], atol=within)
    np.testing.assert_allclose(keypoints.odds, expected[..., 2], rtol=score)
