"""Where the cells of a feature map lie in the image that the network reads."""

from __future__ import annotations

import torch
from torch import Tensor


def cell_points(
    height: int, width: int, stride: int, *, shift: int, device: torch.device | str = "cpu"
) -> Tensor:
    """(height * width, 2) points of a map's cells in pixels of the input, x before y, row by row.

    Cell (row, column) lies at (column * stride + shift, row * stride + shift): FCOS and those who
    build on it take `stride // 2`, PoseDet takes 0.
    """
    x = torch.arange(width, dtype=torch.float32, device=device) * stride + shift
    y = torch.arange(height, dtype=torch.float32, device=device) * stride + shift
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
