"""Folding changes the speed of a network, not its answers."""

import numpy as np
import pytest
import torch
from torch import nn

from models.folding import folded
from models.networks.finder import FinderNet
from models.networks.hrnet import HRNet
from models.networks.plain import PlainNet
from models.networks.slim_transfer import SlimTransfer

TRUNK = {"width": 4, "keypoints": 1, "modules": (1, 1, 1), "blocks": 1, "stem": 4}
NETWORKS = {
    "hrnet": lambda: HRNet(width=4, keypoints=3, modules=(1, 1, 1), blocks=1, stem=4),
    "plain": lambda: PlainNet(keypoints=3, widths=(8, 8, 8), blocks=1),
    "finder": lambda: FinderNet(trunk=TRUNK, head=8),
    "slim transfer": lambda: SlimTransfer(keypoints=3, channels=8, blocks=1),
}


def disturbed(network: nn.Module) -> nn.Module:
    """The network with statistics and weights as a trained one might have."""
    generator = torch.Generator().manual_seed(1)
    for name, value in network.state_dict().items():
        if name.endswith(("running_mean", "running_var", "weight", "bias")):
            value += 0.2 * torch.rand(value.shape, generator=generator)
    return network.eval()


def answers(network: nn.Module, name: str) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    inputs = [torch.rand(2, 3, 64, 64, generator=generator)]
    if name == "slim transfer":
        inputs.append(torch.rand(2, 3, 64, 64, generator=generator))
    with torch.inference_mode():
        found = network(*inputs)
    return list(found) if isinstance(found, tuple) else [found]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_folded_network_answers_as_before(name: str) -> None:
    torch.manual_seed(0)
    network = disturbed(NETWORKS[name]())

    lean = folded(network)

    assert not any(isinstance(module, nn.BatchNorm2d) for module in lean.modules())
    for before, after in zip(answers(network, name), answers(lean, name), strict=True):
        largest = float(before.abs().max())
        np.testing.assert_allclose(after.numpy(), before.numpy(), rtol=0, atol=1e-5 * largest)


def test_folding_leaves_the_original_as_it_was() -> None:
    network = disturbed(NETWORKS["plain"]())

    folded(network)

    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
