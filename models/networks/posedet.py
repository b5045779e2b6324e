"""PoseDet: a one-stage detector whose box is a pose; every cell reads its features at keypoints.

Tian et al. 2021 ("PoseDet: Fast Multi-Person Pose Estimation Using Pose Embedding"); PoseDet
specification 1 to 4. Entry names are those of the published code's checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.networks.dla import DLA, WIDTHS
from models.networks.hrnet import HRNet
from models.networks.posedet_neck import ConvNorm, HighResolutionPyramid, Pyramid
from models.ops.deform import DeformConv
from models.ops.points import cell_points

PRIOR = 0.01  # the score that an untrained network gives every cell
SHARE = 0.1  # of the gradient of where an embedding looks that reaches the first pose


class Level(NamedTuple):
    """What the cells of one level of `stride` pixels say.

    `logits` (N, 1, h, w): how well a cell knows a person. `first` and `refined` (N, 2K, h, w): the
    offsets from the cell to each keypoint, y before x, in cells.
    """

    stride: int
    logits: Tensor
    first: Tensor
    refined: Tensor


def points_of(offsets: Tensor, stride: int) -> Tensor:
    """Offsets (N, 2K, h, w) in cells as points (N, h * w, K, 2), x before y, in pixels.

    Cell (row, column) stands at (column * stride, row * stride), without half a cell added.
    """
    count, _, height, width = offsets.shape
    cells = cell_points(height, width, stride, shift=0, device=offsets.device)
    steps = offsets.float().reshape(count, -1, 2, height * width).flip(2)  # x before y
    return cells[:, None] + steps.permute(0, 3, 1, 2) * stride


class Head(nn.Module):
    """The same layers on every level; each of K `keypoints` is a tap of a row, so K is odd."""

    def __init__(self, *, keypoints: int, channels: int) -> None:
        super().__init__()
        row = (1, keypoints)
        self.init_pre_convs = _blocks(channels, 3)
        self.init_out = nn.Conv2d(channels, 2 * keypoints, 1)
        self.refine_pre_convs = _blocks(channels, 2)
        self.refine_embedding_conv = DeformConv(channels, channels, kernel=row, dilation=1)
        self.refine_out = nn.Conv2d(channels, 2 * keypoints, 1)
        self.cls_pre_convs = _blocks(channels, 2)
        self.cls_embedding_conv = DeformConv(channels, channels, kernel=row, dilation=1)
        self.cls_out = nn.Conv2d(channels, 1, 1)
        self.heatmap_pre_convs = _blocks(channels, 1)
        self.heatmap_out = nn.Conv2d(channels, keypoints, 1)
        self._initialise()

    def forward(self, features: Tensor, stride: int) -> Level:
        """(N, channels, h, w) of a level to what its cells say."""
        first = self.init_out(self.init_pre_convs(features))
        taps = self._taps(first)
        refined = self.refine_embedding_conv(self.refine_pre_convs(features), taps)
        refined = self.refine_out(refined.relu_()) + first.detach()
        # The score too goes by what is seen at the first pose.
        logits = self.cls_embedding_conv(self.cls_pre_convs(features), taps)
        return Level(stride, self.cls_out(logits.relu_()), first, refined)

    def heatmaps(self, features: Tensor) -> Tensor:
        """(N, channels, h, w) to heatmap logits (N, K, h, w); training alone looks at them."""
        return self.heatmap_out(self.heatmap_pre_convs(features))

    @staticmethod
    def _taps(first: Tensor) -> Tensor:
        """How far each tap of a row of K moves, so that tap k looks at keypoint k."""
        keypoints = first.shape[1] // 2
        own = torch.zeros(keypoints, 2, device=first.device, dtype=first.dtype)
        own[:, 1] = torch.arange(keypoints, device=first.device) - (keypoints - 1) / 2
        slowed = first.detach() + SHARE * (first - first.detach())
        return slowed - own.reshape(1, -1, 1, 1)

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, DeformConv)):
                nn.init.normal_(module.weight, std=0.01)
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.zeros_(module.bias)
        assert self.cls_out.bias is not None
        nn.init.constant_(self.cls_out.bias, -math.log((1 - PRIOR) / PRIOR))


class PoseDet(nn.Module):
    """Images (N, 3, h, w), h and w multiples of 32, to what the cells of each level say.

    `strides` are those of the maps that `neck` makes of the backbone's four, `channels` theirs and
    the head's; `keypoints` is odd.
    """

    def __init__(
        self,
        backbone: DLA | HRNet,
        neck: Pyramid | HighResolutionPyramid,
        *,
        strides: tuple[int, ...],
        keypoints: int,
        channels: int,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        # So called by the checkpoints; its boxes are poses.
        self.bbox_head = Head(keypoints=keypoints, channels=channels)
        self.strides, self.keypoints = strides, keypoints

    def forward(self, images: Tensor) -> list[Level]:
        """Finest level first. The heatmap branch takes no part in it."""
        maps = self.neck(self.backbone.pyramid(images))
        return [self.bbox_head(x, s) for x, s in zip(maps, self.strides, strict=True)]

    def supervised(self, images: Tensor) -> tuple[list[Level], list[Tensor]]:
        """The same, and for each level the heatmap logits (N, K, h, w): what training needs."""
        maps = self.neck(self.backbone.pyramid(images))
        levels = [self.bbox_head(x, s) for x, s in zip(maps, self.strides, strict=True)]
        return levels, [self.bbox_head.heatmaps(x) for x in maps]


def posedet_dla(*, keypoints: int, channels: int = 128, widths: Sequence[int] = WIDTHS) -> PoseDet:
    """PoseDet over DLA-34, the fastest: 18.2 M parameters with 17 keypoints."""
    neck = Pyramid(widths[2:], channels)
    strides = (8, 16, 32, 64)
    return PoseDet(DLA(widths), neck, strides=strides, keypoints=keypoints, channels=channels)


def posedet_hrnet(*, width: int, keypoints: int, channels: int = 256, **sizes: Any) -> PoseDet:
    """PoseDet over HRNet: 38.2 M parameters with a `width` of 32 and 17 keypoints, 74.3 M with 48.

    `sizes` are HRNet's others, for narrow variants.
    """
    trunk = HRNet(width=width, keypoints=1, outputs=4, **sizes)
    trunk.final_layer = nn.Identity()
    neck = HighResolutionPyramid([width * 2**branch for branch in range(4)], channels)
    return PoseDet(trunk, neck, strides=(8, 16, 32), keypoints=keypoints, channels=channels)


def _blocks(channels: int, count: int) -> nn.Sequential:
    """3x3 convolutions, each with a group normalisation and a rectifier."""
    relu = nn.ReLU(inplace=True)
    return nn.Sequential(
        *(ConvNorm(channels, channels, kernel=3, activation=relu) for _ in range(count))
    )
