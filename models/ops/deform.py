"""Deformable convolution as a module, with the published checkpoints' entry names."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample


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
        _operator()  # so that no pass has to wait for it

    def forward(self, maps: Tensor, offsets: Tensor) -> Tensor:
        """(N, inputs, h, w) and (N, groups * 2 * taps, h, w) to (N, outputs, h, w)."""
        taps = self.weight[0, 0].numel()
        taught = maps.device.type == "cpu" and torch.is_grad_enabled()
        # ONNX's own operator for it came late, and few runtimes have it; sampling all of them have.
        if torch.onnx.is_in_onnx_export() or (taught and offsets.shape[1] == 2 * taps):
            return sampled_conv(maps, offsets, self.weight, self.padding, self.dilation)
        # torchvision's operator takes one type only; under autocast the offsets come in another.
        kind = self.weight.dtype
        return _operator()(
            *(maps.to(kind), offsets.to(kind), self.weight),
            padding=self.padding,
            dilation=self.dilation,
        )


def _operator() -> Callable[..., Tensor]:
    """torchvision's, which takes more than a second to be imported; most runs need none of it."""
    from torchvision.ops import deform_conv2d

    operator: Callable[..., Tensor] = deform_conv2d
    return operator


def sampled_conv(
    maps: Tensor, offsets: Tensor, weight: Tensor, padding: tuple[int, int], dilation: int
) -> Tensor:
    """The same as `deform_conv2d`, with any number of deformable groups; size out is size in.

    Its gradients take a quarter of the time on a CPU (64 channels, 17 taps).
    """
    count, channels, height, width = maps.shape
    rows, columns = weight.shape[2:]
    tap_y = (torch.arange(rows) * dilation - padding[0]).repeat_interleave(columns)
    tap_x = (torch.arange(columns) * dilation - padding[1]).repeat(rows)
    groups = offsets.shape[1] // (2 * rows * columns)
    moves = offsets.reshape(count * groups, rows * columns, 2, height, width)
    y = moves[:, :, 0] + tap_y[:, None, None] + torch.arange(height)[:, None]
    x = moves[:, :, 1] + tap_x[:, None, None] + torch.arange(width)
    # grid_sample counts from -1 to 1, from the first cell's edge to the last one's
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], -1)
    grouped = maps.reshape(count * groups, channels // groups, height, width)
    seen = grid_sample(
        grouped, grid.flatten(1, 2), padding_mode="zeros", align_corners=False
    ).reshape(count, channels, rows * columns, height, width)
    return torch.einsum("nckhw,ock->nohw", seen, weight.flatten(2))
