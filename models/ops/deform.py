"""Deformable convolution as a module, with the published checkpoints' entry names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import deform_conv2d


class DeformConv(nn.Module):
    """A square convolution whose taps are moved by offsets: no masks, no bias, same size out.

    Entry `weight` is (outputs, inputs, kernel, kernel). The offset of tap (row, column) of
    deformable group g lies in channels `2 * (g * kernel ** 2 + kernel * row + column)` (y) and the
    one after it (x), in cells of the map.
    """

    def __init__(self, inputs: int, outputs: int, *, kernel: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.padding = dilation * (kernel // 2)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")

    def forward(self, maps: Tensor, offsets: Tensor) -> Tensor:
        """(N, inputs, h, w) and (N, groups * 2 * kernel ** 2, h, w) to (N, outputs, h, w)."""
        return deform_conv2d(
            maps, offsets, self.weight, padding=self.padding, dilation=self.dilation
        )
