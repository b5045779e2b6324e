"""DLA-34: trees of residual blocks whose roots hear every child; a backbone of four strides.

Yu et al. 2018 ("Deep Layer Aggregation"), section 3; PoseDet specification 2.1. Entry names are
those of the published ImageNet checkpoint. The upsampling part that others put on top ("DLA-up")
is not here: PoseDet and FCPose put a feature pyramid in its place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks.blocks import conv3x3

WIDTHS = (16, 32, 64, 128, 256, 512)  # of levels 0 to 5

IMAGENET: tuple[tuple[str, str | None], ...] = ((r"^fc\.", None),)
"""What the ImageNet checkpoint has beside the backbone: its classifier."""


class Block(nn.Module):
    """Two 3x3 convolutions; the shortcut is handed in, so that a tree can share one."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, shortcut: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride), as `shortcut` is."""
        x = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(x)) + shortcut)


class Root(nn.Module):
    """Where the children of a tree meet: a 1x1 convolution over all of them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, children: Sequence[Tensor]) -> Tensor:
        return self.relu(self.bn(self.conv(torch.cat(list(children), 1))))


class Tree(nn.Module):
    """Two blocks and their root; `more` channels of older children join at the root.

    With `hears_input` the pooled input is one of the root's children too.
    """

    def __init__(
        self, inputs: int, outputs: int, *, stride: int, more: int = 0, hears_input: bool = False
    ) -> None:
        super().__init__()
        self.hears_input = hears_input
        heard = 2 * outputs + more + (inputs if hears_input else 0)
        self.tree1 = Block(inputs, outputs, stride)
        self.tree2 = Block(outputs, outputs)
        self.root = Root(heard, outputs)
        self.pool = nn.MaxPool2d(stride) if stride > 1 else nn.Identity()
        self.project = _projection(inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, older: Sequence[Tensor] = ()) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride); `older` has that size too."""
        bottom = self.pool(x)
        children = [*older, bottom] if self.hears_input else list(older)
        first = self.tree1(x, self.project(bottom))
        second = self.tree2(first, first)
        return self.root([second, first, *children])


class Grove(nn.Module):
    """A tree of trees, one level deeper: the second hears the first and the pooled input.

    Its own `project` takes no part in the answer, here as where the checkpoints were made: it is
    kept because they have its entries.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.tree1 = Tree(inputs, outputs, stride=2)
        self.tree2 = Tree(outputs, outputs, stride=1, more=inputs + outputs)
        self.pool = nn.MaxPool2d(2)
        self.project = _projection(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / 2, w / 2)."""
        first = self.tree1(x)
        return self.tree2(first, [self.pool(x), first])


class DLA(nn.Module):
    """Images (N, 3, h, w) to four maps of strides 4, 8, 16, 32; h and w are multiples of 32.

    `widths` are those of levels 0 to 5; the last four are the maps'.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.base_layer = _step(nn.Conv2d(3, widths[0], 7, 1, 3, bias=False))
        self.level0 = _step(conv3x3(widths[0], widths[0]))
        self.level1 = _step(conv3x3(widths[0], widths[1], 2))
        self.level2 = Tree(widths[1], widths[2], stride=2)
        self.level3 = Grove(widths[2], widths[3])
        self.level4 = Grove(widths[3], widths[4])
        self.level5 = Tree(widths[4], widths[5], stride=2, hears_input=True)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = module.out_channels * module.kernel_size[0] * module.kernel_size[1]
                nn.init.normal_(module.weight, std=(2 / fan_out) ** 0.5)

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.level1(self.level0(self.base_layer(images)))
        maps = []
        for level in (self.level2, self.level3, self.level4, self.level5):
            x = level(x)
            maps.append(x)
        return maps

    def pyramid(self, images: Tensor) -> list[Tensor]:
        """The same, under the name that HRNet's four maps have."""
        maps: list[Tensor] = self(images)
        return maps


def _step(conv: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(conv, nn.BatchNorm2d(conv.out_channels), nn.ReLU(inplace=True))


def _projection(inputs: int, outputs: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))
