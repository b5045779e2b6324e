"""The machine's best pace, of arithmetic that is really done."""

from __future__ import annotations

import time

import pytest
import torch
from torch import Tensor, nn

from models import peak
from models.runtimes.ranges import RangesOf


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak, "SIDE", 64)
    monkeypatch.setattr(peak, "LAYERS", ((8, 8, 8), (4, 4, 4)))


class Slowed(nn.Module):
    def __init__(self, network: nn.Module, _: object) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        time.sleep(0.05)
        return self.network(x)


def test_a_pace_is_what_was_counted_over_the_least_time() -> None:
    found = peak.measured(Slowed, "cpu", seconds=0.01)

    product, convolutions = 64**3, peak.DEPTH * peak.BATCH * 8 * 64 * 8 * 9
    assert 0.3 < found.matrix / (2 * product / 0.05 / 1e9) <= 1
    assert 0.3 < found.convolution / (2 * convolutions / 0.05 / 1e9) <= 1


def test_in_int8_all_but_the_thin_layers_at_the_ends_are_in_int8() -> None:
    pytest.importorskip("onnxruntime")
    known: list[int] = []

    def noted(network: nn.Module, ranges: RangesOf | None) -> nn.Module:
        found = ranges() if ranges is not None else None
        known.append(-1 if found is None else len(found.tensors))
        return network

    peak.measured(noted, "cpu", seconds=0.001)

    # Nothing of a product of matrices; what goes into the first convolution and out of each.
    assert known == [0, peak.DEPTH + 1, peak.DEPTH + 1]


def test_chance_goes_on_as_if_nothing_had_been_measured() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)

    peak.measured(lambda network, _: network, "cpu", seconds=0.001)

    assert expected == torch.rand(1)
