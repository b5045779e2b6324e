"""TransferNet: keypoint maps of one frame, carried to another frame (FSPose specification 3).

PoseWarper's warping block (Bertasius et al. 2019, section 3): what differs between two frames'
maps says where each keypoint went, and deformable convolutions follow it.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.networks.blocks import BasicBlock
from models.ops.deform import DeformConv

RENAMES: tuple[tuple[str, str | None], ...] = (
    # PoseWarper's file holds the HRNet that it starts from too.
    (r"^((conv|bn|layer|transition|stage)\d|final_layer)\.", None),
)
TAPS = 3  # the warping convolutions are 3x3, one tap's offset being an x and a y


class TransferNet(nn.Module):
    """Reference maps warped toward the current frame, by the mean of several dilated warps.

    The defaults are the published network: 7.6 M parameters, 23 GMACs on maps of 64 x 48. A net
    with fewer `blocks` and `channels` and an `offset_kernel` of 1 is a hundred times cheaper.
    Untrained, it returns the reference maps unchanged. Any map size will do.
    """

    def __init__(
        self,
        *,
        keypoints: int = 17,
        blocks: int = 20,
        channels: int = 128,
        dilations: Sequence[int] = (3, 6, 12, 18, 24),
        offset_kernel: int = 3,
    ) -> None:
        super().__init__()
        first = BasicBlock(keypoints, channels)
        rest = (BasicBlock(channels, channels) for _ in range(blocks - 1))
        self.offset_feats = nn.Sequential(first, *rest)
        self.branches = len(dilations)
        for place, dilation in enumerate(dilations, 1):
            offsets = nn.Conv2d(
                channels,
                keypoints * TAPS * TAPS * 2,
                offset_kernel,
                padding=dilation * (offset_kernel // 2),
                dilation=dilation,
                bias=False,
            )
            warp = DeformConv(keypoints, keypoints, kernel=TAPS, dilation=dilation)
            self.add_module(f"offsets{place}", offsets)
            self.add_module(f"deform_conv{place}", warp)
        self._start_as_identity()

    def forward(self, current: Tensor, reference: Tensor) -> Tensor:
        """Two (N, keypoints, h, w) of one size to (N, keypoints, h, w)."""
        features = self.offset_feats(current - reference)
        total = torch.zeros_like(reference)
        for place in range(1, self.branches + 1):
            offsets = self.get_submodule(f"offsets{place}")(features)
            total = total + self.get_submodule(f"deform_conv{place}")(reference, offsets)
        return total / self.branches

    @torch.no_grad()
    def _start_as_identity(self) -> None:
        """No offsets, and warps that copy each map: the published initialisation."""
        for name, module in self.named_modules():
            if isinstance(module, DeformConv):
                module.weight.zero_()
                for keypoint in range(len(module.weight)):
                    module.weight[keypoint, keypoint, TAPS // 2, TAPS // 2] = 1
            elif name.startswith("offsets") and isinstance(module, nn.Conv2d):
                module.weight.zero_()
            elif isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, std=0.001)
