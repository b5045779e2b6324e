"""MobileNetV2 with an upsampling heatmap head: the fast network (FSPose specification 2)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

WIDTH = 32  # channels of the first convolution; all others are multiples of it

# MobileNetV2 at that width: expansion, channels, repeats, first stride.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class FastOutput(NamedTuple):
    """What the fast network says of N images of h x w, at stride 4.

    `logits` (N, J, h/4, w/4); `heatmaps` the same after a soft-max over each whole map;
    `coordinates` (N, J, 2), the heatmaps' expectation, x before y, in -1..1 of the image.
    """

    logits: Tensor
    heatmaps: Tensor
    coordinates: Tensor


class InvertedResidual(nn.Module):
    """Widen, filter each channel alone, narrow; plus the input where the shape stays."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        widen = [] if expansion == 1 else _conv_bn_relu6(inputs, hidden, kernel=1)
        self.conv = nn.Sequential(
            *widen,
            *_conv_bn_relu6(hidden, hidden, kernel=3, stride=stride, groups=hidden),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.keeps_shape = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.keeps_shape else self.conv(x)


class Upsample(nn.Module):
    """Twice the size: a convolution to four times the channels, which become two by two cells."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, 4 * outputs, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(4 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(torch.relu(self.bn(self.conv(x))), 2)


class MobileNet(nn.Module):
    """The fast network: MobileNetV2 features, three upsampling steps, one map per keypoint.

    Entry names are the published checkpoint's; `resnet` is its name for the whole trunk. A `width`
    other than the published one, a multiple of 4, makes every layer so much narrower or wider.
    """

    def __init__(self, keypoints: int = 17, width: int = WIDTH) -> None:
        super().__init__()
        if width < 4 or width % 4:
            raise ValueError(f"a width of {width} was given, expected a multiple of 4")
        self.resnet = nn.Sequential(
            _features(width),
            nn.Conv2d(40 * width, 8 * width, 1, bias=False),  # published without norm or activation
            Upsample(8 * width, 4 * width),
            Upsample(4 * width, 2 * width),
            Upsample(2 * width, width),
        )
        self.hm_conv = nn.Conv2d(width, keypoints, 1, bias=False)

    def forward(self, images: Tensor) -> FastOutput:
        """Normalised images (N, 3, h, w), sides multiples of 32, to maps a quarter as large."""
        logits = self.hm_conv(self.resnet(images))
        heatmaps = logits.flatten(2).softmax(2).view_as(logits)
        return FastOutput(logits, heatmaps, expectation(heatmaps))


def expectation(heatmaps: Tensor) -> Tensor:
    """Mean positions (N, J, 2) of maps (N, J, h, w) that sum to 1; the map spans -1..1 each way."""
    height, width = heatmaps.shape[2:]
    columns = (2 * torch.arange(width, device=heatmaps.device) + 1) / width - 1
    rows = (2 * torch.arange(height, device=heatmaps.device) + 1) / height - 1
    x = (heatmaps.sum(2) * columns).sum(2)
    y = (heatmaps.sum(3) * rows).sum(2)
    return torch.stack((x, y), 2)


def _features(width: int) -> nn.Sequential:
    """MobileNetV2 without its classifier: (N, 3, h, w) to (N, 40 width, h/32, w/32)."""
    layers: list[nn.Module] = [nn.Sequential(*_conv_bn_relu6(3, width, kernel=3, stride=2))]
    channels = width
    for expansion, published, repeats, first_stride in STAGES:
        outputs = published * width // WIDTH
        for stride in (first_stride, *[1] * (repeats - 1)):
            layers.append(InvertedResidual(channels, outputs, stride=stride, expansion=expansion))
            channels = outputs
    layers.append(nn.Sequential(*_conv_bn_relu6(channels, 40 * width, kernel=1)))
    return nn.Sequential(*layers)


def _conv_bn_relu6(
    inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    padding = kernel // 2
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    ]
