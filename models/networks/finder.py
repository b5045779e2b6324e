"""FinderNet: a small one-stage person detector without anchors, after FCOS (Tian et al. 2019).

Every cell of three levels says how well it knows a person's box, and the box itself. As in
Generalized Focal Loss (Li et al. 2020) the score is the expected overlap, not a class.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.networks.blocks import BasicBlock, conv3x3

STRIDES = (8, 16, 32)


class Found(NamedTuple):
    """What the finder says: `quality` (N, P) logits, `boxes` (N, P, 4) left, top, right, bottom.

    P counts the cells of all levels, finest first, row by row; boxes are in pixels of the input.
    """

    quality: Tensor
    boxes: Tensor


def cell_centers(height: int, width: int) -> tuple[Tensor, Tensor]:
    """(P, 2) centres in pixels of an input of this size, and (P,) strides, in the order of Found."""
    points, strides = [], []
    for stride in STRIDES:
        y = (torch.arange(-(-height // stride)) + 0.5) * stride
        x = (torch.arange(-(-width // stride)) + 0.5) * stride
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
        points.append(grid)
        strides.append(torch.full((len(grid),), float(stride)))
    return torch.cat(points), torch.cat(strides)


def _entry(inputs: int, outputs: int) -> nn.Sequential:
    conv = conv3x3(inputs, outputs, 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _tower(width: int) -> nn.Sequential:
    return nn.Sequential(conv3x3(width, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def _answer(width: int, outputs: int, *, bias: float) -> nn.Conv2d:
    """A last convolution that starts by answering `bias` nearly everywhere."""
    conv = nn.Conv2d(width, outputs, 3, padding=1)
    assert conv.bias is not None
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.constant_(conv.bias, bias)
    return conv


class FinderNet(nn.Module):
    """Images (N, 3, h, w), h and w multiples of 32, to scored boxes.

    The way down is PlainNet's, entry for entry, so that a trained pose network lends its trunk;
    `head` is the width of the three levels' own maps.
    """

    def __init__(self, *, widths: tuple[int, int, int, int], blocks: int, head: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _entry(3, max(16, widths[0] // 2)), _entry(max(16, widths[0] // 2), widths[0])
        )
        self.down = nn.ModuleList()
        before = widths[0]
        for level, width in enumerate(widths):
            chain = [BasicBlock(before, width, stride=1 if level == 0 else 2)]
            chain += [BasicBlock(width, width) for _ in range(blocks - 1)]
            self.down.append(nn.Sequential(*chain))
            before = width
        self.across = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, head, 1, bias=False), nn.BatchNorm2d(head))
            for width in widths[1:]
        )
        self.merge = nn.ModuleList(BasicBlock(head, head) for _ in widths[1:])
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.quality_tower = _tower(head)
        self.box_tower = _tower(head)
        self.quality = _answer(head, 1, bias=-4.0)  # few cells hold a person (Lin et al. 2017)
        self.sides = _answer(head, 4, bias=0.5)
        self.reach = nn.Parameter(torch.full((len(STRIDES),), 1.0))

    def forward(self, images: Tensor) -> Found:
        x = self.stem(images)
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        maps: list[Tensor] = []
        above = None
        for x, across, merge in reversed(
            list(zip(levels[1:], self.across, self.merge, strict=True))
        ):
            x = across(x) if above is None else across(x) + self.enlarge(above)
            above = merge(x)
            maps.insert(0, above)
        quality, boxes = [], []
        for level, (stride, x) in enumerate(zip(STRIDES, maps, strict=True)):
            quality.append(self.quality(self.quality_tower(x)).flatten(1))
            # exp keeps the sides positive; the bound keeps an untrained net finite
            sides = self.sides(self.box_tower(x)).float().clamp(-6, 6) * self.reach[level]
            boxes.append(sides.flatten(2).transpose(1, 2).clamp(-8, 8).exp() * stride)
        centers, _ = cell_centers(images.shape[2], images.shape[3])
        sides = torch.cat(boxes, 1)
        centers = centers.to(sides.device)
        corners = torch.cat([centers - sides[..., :2], centers + sides[..., 2:]], -1)
        return Found(torch.cat(quality, 1).float(), corners)
