"""The transfer net's sizes and what its offsets mean; its numbers are proved in tests/parity."""

import pytest
import torch

from models.networks.transfer import TransferNet


def test_the_published_net_has_the_published_size():
    network = TransferNet()

    assert sum(p.numel() for p in network.parameters()) == 7_558_605
    assert len(network.state_dict()) == 256


@pytest.mark.parametrize(("height", "width"), [(16, 12), (7, 9), (1, 1)])
def test_a_slim_net_takes_maps_of_any_size(height, width):
    network = TransferNet(keypoints=19, blocks=3, channels=16, dilations=(1, 3), offset_kernel=1)
    maps = torch.rand(2, 19, height, width)

    assert maps.shape == network.eval()(maps, maps).shape


def test_every_entry_learns():
    torch.manual_seed(0)
    network = TransferNet(keypoints=3, blocks=2, channels=8, dilations=(1, 2))
    for place in (1, 2):
        torch.nn.init.normal_(network.get_submodule(f"offsets{place}").weight, std=0.1)

    network(torch.rand(2, 3, 12, 12), torch.rand(2, 3, 12, 12)).square().sum().backward()

    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
