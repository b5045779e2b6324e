"""Networks with their heads, and what they are tried on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Box
from models.runtimes.ranges import Ranges
from models.runtimes.whole import BATCHES, of_warp
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


def test_a_finder_is_tried_on_pictures_as_it_reduces_them(whole_finder):
    sides = [group[0].shape for group in whole_finder.groups]

    assert sides == [(2, 3, 64, 96), (1, 3, 96, 64), (1, 3, 96, 96)]
    assert whole_finder.shapes == ((3, 0, 0),)
    assert whole_finder.example == ((3, 64, 96),)
    assert whole_finder.drift(whole_finder.reference).counted > 0
    assert whole_finder.notes == {
        "side": 96,
        "least_candidate": 0.5,
        "overlap": 0.6,
        "least_score": 0.01,
    }


def test_halves_share_all_samples_of_all_sides(whole, whole_finder):
    for each, counts in ((whole, (3, 2)), (whole_finder, (2, 2))):
        halves = each.halves()
        assert tuple(sum(len(group[0]) for group in half.groups) for half in halves) == counts
    alone = replace(whole, samples=(whole.samples[0][:1],))
    assert [len(half.samples[0]) for half in alone.halves()] == [1, 1]


def test_the_head_stays_where_the_network_goes_elsewhere(whole):
    class Silent(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.zeros(len(images), 19, 16, 12)

    placed = whole.placed(lambda network, ranges: Silent(), Ranges("", 0, {}))

    (maps,) = placed.reference(whole.samples)
    assert maps.shape == (5, 19, 16, 12)
    assert maps.std() > 0  # smoothed: less toward the edges
    assert whole.bare is not whole.network
