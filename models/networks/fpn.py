"""Feature pyramids in detectron2's layout: P3-P7 of the FCOS family, P2-P6 of Mask R-CNN.

Lin et al. 2017 ("Feature Pyramid Networks for Object Detection"); FCPose specification 3.2, hpos
specification 2.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class TwoMore(nn.Module):
    """P6 and P7, each a 3x3 convolution of stride 2 on the one before (FCOS, RetinaNet)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.p6 = _begun(nn.Conv2d(channels, channels, 3, 2, 1))
        self.p7 = _begun(nn.Conv2d(channels, channels, 3, 2, 1))

    def forward(self, coarsest: Tensor) -> list[Tensor]:
        sixth = self.p6(coarsest)
        return [sixth, self.p7(sixth.relu())]


class OneMore(nn.Module):
    """P6, every second cell of P5 (Mask R-CNN); no weights."""

    def forward(self, coarsest: Tensor) -> list[Tensor]:
        return [coarsest[..., ::2, ::2]]


class FPN(nn.Module):
    """A trunk and its pyramid: images (N, 3, h, w) to maps of `channels` each, finest first.

    `bottom_up` answers with maps of strides 4, 8, 16, 32; `widths` says of which levels (stride 2
    to the power of the level) the pyramid is made, and how many channels they have. `top_block`
    adds coarser levels, made from the coarsest.
    """

    def __init__(
        self,
        bottom_up: nn.Module,
        widths: Mapping[int, int],
        *,
        channels: int = 256,
        top_block: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.bottom_up = bottom_up
        self._levels = sorted(widths)
        for level in self._levels:
            lateral = nn.Conv2d(widths[level], channels, 1)
            output = nn.Conv2d(channels, channels, 3, padding=1)
            self.add_module(f"fpn_lateral{level}", _begun(lateral))
            self.add_module(f"fpn_output{level}", _begun(output))
        self.top_block = top_block

    def forward(self, images: Tensor) -> list[Tensor]:
        trunk: list[Tensor] = self.bottom_up(images)
        maps: list[Tensor] = []
        above: Tensor | None = None
        for level in reversed(self._levels):
            x = self.get_submodule(f"fpn_lateral{level}")(trunk[level - 2])
            if above is not None:
                x = x + nn.functional.interpolate(above, scale_factor=2.0, mode="nearest")
            maps.insert(0, self.get_submodule(f"fpn_output{level}")(x))
            above = x
        return maps if self.top_block is None else maps + self.top_block(maps[-1])


def p3_to_p7(bottom_up: nn.Module, widths: Mapping[int, int], *, channels: int = 256) -> FPN:
    """The pyramid of FCPose and DirectPose: `widths` of levels 3, 4, 5."""
    return FPN(bottom_up, widths, channels=channels, top_block=TwoMore(channels))


def p2_to_p6(bottom_up: nn.Module, widths: Mapping[int, int], *, channels: int = 256) -> FPN:
    """The pyramid of hpos: `widths` of levels 2 to 5."""
    return FPN(bottom_up, widths, channels=channels, top_block=OneMore())


def _begun(conv: nn.Conv2d) -> nn.Conv2d:
    """A convolution with the start that the pyramid's authors give it (Caffe2's Xavier)."""
    nn.init.kaiming_uniform_(conv.weight, a=1)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
