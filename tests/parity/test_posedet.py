"""PoseDet's networks against recorded numbers of the published ones."""

import re

import numpy as np
import pytest
import torch

from models import layouts
from models.networks.posedet import PoseDet, posedet_dla, posedet_hrnet
from models.preprocess import normalised

FAMILY = ("posedet_dla34", "posedet_hrnet_w")


@pytest.fixture
def network(case) -> PoseDet:
    """The variant of the case's name, without numbers."""
    keypoints = case.manifest["bbox_head.heatmap_out.weight"][0]
    found = re.search(r"hrnet_w(\d+)", case.folder.name)
    with torch.device("meta"):
        if found is None:
            return posedet_dla(keypoints=keypoints)
        return posedet_hrnet(width=int(found[1]), keypoints=keypoints)


def test_the_entries_are_the_published_ones(case, network):
    shapes = {name: list(entry.shape) for name, entry in network.state_dict().items()}

    assert case.manifest == shapes


def test_the_entries_say_what_to_build(case, network):
    arguments = layouts.posedet_arguments(network.state_dict())

    with torch.device("meta"):
        built = (posedet_hrnet if "width" in arguments else posedet_dla)(**arguments)
    assert {n: list(e.shape) for n, e in built.state_dict().items()} == case.manifest


def test_backbone_neck_and_head_answer_as_recorded(case, network, fill):
    if "seed" not in case.text:
        pytest.skip("a manifest only")
    network.load_state_dict(case.entries(), assign=True)
    network.eval()
    image = normalised([fill.image(*drawn_by(case))], "cpu")

    with torch.inference_mode():
        backbone = network.backbone.pyramid(image)
        neck = network.neck(backbone)
        head = network.bbox_head
        levels = [head(x, stride) for x, stride in zip(neck, network.strides, strict=True)]
        heatmaps = [head.heatmaps(x) for x in neck]

    outputs = {
        "backbone": backbone,
        "neck": neck,
        "cls": [level.logits for level in levels],
        "init": [level.first for level in levels],
        "refine": [level.refined for level in levels],
        "heatmap": heatmaps,
    }
    tolerance = case.text["tolerance"]
    for name, expected in case.expected.items():
        kind, level = name.rsplit("_", 1)
        found = outputs[kind][int(level)][0].numpy()[thinned(case, name)]
        limit = tolerance["head_abs"]
        if kind in ("backbone", "neck"):
            limit = tolerance["neck_backbone_rel_to_max"] * np.abs(expected).max()
        np.testing.assert_allclose(found, expected, rtol=0, atol=limit, err_msg=name)


def drawn_by(case) -> list[int]:
    """Height, width and seed of the case's image."""
    words = case.text["input"]["made_by"]
    return [int(n) for n in case.numbers(r"fill\.image\((\d+), *(\d+), *(\d+)\)", words)]


def thinned(case, name: str) -> tuple[slice, ...]:
    """Which numbers of an output were recorded."""
    found = re.search(r"subsample \[(.*?)\]", case.text["outputs"][name]["meaning"])
    steps = re.findall(r":(?::(\d+))?(?=,|$)", found[1]) if found else []
    return tuple(slice(None, None, int(step or 1)) for step in steps)
