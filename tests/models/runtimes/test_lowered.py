"""Networks in torch with half as many bits. What needs a CUDA device has never run here."""

from __future__ import annotations

from typing import NamedTuple

import pytest
import torch
from torch import Tensor, nn

from data.errors import ConfigError
from models.networks.finder import FinderNet, Found
from models.runtimes import lowered as module
from models.runtimes.lowered import (
    BATCHES,
    Captured,
    batch_for,
    captured_on_cuda,
    filled,
    lowered,
)

HAS_BFLOAT16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()


class Answer(NamedTuple):
    one: Tensor
    two: Tensor


class Twofold(nn.Module):
    """Answers each entry with itself doubled and squared."""

    def forward(self, x: Tensor) -> Answer:
        return Answer(2 * x, x * x)


class Recorder:
    """Captures as CUDA does, into one place that every run writes over, and counts."""

    def __init__(self) -> None:
        self.captured: list[tuple[int, ...]] = []

    def __call__(self, network: nn.Module, inputs):
        self.captured.append(tuple(inputs[0].shape))
        output = network(*(entry.clone() for entry in inputs))

        def replay(fresh):
            for place, value in zip(output, network(*fresh), strict=True):
                place.copy_(value)
            return output

        return replay


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 2), (3, 4), (9, 16), (32, 32)])
def test_a_batch_is_filled_up_to_the_next_size(count, size):
    assert batch_for(count) == size
    full = filled(torch.ones(count, 2), size)
    assert full.shape == (size, 2)
    assert float(full.sum()) == 2 * count


@pytest.mark.parametrize("count", [1, 3, 32, 33, 71])
def test_every_entry_gets_its_own_answer_in_float32(count):
    inputs = torch.arange(count * 2.0).view(count, 2) / 16

    found = Captured(Twofold(), Recorder())(inputs)

    assert isinstance(found, Answer)
    assert found.one.dtype == torch.float32
    torch.testing.assert_close(found.one, 2 * inputs)
    torch.testing.assert_close(found.two, (inputs.half() * inputs.half()).float())


def test_a_size_is_captured_once_and_its_answers_are_not_written_over():
    recorder = Recorder()
    captured = Captured(Twofold(), recorder)

    first = captured(torch.ones(3, 2))
    second = captured(torch.full((4, 2), 5.0))
    captured(torch.ones(3, 8))

    assert recorder.captured == [(4, 2), (4, 8)]
    assert float(first.one.max()) == 2
    assert float(second.one.max()) == 10


def test_no_more_graphs_are_captured_than_there_are_sizes():
    recorder = Recorder()
    captured = Captured(Twofold(), recorder)

    for count in range(1, 80):
        captured(torch.ones(count, 2))

    assert [shape[0] for shape in recorder.captured] == list(BATCHES)


def test_half_leaves_the_network_itself_as_it_was(monkeypatch):
    network = nn.Conv2d(3, 2, 1)

    half = lowered(network, "cuda", "half")

    assert isinstance(half, Captured)
    assert {entry.dtype for entry in half.state_dict().values()} == {torch.float16}
    assert network.weight.dtype == torch.float32


@pytest.mark.skipif(not HAS_BFLOAT16, reason="the processor does not calculate in bfloat16")
def test_bfloat16_answers_nearly_as_float32_and_in_its_form():
    trunk = {"width": 8, "keypoints": 1, "modules": [1, 1, 1], "blocks": 1, "stem": 8}
    network = FinderNet(trunk=trunk, head=8).eval()
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))

    with torch.inference_mode():
        found, expected = lowered(network, "cpu", "bfloat16")(images), network(images)

    assert isinstance(found, Found)
    assert {tensor.dtype for tensor in found} == {torch.float32}
    error = float((found.quality - expected.quality).abs().max())
    assert 0 < error < 0.1


def test_a_processor_without_bfloat16_is_told(monkeypatch):
    monkeypatch.setattr(module, "_knows_bfloat16", lambda: False)

    with pytest.raises(ConfigError, match=r"does not calculate in bfloat16\. Choose --precision"):
        lowered(nn.Identity(), "cpu", "bfloat16")


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_other_precisions_leave_the_network_alone(precision):
    network = nn.Identity()

    assert lowered(network, "cpu", precision) is network


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_captured_graph_answers_as_the_network_does():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).cuda().half()
    captured = Captured(network, captured_on_cuda)

    with torch.inference_mode():
        for count in (3, 1, 4, 3):
            images = torch.rand(count, 3, 8, 8, device="cuda")
            torch.testing.assert_close(
                captured(images), network(images.half()).float(), atol=1e-3, rtol=1e-2
            )
