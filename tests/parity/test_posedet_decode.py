"""From PoseDet's maps to people against recorded rows of the published code."""

import re

import numpy as np
import torch

from data.skeleton import COCO_17, CROWDPOSE_14
from models.networks.posedet import Level
from models.posedet_people import Candidates, candidates, people, turned_back

FAMILY = "posedet_decode"
SKELETONS = {17: COCO_17, 15: CROWDPOSE_14}


def test_people_and_their_order_are_the_recorded_ones(case):
    tolerance = case.text["tolerance"]

    for words in case.text["subcases"]:
        skeleton = SKELETONS[words["keypoints"]]
        views = [view(case, words, place) for place in range(len(listed(words["inputs"])))]
        found = people(
            views,
            skeleton,
            overlap=words.get("oks_nms_thr", 0.2),
            most=words.get("max_per_img", 100),
        )

        rows = case.expected[words["name"]]
        assert len(rows) == len(found.scores), words["name"]
        keypoints = rows[:, :-1].reshape(-1, words["keypoints"], 3)[:, : len(skeleton), :2]
        near = tolerance["coordinates_abs"]
        np.testing.assert_allclose(found.points, keypoints, rtol=0, atol=near)
        np.testing.assert_allclose(found.scores, rows[:, -1], rtol=0, atol=tolerance["score_abs"])


def listed(value):
    return value if isinstance(value, list) else [value]


def view(case, words, place: int) -> Candidates:
    """One of a sub-case's inputs, in pixels of the original image."""
    name, _, change = listed(words["inputs"])[place].partition("_*")
    less = re.search(r"([\d.]+) subtracted", change)
    minus = np.float32(less[1] if less else 0)
    levels = [
        Level(
            stride,
            torch.from_numpy(case.inputs[f"{name}_cls_{level}"] - minus)[None],
            torch.empty(0),
            torch.from_numpy(case.inputs[f"{name}_refine_{level}"])[None],
        )
        for level, stride in enumerate(words["strides"])
    ]
    (height, width), zoom = (one(words[key], place) for key in ("img_shape", "scale_factor"))
    (found,) = candidates(
        levels,
        size=(width, height),
        most=words.get("nms_pre", 500),
        least_score=words.get("score_thr", 0.05),
    )
    if words.get("rescale", True):
        found = Candidates(found.points / torch.tensor(zoom), found.scores)
    if one(words.get("flip", False), place):
        mirror = SKELETONS[words["keypoints"]].mirror
        found = turned_back(found, width / zoom[0], mirror)
    return found


def one(value, place: int):
    """The value of one of several inputs, or what all have."""
    return value[place] if isinstance(value, list) and isinstance(value[0], (list, bool)) else value
