"""ResNet 50 and 101 in detectron2's layout: the trunk of FCPose, hpos and DirectPose.

He et al. 2016; entry names and the place of the strides as in detectron2 (FCPose specification
3.2, hpos specification 2). What other trunks change, stem and blocks, is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torchvision.ops import FrozenBatchNorm2d

BLOCKS = {"r50": (3, 4, 6, 3), "r101": (3, 4, 23, 3)}  # 23.5 and 42.4 M parameters
WIDTHS = (256, 512, 1024, 2048)  # of the four stages' maps

BlockMaker = Callable[[int, int, int], nn.Module]
"""Makes a residual block of (inputs, outputs, stride)."""


class FrozenNorm(FrozenBatchNorm2d):  # type: ignore[misc]  # torchvision is not typed
    """Batch normalisation by stored numbers: nothing of it is learnt, nothing is counted.

    Files say by this version how `running_var` is meant: from 3 on, 1e-5 is added to it in use
    (FCPose specification 2.1).
    """

    _version = 3


class NormedConv(nn.Conv2d):
    """A convolution without bias and its normalisation, which is its entry `norm`."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, norm: nn.Module | None = None
    ) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = norm if norm is not None else FrozenNorm(outputs)
        nn.init.kaiming_normal_(self.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(super().forward(x))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions and a shortcut; the first one strides, as MSRA's networks do."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        planes = outputs // 4
        same = inputs == outputs and stride == 1
        self.shortcut = None if same else NormedConv(inputs, outputs, 1, stride)
        self.conv1 = NormedConv(inputs, planes, 1, stride)
        self.conv2 = NormedConv(planes, planes, 3)
        self.conv3 = NormedConv(planes, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) to (N, outputs, h / stride, w / stride)."""
        beside = x if self.shortcut is None else self.shortcut(x)
        x = self.conv2(self.conv1(x).relu_()).relu_()
        return (self.conv3(x) + beside).relu_()


class Stem(nn.Module):
    """The first convolution and pooling: (N, 3, h, w) to (N, width, h / 4, w / 4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = NormedConv(3, width, 7, 2)

    def forward(self, images: Tensor) -> Tensor:
        x = self.conv1(images).relu_()
        return nn.functional.max_pool2d(x, 3, 2, 1)


class ResNet(nn.Module):
    """Images (N, 3, h, w) to four maps of strides 4, 8, 16, 32; h and w are multiples of 32.

    `blocks` counts the blocks of the stages res2 to res5; `widths` are those of the maps, and
    `stem_width` that of what comes before, which `stem` makes where one is handed in.
    """

    def __init__(
        self,
        blocks: Sequence[int],
        *,
        widths: Sequence[int] = WIDTHS,
        stem_width: int = 64,
        stem: nn.Module | None = None,
        block: BlockMaker = Bottleneck,
    ) -> None:
        super().__init__()
        self.stem = stem if stem is not None else Stem(stem_width)
        inputs = stem_width
        for stage, (count, outputs) in enumerate(zip(blocks, widths, strict=True), 2):
            stride = 1 if stage == 2 else 2
            first = block(inputs, outputs, stride)
            rest = (block(outputs, outputs, 1) for _ in range(count - 1))
            self.add_module(f"res{stage}", nn.Sequential(first, *rest))
            inputs = outputs
        self._stages = tuple(f"res{stage}" for stage in range(2, 2 + len(blocks)))

    def forward(self, images: Tensor) -> list[Tensor]:
        x = self.stem(images)
        maps = []
        for stage in self._stages:
            x = self.get_submodule(stage)(x)
            maps.append(x)
        return maps

    def freeze_first_stages(self) -> None:
        """Stem and res2 learn no more, as where the published files were trained (FREEZE_AT 2)."""
        for module in (self.stem, self.get_submodule("res2")):
            module.requires_grad_(False)
