"""What a network costs: multiply-adds of its convolutions and linear layers, counted as it runs.

One multiply-add per use of a weight, as the cards and FSPose specification 3.3 count; a deformable
convolution as a dense one and four more for each of its bilinear samples. Normalisation,
activations and sums are not counted.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from models.ops.deform import DeformConv

SAMPLE = 4  # multiply-adds of a bilinear sample
_COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, DeformConv)


@dataclass(slots=True)
class Count:
    """Multiply-adds so far."""

    macs: int = 0


def macs(network: nn.Module, *inputs: Tensor) -> int:
    """The multiply-adds of one forward pass; `inputs` give shapes only, no number is computed."""
    unfilled = copy.deepcopy(network).to("meta").eval()
    with counted(unfilled) as count, torch.inference_mode():
        unfilled(*(tensor.to("meta") for tensor in inputs))
    return count.macs


@contextmanager
def counted(network: nn.Module) -> Iterator[Count]:
    """Counts what a network does within, as often as it runs."""
    count = Count()

    def add(module: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        count.macs += _macs(module, given[0], output)

    layers = (module for module in network.modules() if isinstance(module, _COUNTED))
    hooks = [layer.register_forward_hook(add) for layer in layers]
    try:
        yield count
    finally:
        for hook in hooks:
            hook.remove()


def _macs(module: nn.Module, inputs: Tensor, output: Tensor) -> int:
    weight = module.weight
    assert isinstance(weight, Tensor)
    if isinstance(module, nn.ConvTranspose2d):
        return inputs.numel() * weight[0].numel()
    dense = output.numel() * weight[0].numel()
    if not isinstance(module, DeformConv):
        return dense
    places = output.shape[0] * output.shape[2] * output.shape[3]
    return dense + SAMPLE * places * weight[0].numel()
