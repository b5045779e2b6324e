"""DirectPose's selection of people against recorded ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from models.backends._views import Settings
from models.backends.directpose import MOST_CANDIDATES, ORIGINAL, people_of
from models.networks.directpose import STRIDES, Level

FAMILY = "directpose_decode"


def given(case: Any) -> list[Level]:
    """Nobody anywhere but in the case's cells, whose vectors are in pixels there."""
    levels = []
    for height, width in case.text["input"]["level_sizes"]:
        logits = torch.full((1, 1, height, width), -10.0)
        vectors = torch.zeros(1, 34, height, width)
        levels.append(Level(logits, torch.zeros_like(logits), vectors, vectors[:, :0]))
    for cell in case.text["input"]["cells"]:
        place = (0, slice(None), cell["y"], cell["x"])
        level, stride = levels[cell["level"]], STRIDES[cell["level"]]
        level.logits[place] = cell["logit"]
        level.centerness[place] = cell["centerness"]
        level.vectors[place] = torch.tensor(cell["kps"]) / stride
    return levels


def test_the_people_are_the_recorded_ones(case: Any) -> None:
    assert case.text["input"]["strides"] == list(STRIDES)
    wanted = case.text["parameters"]
    height, width = case.text["input"]["image_height_width"]
    settings = Settings(
        side=800,
        longest=1333,
        scales=(1.0,),
        flip=False,
        least_score=wanted["score_threshold"],
        overlap=wanted["nms_threshold"],
        most_people=wanted["detections_per_image"],
    )
    assert wanted["pre_nms_top_n"] == MOST_CANDIDATES

    found = people_of(given(case), 0, (width, height), ORIGINAL, settings)

    near = {"rtol": case.number(r"(\S+) relative"), "atol": 1e-5}
    expected = case.expected
    np.testing.assert_allclose(found.scores, expected["scores"], **near)
    # Recorded boxes end in their last pixels, ours where these end.
    last = found.boxes - torch.tensor([0.0, 0, 1, 1])
    np.testing.assert_allclose(last, expected["boxes"], **near)
    np.testing.assert_allclose(found.points, expected["keypoints"][..., :2], **near)
