"""Deformable convolution as a module, with the published checkpoints' entry names."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision.ops import deform_conv2d


class DeformConv(nn.Module):
    """A convolution whose taps are moved by offsets: no masks, no bias, same size out.

    Entry `weight` is (outputs, inputs, rows, columns); `kernel` is both of these odd numbers, or a
    pair. The offset of tap (row, column) of deformable group g lies in channels
    `2 * (g * rows * columns + columns * row + column)` (y) and the one after it (x), in cells of
    the map.
    """

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int | tuple[int, int], dilation: int
    ) -> None:
        super().__init__()
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        self.dilation = dilation
        self.padding = dilation * (rows // 2), dilation * (columns // 2)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, rows, columns))
        nn.init.kaiming_uniform_(self.weight, nonlinearity="relu")

    def forward(self, maps: Tensor, offsets: Tensor) -> Tensor:
        """(N, inputs, h, w) and (N, groups * 2 * taps, h, w) to (N, outputs, h, w)."""
        return deform_conv2d(
            maps, offsets, self.weight, padding=self.padding, dilation=self.dilation
        )
