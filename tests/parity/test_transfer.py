"""The transfer net against recorded numbers of the published ones."""

import re

import numpy as np
import pytest
import torch

from models.networks.transfer import TransferNet

FAMILY = "fspose_transfer"
MODULES = {"offsets": "offsets", "warped": "deform_conv"}


@pytest.fixture
def network(case) -> TransferNet:
    keypoints = case.manifest["offset_feats.0.conv1.weight"][1]
    return TransferNet(keypoints=keypoints).eval()


def test_the_entries_are_the_published_ones(case, network):
    shapes = {name: list(entry.shape) for name, entry in network.state_dict().items()}

    assert case.manifest == shapes


def test_output_offsets_and_single_warps_are_the_recorded_ones(case, network):
    network.load_state_dict(case.entries())
    outputs = {}
    for name in case.expected.keys() - {"output"}:
        kind, place = re.fullmatch(r"(offsets|warped)(\d)", name).groups()
        module = network.get_submodule(f"{MODULES[kind]}{place}")
        module.register_forward_hook(lambda _, __, out, name=name: outputs.update({name: out}))

    with torch.inference_mode():
        current, reference = torch.from_numpy(case.pairs()).chunk(2, dim=1)
        outputs["output"] = network(current, reference)

    warped = case.number(r"output, warped3: max abs difference <= (\S+) \* max\|expected\|")
    offsets = case.number(r"offsets: max abs difference <= (\S+) \* max\|expected\|")
    for name, expected in case.expected.items():
        limit = offsets if name.startswith("offsets") else warped
        error = np.abs(outputs[name].numpy()[case.stored(name)] - expected).max()
        assert error <= limit * np.abs(expected).max(), name
