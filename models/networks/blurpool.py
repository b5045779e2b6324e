"""ResNet's stem and blocks that blur before they take every second cell: DirectPose's trunk.

Zhang 2019 ("Making Convolutional Networks Shift-Invariant Again"), a filter of three taps, pooling
only; DirectPose specification 3. Within a block the names are torchvision's, with the normalisation
that is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks.resnet import WIDTHS, ResNet

IMAGENET: tuple[tuple[str, str | None], ...] = (
    (r"^fc\.", None),  # the classifier
    (r"^(conv1|bn1|maxpool)\.", r"stem.\1."),
    *((rf"^layer{stage}\.", f"res{stage + 1}.") for stage in (1, 2, 3, 4)),
)
"""From torchvision's names, as antialiased-cnns has them, to a `ResNet`'s of these parts."""


class Blur(nn.Module):
    """A binomial filter of 3 x 3 cells, then every second cell; entry `filt` (C, 1, 3, 3)."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        line = torch.tensor([1.0, 2.0, 1.0])
        square = line[:, None] * line / 16
        self.register_buffer("filt", square.expand(channels, 1, 3, 3).clone())

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, h, w) to half the size, rounded up; h and w are 2 at least."""
        around = nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
        return nn.functional.conv2d(around, self.filt, stride=2, groups=x.shape[1])


class BlurStem(nn.Module):
    """The first convolution and pooling: (N, 3, h, w) to (N, width, h / 4, w / 4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(3, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.Sequential(nn.MaxPool2d(2, 1), Blur(width))

    def forward(self, images: Tensor) -> Tensor:
        return self.maxpool(self.bn1(self.conv1(images)).relu_())


class BlurBottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut; a stride of 2 blurs before the last of them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        planes = outputs // 4
        self.conv1 = _conv(inputs, planes, 1)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = _conv(planes, planes, 3)
        self.bn2 = nn.BatchNorm2d(planes)
        last = _conv(planes, outputs, 1)
        self.conv3 = last if stride == 1 else nn.Sequential(Blur(planes), last)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            blur = [Blur(inputs)] if stride != 1 else []
            self.downsample = nn.Sequential(
                *blur, _conv(inputs, outputs, 1), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        beside = self.downsample(x)
        x = self.bn1(self.conv1(x)).relu_()
        x = self.bn2(self.conv2(x)).relu_()
        return (self.bn3(self.conv3(x)) + beside).relu_()


def blurred(
    blocks: Sequence[int], *, widths: Sequence[int] = WIDTHS, stem_width: int = 64
) -> ResNet:
    """A ResNet of these parts; see `ResNet` for the parameters."""
    stem = BlurStem(stem_width)
    return ResNet(blocks, widths=widths, stem_width=stem_width, stem=stem, block=BlurBottleneck)


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return conv
