"""Every pass is counted under its role, wherever it runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.metering import CHECKS, FINDER, Meter
from models.networks.finder import FinderNet

TRUNK = {"width": 8, "keypoints": 1, "modules": [1, 1, 1], "blocks": 1, "stem": 8}


def same(network: nn.Module, _: object = None) -> nn.Module:
    return network


def test_passes_are_counted_with_their_batches_and_sizes() -> None:
    meter = Meter()
    network = meter.placing("slow", same)(nn.Conv2d(3, 4, 3, padding=1))

    network(torch.zeros(2, 3, 8, 8))
    network(torch.zeros(5, 3, 4, 4))

    (found,) = meter.passes().values()
    assert (found.calls, found.items) == (2, 7)
    assert found.macs == (2 * 64 + 5 * 16) * 4 * 3 * 9
    assert found.seconds > 0


def test_the_answer_is_the_networks_own() -> None:
    network = nn.Conv2d(3, 4, 1)
    images = torch.rand(1, 3, 4, 4)

    answer = Meter().placing("slow", same)(network)(images)

    torch.testing.assert_close(answer, network(images))


def test_a_finder_and_the_net_that_checks_it_are_told_apart() -> None:
    meter = Meter()
    place = meter.placing(FINDER, same)
    finder, check = place(FinderNet(trunk=TRUNK, head=8).eval()), place(nn.Conv2d(3, 1, 1))

    finder(torch.zeros(1, 3, 64, 64))
    check(torch.zeros(3, 3, 8, 8))

    found = meter.passes()
    assert found[FINDER].items == 1
    assert (found[CHECKS].items, found[CHECKS].macs) == (3, 3 * 64 * 3)


def test_a_warm_up_can_be_forgotten() -> None:
    meter = Meter()
    network = meter.placing("slow", same)(nn.Conv2d(3, 1, 1))
    network(torch.zeros(1, 3, 8, 8))

    meter.reset()

    assert meter.passes() == {}


def test_what_runs_elsewhere_costs_what_the_network_itself_would() -> None:
    """The place of a pass may be no torch network at all, as those of other runtimes are."""

    class Foreign(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images

    meter = Meter()

    meter.placing("slow", lambda *_: Foreign())(nn.Conv2d(3, 1, 1))(torch.zeros(2, 3, 8, 8))

    assert meter.passes()["slow"].macs == pytest.approx(2 * 64 * 3)


def test_what_is_counted_already_may_be_counted_under_another_role_too() -> None:
    meter = Meter()
    inner = meter.placing("slow", same)(nn.Conv2d(3, 4, 1))

    meter.placing("fast", same)(inner)(torch.zeros(2, 3, 8, 8))

    found = meter.passes()
    assert found["slow"].macs == found["fast"].macs == 2 * 4 * 64 * 3
