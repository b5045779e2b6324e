"""PoseDet's two feature pyramids: one for DLA, one for HRNet (PoseDet specification 3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 32  # of every group normalisation of PoseDet


class ConvNorm(nn.Module):
    """A convolution of an odd `kernel` without bias, a group normalisation, an activation."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        *,
        kernel: int,
        stride: int = 1,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.gn = nn.GroupNorm(GROUPS, outputs)
        self.activation = activation or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.gn(self.conv(x)))


class Pyramid(nn.Module):
    """Maps of strides 4, 8, 16, 32 to four of `outputs` channels, strides 8, 16, 32, 64.

    Lin et al. 2017 ("Feature Pyramid Networks"), with normalisations and no activation; `widths`
    are those of the four maps, of which the finest is not read.
    """

    def __init__(self, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.lateral_convs = nn.ModuleList(
            ConvNorm(width, outputs, kernel=1) for width in widths[1:]
        )
        same = [ConvNorm(outputs, outputs, kernel=3) for _ in widths[1:]]
        halved = ConvNorm(widths[-1], outputs, kernel=3, stride=2)
        self.fpn_convs = nn.ModuleList([*same, halved])
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.xavier_uniform_(module.weight)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        merged = [conv(x) for conv, x in zip(self.lateral_convs, maps[1:], strict=True)]
        for fine, coarse in pairwise(reversed(range(len(merged)))):
            above = functional.interpolate(merged[fine], size=merged[coarse].shape[2:])
            merged[coarse] = merged[coarse] + above
        # The coarsest level is made of the backbone's own map, not of a merged one.
        return [conv(x) for conv, x in zip(self.fpn_convs, [*merged, maps[-1]], strict=True)]


class Plain(nn.Module):
    """A convolution with a bias and nothing else, under the checkpoints' name `conv`."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        nn.init.kaiming_uniform_(self.conv.weight, a=1)  # "Caffe2 Xavier"
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class HighResolutionPyramid(nn.Module):
    """Maps of strides 4, 8, 16, 32 to three of `outputs` channels, strides 8, 16, 32.

    Sun et al. 2019 ("High-Resolution Representations for Labeling Pixels and Regions"): all maps
    are brought to the finest and joined; coarser ones are averages of the joint map. The published
    settings name a normalisation that is not built, so there is none here.
    """

    def __init__(self, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        self.reduction_conv = Plain(sum(widths), outputs, kernel=1)
        self.fpn_convs = nn.ModuleList(
            Plain(outputs, outputs, kernel=3, stride=2) for _ in widths[1:]
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        enlarged = [
            functional.interpolate(x, scale_factor=2.0**level, mode="bilinear", align_corners=False)
            for level, x in enumerate(maps[1:], 1)
        ]
        joint = self.reduction_conv(torch.cat([maps[0], *enlarged], 1))
        levels = []
        for level, conv in enumerate(self.fpn_convs):
            pooled = functional.avg_pool2d(joint, 2**level) if level else joint
            levels.append(conv(pooled))
        return levels
