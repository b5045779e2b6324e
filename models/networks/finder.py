"""FinderNet: a small one-stage person detector without anchors, after FCOS (Tian et al. 2019).

Every cell of three levels says how well it knows a person's box, and the box itself. As in
Generalized Focal Loss (Li et al. 2020) the score is the expected overlap, not a class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.networks.blocks import BasicBlock, conv3x3
from models.networks.hrnet import Exchange, HRNet

STRIDES = (8, 16, 32)


class Found(NamedTuple):
    """What the finder says: `quality` (N, P) logits, `boxes` (N, P, 4) left, top, right, bottom.

    P counts the cells of all levels, finest first, row by row; boxes are in pixels of the input.
    """

    quality: Tensor
    boxes: Tensor


def cell_centers(
    height: int, width: int, device: torch.device | str = "cpu"
) -> tuple[Tensor, Tensor]:
    """(P, 2) centres in pixels of an input of this size, (P,) strides, in the order of Found."""
    points, strides = [], []
    for stride in STRIDES:
        y = (torch.arange(-(-height // stride), device=device) + 0.5) * stride
        x = (torch.arange(-(-width // stride), device=device) + 0.5) * stride
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2)
        points.append(grid)
        strides.append(torch.full((len(grid),), float(stride), device=device))
    return torch.cat(points), torch.cat(strides)


def _tower(width: int) -> nn.Sequential:
    return nn.Sequential(conv3x3(width, width), nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def _trunk(network: HRNet) -> HRNet:
    """An HRNet without what only poses need, and with one block in its last, coarsest chain.

    Those blocks hold a quarter of all weights; whoever fills the picture is found without them.
    """
    last = network.stage4[-1]
    assert isinstance(last, Exchange)
    chain = last.branches[-1]
    assert isinstance(chain, nn.Sequential)
    last.branches[-1] = chain[:1]
    last.fuse_layers = nn.ModuleList()
    network.final_layer = nn.Identity()
    return network


def _answer(width: int, outputs: int, *, bias: float) -> nn.Conv2d:
    """A last convolution that starts by answering `bias` nearly everywhere."""
    conv = nn.Conv2d(width, outputs, 3, padding=1)
    assert conv.bias is not None
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.constant_(conv.bias, bias)
    return conv


class FinderNet(nn.Module):
    """Images (N, 3, h, w), h and w multiples of 32, to scored boxes.

    `trunk` holds the arguments of an HRNet, whose pose-trained entries may be lent; `head` is the
    width of the three levels' own maps.
    """

    def __init__(self, *, trunk: Mapping[str, Any], head: int) -> None:
        super().__init__()
        self.trunk = _trunk(HRNet(**trunk))
        widths = [trunk["width"] * 2**level for level in range(1, 4)]
        self.across = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, head, 1, bias=False), nn.BatchNorm2d(head))
            for width in widths
        )
        self.merge = nn.ModuleList(BasicBlock(head, head) for _ in widths)
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.quality_tower = _tower(head)
        self.box_tower = _tower(head)
        self.quality = _answer(head, 1, bias=-4.0)  # few cells hold a person (Lin et al. 2017)
        self.sides = _answer(head, 4, bias=0.5)
        self.reach = nn.Parameter(torch.full((len(STRIDES),), 1.0))

    def forward(self, images: Tensor) -> Found:
        return self.answer(self.trunk.levels(images))

    def answer(self, levels: Sequence[Tensor]) -> Found:
        """What the trunk's four levels, strides 4 to 32, say of people."""
        maps: list[Tensor] = []
        above = None
        steps = list(zip(levels[1:], self.across, self.merge, strict=True))
        for x, across, merge in reversed(steps):
            x = across(x) if above is None else across(x) + self.enlarge(above)
            above = merge(x)
            maps.insert(0, above)
        quality, boxes = [], []
        for level, (stride, x) in enumerate(zip(STRIDES, maps, strict=True)):
            quality.append(self.quality(self.quality_tower(x)).flatten(1))
            # exp keeps the sides positive; the bound keeps an untrained net finite
            sides = self.sides(self.box_tower(x)).float().clamp(-6, 6) * self.reach[level]
            boxes.append(sides.flatten(2).transpose(1, 2).clamp(-8, 8).exp() * stride)
        height, width = (stride * STRIDES[0] for stride in maps[0].shape[2:])
        sides = torch.cat(boxes, 1)
        centers, _ = cell_centers(height, width, sides.device)
        corners = torch.cat([centers - sides[..., :2], centers + sides[..., 2:]], -1)
        return Found(torch.cat(quality, 1).float(), corners)
