"""The fast network against recorded numbers of the published one."""

import numpy as np
import pytest
import torch

from models.networks.mobilenet import MobileNet
from models.preprocess import normalised

FAMILY = "fspose_mobilenet"


@pytest.fixture
def network(case) -> MobileNet:
    return MobileNet(case.manifest["hm_conv.weight"][0]).eval()


def test_the_entries_are_the_published_ones(case, network):
    shapes = {name: list(entry.shape) for name, entry in network.state_dict().items()}

    assert case.manifest == shapes


def test_logits_heatmaps_and_coordinates_are_the_recorded_ones(case, network):
    network.load_state_dict(case.entries())

    with torch.inference_mode():
        output = network(normalised(case.images(), "cpu"))

    logits = output.logits.numpy()[case.stored("logits")]
    limit = case.number(r"logits: max abs difference <= (\S+) \* max\|logits\|")
    error = np.abs(logits - case.expected["logits"]).max()
    assert error <= limit * np.abs(case.expected["logits"]).max()
    relative, absolute = case.numbers(r"heatmaps: relative (\S+) with absolute ([^;\s]+)")
    heatmaps = output.heatmaps.numpy()[case.stored("heatmaps")]
    np.testing.assert_allclose(heatmaps, case.expected["heatmaps"], rtol=relative, atol=absolute)
    absolute = case.number(r"coords: absolute (\S+)")
    np.testing.assert_allclose(
        output.coordinates.numpy(), case.expected["coords"], rtol=0, atol=absolute
    )
