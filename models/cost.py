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

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Box
from models import zoo
from models.ops.deform import DeformConv
from models.topdown import TopDown
from models.warp import Warp

GIGA = 1e9
SAMPLE = 4  # multiply-adds of a bilinear sample
_COUNTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, DeformConv)


@dataclass(slots=True)
class Count:
    """Multiply-adds so far."""

    macs: int = 0


def macs(network: nn.Module, *inputs: Tensor) -> int:
    """The multiply-adds of one forward pass; `inputs` give shapes only, no number is computed.

    Of torchvision's two-stage networks it is what they do to find regions; what each region costs
    after that depends on how many there are.
    """
    unfilled: Any = copy.deepcopy(network).to("meta").eval()
    unfilled_inputs = [tensor.to("meta") for tensor in inputs]
    with counted(unfilled) as count, torch.inference_mode():
        if hasattr(unfilled, "rpn"):  # torchvision's class would take a second to be imported
            unfilled.rpn.head(list(unfilled.backbone(*unfilled_inputs).values()))
        else:
            unfilled(*unfilled_inputs)
    return count.macs


def gmacs(model: zoo.BundledModel, size: tuple[int, int] | None = None) -> float:
    """Billions of multiply-adds of a family's network on one person, pair of maps or picture.

    `size` is (width, height) of what it reads, else what its header says; of the finder, which
    reads pictures of any form, the largest one: a square.
    """
    network, reads = zoo.unbuilt(model.description), model.description.input
    width, height = size or reads.get("size") or (reads["side"], reads["side"])
    if model.role != "transfer":
        return macs(network, torch.zeros(1, 3, height, width)) / GIGA
    maps = torch.zeros(1, model.description.arguments["keypoints"], height, width)
    return macs(network, maps, maps) / GIGA


def reading(net: TopDown) -> float:
    """Billions of multiply-adds of one person's reading, by a network of torch's own."""
    width, height = net.crops([Box(0, 0, 1, 1)])[0].size
    return macs(net.network, torch.zeros(1, 3, height, width)) / GIGA


def carrying(transfer: Warp, slow: TopDown) -> float:
    """Those of carrying one person's maps, which have the size of the slow network's."""
    (maps,) = slow.heatmaps(np.zeros((8, 8, 3), np.uint8), [Box(0, 0, 8, 8)])
    some = torch.zeros(1, *maps.maps.shape)
    return macs(transfer.network, some, some) / GIGA


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
