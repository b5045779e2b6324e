"""The transfer net on heatmaps."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box
from models.networks.transfer import TransferNet
from models.warp import Warp


class Difference(nn.Module):
    def forward(self, current: Tensor, reference: Tensor) -> Tensor:
        return current - 2 * reference


def people(count: int, seed: int) -> list[Heatmaps]:
    rng = np.random.default_rng(seed)
    return [
        Heatmaps(
            rng.random((5, 16, 12), np.float32),
            Crop.around(Box(10 * place, 0, 10 * place + 40, 80), (12, 16), 1.25),
        )
        for place in range(count)
    ]


def test_pairs_keep_their_order_and_the_current_crops():
    current, reference = people(3, 0), people(3, 1)

    warped = Warp(Difference(), "cpu")(current, reference)

    for now, before, result in zip(current, reference, warped, strict=True):
        np.testing.assert_allclose(now.maps - 2 * before.maps, result.maps, rtol=1e-6)
        assert now.crop == result.crop


def test_nobody_gives_nothing():
    assert Warp(Difference(), "cpu")([], []) == []


def test_unequal_numbers_of_people_are_a_mistake():
    with pytest.raises(ValueError, match="2 current maps but 1 references"):
        Warp(Difference(), "cpu")(people(2, 0), people(1, 1))


def test_an_untrained_transfer_net_returns_the_reference_maps():
    torch.manual_seed(0)
    network = TransferNet(keypoints=5, blocks=2, channels=8, dilations=(1, 2), offset_kernel=1)
    reference = people(2, 1)

    warped = Warp(network, "cpu")(people(2, 0), reference)

    for before, result in zip(reference, warped, strict=True):
        np.testing.assert_allclose(before.maps, result.maps, rtol=1e-6)
