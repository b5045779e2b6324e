"""PlainNet: a U of residual 3x3 convolutions, the embedded family's fast net.

Depthwise layers wait for memory on a CPU; dense 3x3 convolutions run near the processor's peak
and learn far faster from nothing, so this U costs less time than a MobileNet of equal accuracy.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from models.networks.blocks import BasicBlock, conv3x3


def _entry(inputs: int, outputs: int) -> nn.Sequential:
    conv = conv3x3(inputs, outputs, 2)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class PlainNet(nn.Module):
    """Images (N, 3, h, w) to keypoint logits (N, keypoints, h / 4, w / 4).

    h and w are multiples of 4 * 2 ** (len(widths) - 1). `widths` are those of the levels at
    strides 4, 8, 16, ...; `blocks` residual blocks go down each level, one comes up.
    """

    def __init__(self, *, keypoints: int, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        first = widths[0]
        half = max(16, first // 2)
        self.stem = nn.Sequential(_entry(3, half), _entry(half, first))
        self.down = nn.ModuleList()
        before = first
        for level, width in enumerate(widths):
            chain = [BasicBlock(before, width, stride=1 if level == 0 else 2)]
            chain += [BasicBlock(width, width) for _ in range(blocks - 1)]
            self.down.append(nn.Sequential(*chain))
            before = width
        self.across = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(coarse, fine, 1, bias=False),
                nn.BatchNorm2d(fine),
                nn.Upsample(scale_factor=2.0, mode="nearest"),
            )
            for fine, coarse in pairwise(widths)
        )
        self.up = nn.ModuleList(BasicBlock(width, width) for width in widths[:-1])
        self.final_layer = nn.Conv2d(first, keypoints, 1)

    def forward(self, images: Tensor) -> Tensor:
        x = self.stem(images)
        levels = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        steps = list(zip(levels[:-1], self.across, self.up, strict=True))
        for fine, across, up in reversed(steps):
            x = up(fine + across(x))
        return self.final_layer(x)
