"""The networks of the recipes, and what they may begin with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from data.errors import WeightsError
from models import layouts
from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet
from models.training.published import networks


def saved(network: nn.Module, path: Path) -> Path:
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.parametrize("make", [networks.slow, networks.fast, networks.transferring])
def test_a_seed_draws_the_same_network_whatever_was_drawn_before(make) -> None:
    arguments = ("w32", 4) if make is networks.slow else (4,)
    one = make(*arguments, seed=3).state_dict()
    torch.rand(5)

    for name, tensor in make(*arguments, seed=3).state_dict().items():
        assert torch.equal(one[name], tensor)


def test_narrow_networks_are_known_by_their_entries() -> None:
    slow, fast = networks.slow("w32", 4, 0), networks.fast(8, 0)
    transfer = networks.transferring(6, 0)

    rebuilt = (
        (HRNet, layouts.hrnet_arguments, slow),
        (MobileNet, layouts.mobilenet_arguments, fast),
        (TransferNet, layouts.transfer_arguments, transfer),
    )

    for kind, arguments, network in rebuilt:
        found = arguments(network.state_dict())
        assert found is not None
        kind(**found).load_state_dict(network.state_dict())


def test_a_start_for_other_keypoints_keeps_its_own_last_layer(tmp_path: Path) -> None:
    others = saved(MobileNet(16, width=4), tmp_path / "16.pth")
    network = networks.fast(4, 0)
    before = network.hm_conv.weight.clone()

    left = networks.start(network, others)

    assert left == ("hm_conv.weight",)
    assert torch.equal(before, network.hm_conv.weight)
    entries = torch.load(others, weights_only=True)
    assert torch.equal(entries["resnet.1.weight"], network.resnet[1].weight)


def test_a_start_for_the_same_keypoints_is_taken_whole(tmp_path: Path) -> None:
    other = networks.slow("w32", 4, seed=9)
    network = networks.slow("w32", 4, seed=0)

    assert networks.start(network, saved(other, tmp_path / "a.pth")) == ()

    assert torch.equal(other.final_layer.weight, network.final_layer.weight)


def test_a_start_of_another_network_is_refused(tmp_path: Path) -> None:
    path = saved(networks.fast(4, 0), tmp_path / "fast.pth")

    with pytest.raises(WeightsError, match="looks like the MobileNet fast network"):
        networks.start(networks.slow("w32", 4, 0), path)
