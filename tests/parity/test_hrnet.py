"""HRNet against recorded maps of the published network."""

import numpy as np
import pytest
import torch

from models.networks.hrnet import HRNet, hrnet_w32, hrnet_w48
from models.preprocess import normalised

FAMILY = "hrnet_w"
VARIANTS = {"hrnet_w32": hrnet_w32, "hrnet_w48": hrnet_w48}


@pytest.fixture
def network(case) -> HRNet:
    keypoints = case.manifest["final_layer.weight"][0]
    return VARIANTS[case.folder.name[: len("hrnet_w32")]](keypoints).eval()


def test_the_entries_are_the_published_ones(case, network):
    shapes = {name: list(entry.shape) for name, entry in network.state_dict().items()}

    assert case.manifest == shapes


def test_the_maps_are_the_recorded_ones(case, network):
    network.load_state_dict(case.entries())

    with torch.inference_mode():
        maps = network(normalised(case.images(), "cpu")).numpy()

    relative = case.number(r"max abs difference <= (\S+) \* absmax")
    equal, joints = case.numbers(r"argmax equal in >= (\d+) of (\d+) joints")
    error = np.abs(maps[case.stored("heatmaps")] - case.expected["heatmaps"]).max((1, 2, 3))
    assert (error <= relative * case.expected["absmax"]).all(), error / case.expected["absmax"]
    highest = np.abs(maps).max((1, 2, 3))
    np.testing.assert_allclose(highest, case.expected["absmax"], rtol=relative)
    places = maps.reshape(*maps.shape[:2], -1).argmax(2)
    assert maps.shape[1] == joints
    assert ((places == case.expected["argmax"]).sum(1) >= equal).all()
