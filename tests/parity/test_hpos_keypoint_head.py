"""hpos's keypoint branch behind the regions: activations and keypoints against recorded ones."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models.networks.hpos_head import KeypointHead, Regions, read_keypoints

FAMILY = "hpos_keypoint_head"


@pytest.fixture
def head(case: Any) -> KeypointHead:
    head = KeypointHead(256, 512, 17).eval()
    shapes = {name: list(entry.shape) for name, entry in head.state_dict().items()}
    assert shapes == case.manifest
    head.load_state_dict(case.entries())
    return head


def given(case: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Region features and boxes, by the numbers in the case's words."""
    features, boxes = case.text["input"]["features"], case.text["input"]["boxes"]
    shape = re.search(r"standard_normal\(\(([\d,]+)\)\)", features)
    corner = re.search(r"xy=rng\.uniform\((\d+),(\d+),", boxes)
    sides = re.search(r"wh=rng\.uniform\(\[(\d+),(\d+)\],\[(\d+),(\d+)\],", boxes)
    assert shape, features
    assert corner, boxes
    assert sides, boxes
    rng = np.random.default_rng(case.seed)
    values = rng.standard_normal(tuple(map(int, shape[1].split(",")))).astype(np.float32)
    low, high = map(int, corner.groups())
    xy = rng.uniform(low, high, (len(values), 2))
    least, most = np.array(list(map(int, sides.groups()))).reshape(2, 2)
    wh = rng.uniform(least, most, (len(values), 2))
    return torch.from_numpy(values), torch.from_numpy(np.hstack([xy, xy + wh]).astype(np.float32))


def test_activations_and_keypoints_are_the_recorded_ones(case: Any, head: KeypointHead) -> None:
    features, boxes = given(case)
    layers = {
        "after_conv_relu1": "conv_channel",
        "after_MHSA_1": "MHSA_1",
        "after_conv_fcn_relu4": "conv_fcn4",
        "after_MHSA_5": "MHSA_5",
        "after_conv_fcn_relu8": "conv_fcn8",
        "after_score_lowres": "score_lowres",
    }
    seen: dict[str, torch.Tensor] = {}

    def follow(name: str, layer: str) -> None:
        def keep(_: nn.Module, __: object, output: torch.Tensor) -> None:
            seen[name] = output.relu() if layer.startswith("conv_") else output.clone()

        head.get_submodule(layer).register_forward_hook(keep)

    for name, layer in layers.items():
        follow(name, layer)
    with torch.inference_mode():
        logits = head(features)
        keypoints = read_keypoints(logits, Regions(boxes, (0, 0, 0, 0)))

    for name, found in {**seen, "logits": logits}.items():
        case.assert_activation(name, found)
    within, margin, score = case.numbers(
        r"exactly to (\S+) where argmax_margin > (\S+); score rtol (\S+)",
        case.text["tolerance"]["keypoints"],
    )
    sure = case.expected["argmax_margin"] > margin
    expected = case.expected["keypoints"]
    assert sure.mean() > 0.9
    np.testing.assert_allclose(keypoints.points[sure], expected[sure][:, :2], atol=within)
    np.testing.assert_allclose(keypoints.peaks[sure], expected[sure][:, 2], rtol=score)
    np.testing.assert_allclose(keypoints.odds, expected[..., 3], rtol=score)


def test_scores_lie_between_0_and_1_where_the_published_odds_may_not(
    case: Any, head: KeypointHead
) -> None:
    features, boxes = given(case)
    with torch.inference_mode():
        found = read_keypoints(head(features), Regions(boxes, (0, 0, 0, 0)))

    assert ((found.scores > 0) & (found.scores <= 1)).all()
