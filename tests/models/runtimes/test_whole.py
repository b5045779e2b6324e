"""Networks with their heads, and what they are tried on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Box
from models.finder import Finder
from models.networks.finder import FinderNet
from models.runtimes.whole import BATCHES, Whole, of_finder, of_warp
from models.topdown import TopDown
from models.warp import Warp


class Identity(nn.Module):
    def forward(self, current: Tensor, reference: Tensor) -> Tensor:
        return reference


def test_a_session_that_answers_as_torch_does_not_drift(whole):
    assert whole.drift(whole.reference).largest == 0
    assert whole.shapes == ((3, 64, 48),)


def test_every_sample_is_read_in_batches_of_several_sizes(whole):
    seen = []

    def session(inputs):
        seen.append(len(inputs[0]))
        return whole.reference(inputs)

    whole.drift(session)

    assert seen == [BATCHES[0], 4]


def test_maps_have_the_head_in_them_already(whole):
    (maps,) = whole.reference(whole.samples)

    assert maps.shape == (5, 19, 16, 12)
    assert 0 < maps.max() <= 1.01


def test_a_transfer_network_is_tried_on_maps_that_differ(whole):
    net = TopDown(
        whole.network,
        size=(48, 64),
        padding=1.25,
        skeleton=range(19),  # only its length is asked for
        device="cpu",
        head=lambda maps: maps,
    )
    picture = np.random.default_rng(0).integers(0, 255, (100, 120, 3), np.uint8)

    found = of_warp(Warp(Identity(), "cpu"), net, [(picture, [Box(5, 5, 60, 90)])])

    current, reference = found.samples
    assert current.shape == reference.shape == (1, 19, 16, 12)
    assert not np.array_equal(current, reference)


def test_a_finder_is_tried_on_pictures_of_one_size():
    torch.manual_seed(0)
    trunk = {"width": 8, "keypoints": 1, "modules": [1, 1, 1], "blocks": 1, "stem": 8}
    finder = Finder(
        FinderNet(trunk=trunk, head=8),
        side=96,
        least_score=0.5,
        overlap=0.5,
        most=5,
        device="cpu",
    )
    pictures = [(np.zeros(shape, np.uint8), []) for shape in ((50, 90, 3), (300, 100, 3))]

    found = of_finder(finder, pictures, (96, 64))

    assert found.shapes == ((3, 64, 96),)
    assert isinstance(found, Whole)
    assert [entry.shape[0] for entry in found.reference(found.samples)] == [2, 2]
