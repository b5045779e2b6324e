"""Multiply-adds are counted as the cards and the published tables count them."""

import pytest
import torch
from torch import nn

from models import cost, zoo
from models.cost import macs
from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet
from models.ops.deform import DeformConv


def zeros(*shape):
    return torch.zeros(1, *shape)


@pytest.mark.parametrize(
    ("network", "shapes", "expected"),
    [
        (HRNet(width=32, keypoints=17), [(3, 256, 192)], 7.65),
        (MobileNet(), [(3, 224, 224)], 0.49),
        (TransferNet(), [(17, 64, 48)] * 2, 23.20),
        (TransferNet(), [(17, 56, 56)] * 2, 23.68),
    ],
)
def test_published_networks_cost_what_the_specification_says(network, shapes, expected):
    """FSPose specification 3.3, in billions."""
    assert macs(network, *(zeros(*shape) for shape in shapes)) / 1e9 == pytest.approx(
        expected, abs=0.006
    )


def test_each_layer_is_counted_by_hand():
    layers = nn.Sequential(
        nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(6), nn.Flatten()
    )

    assert macs(layers, zeros(4, 8, 8)) == 6 * 16 * 2 * 9
    assert macs(nn.Linear(5, 7), torch.zeros(3, 5)) == 3 * 5 * 7
    assert macs(nn.ConvTranspose2d(2, 3, 4, stride=2), zeros(2, 5, 5)) == 2 * 25 * 3 * 16


def test_a_deformable_convolution_costs_its_samples_too():
    layer = DeformConv(2, 3, kernel=3, dilation=1)

    assert macs(layer, zeros(2, 4, 4), zeros(18, 4, 4)) == 16 * 9 * 2 * (3 + 4)


def test_the_network_is_left_as_it_is():
    network = nn.Sequential(nn.Conv2d(1, 1, 1))

    macs(network, zeros(1, 4, 4))

    assert network[0].weight.device.type == "cpu"
    assert not network[0]._forward_hooks


def test_a_net_s_reading_and_carrying_cost_what_its_card_says():
    slow, transfer = zoo.topdown("slow", "cpu", zoo.BUNDLED), zoo.warp("cpu", zoo.BUNDLED)

    assert cost.reading(slow) == pytest.approx(cost.gmacs(zoo.of_role("slow", zoo.BUNDLED)))
    assert cost.carrying(transfer, slow) == pytest.approx(
        cost.gmacs(zoo.of_role("transfer", zoo.BUNDLED))
    )
