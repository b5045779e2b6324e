"""The fast network's sizes; its numbers are proved in tests/parity."""

import torch

from models.networks.mobilenet import MobileNet, expectation


def test_the_published_net_has_the_published_size():
    network = MobileNet()

    assert sum(p.numel() for p in network.parameters()) == 4_102_176
    assert len(network.state_dict()) == 332


def test_an_image_of_any_multiple_of_32_gives_maps_at_a_quarter_that_sum_to_one():
    output = MobileNet(19).eval()(torch.zeros(2, 3, 96, 64))

    assert output.logits.shape == (2, 19, 24, 16)
    torch.testing.assert_close(torch.ones(2, 19), output.heatmaps.sum((2, 3)))
    assert output.coordinates.shape == (2, 19, 2)


def test_the_expectation_of_a_single_cell_is_its_centre():
    maps = torch.zeros(1, 1, 4, 8)
    maps[0, 0, 3, 0] = 1

    torch.testing.assert_close(torch.tensor([[[-7 / 8, 3 / 4]]]), expectation(maps))
