"""Batch normalisation folded into the convolutions before it: the same numbers, fewer passes."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(network: nn.Module) -> nn.Module:
    """A copy, for use only, without the batch normalisations that follow a convolution.

    Found are pairs that stand side by side in a Sequential, and the attributes conv1 and bn1,
    conv2 and bn2, conv3 and bn3 of one module. Answers agree to rounding. Weights lie channels
    last, which suits an HRNet on a CPU.
    """
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, nn.Sequential):
            names = list(dict(module.named_children()))
            _fold(module, list(pairwise(names)))
        else:
            _fold(module, [(f"conv{n}", f"bn{n}") for n in (1, 2, 3)])
    return copied.to(memory_format=torch.channels_last)


def _fold(module: nn.Module, pairs: list[tuple[str, str]]) -> None:
    for first, second in pairs:
        conv, norm = getattr(module, first, None), getattr(module, second, None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, first, fuse_conv_bn_eval(conv, norm))
            setattr(module, second, nn.Identity())
