"""SlimTransfer: keypoint maps carried to another frame by one flow per keypoint.

The published TransferNet samples each map 45 times per cell and costs three times HRNet-W32. Here
one sample per cell follows a flow field read from both maps at half their resolution. Two gains say
how far the carried map is to be believed, and how far the current one: the fusions take the mean of
what comes out and of the current map, so that a keyframe's map of a limb that has moved away since
would else halve a peak that is right.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.networks.blocks import BasicBlock, conv3x3


class SlimTransfer(nn.Module):
    """Current and reference maps (N, keypoints, h, w), h and w even, to carried maps of that shape.

    Maps have peak 1 where a keypoint is certain. Untrained, it returns the reference unchanged.
    """

    def __init__(self, *, keypoints: int, channels: int, blocks: int) -> None:
        super().__init__()
        self.keypoints = keypoints
        self.entry = nn.Sequential(
            conv3x3(2 * keypoints, channels, 2), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )
        self.body = nn.Sequential(*(BasicBlock(channels, channels) for _ in range(blocks)))
        # two channels of flow, in cells, and two gains per keypoint
        self.motion = nn.Conv2d(channels, 4 * keypoints, 1)
        for parameter in self.motion.parameters():
            nn.init.zeros_(parameter)
        self.enlarge = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)

    def forward(self, current: Tensor, reference: Tensor) -> Tensor:
        count, keypoints, height, width = reference.shape
        features = self.body(self.entry(torch.cat([current, reference], 1)))
        motion = self.motion(features)
        flow, gains = motion.chunk(2, 1)
        # The gains stay in whatever layout the runtime keeps maps in; the flow alone is re-ordered.
        gain, own_gain = torch.tanh(self.enlarge(gains).float()).chunk(2, 1)
        flow = self.enlarge(flow).float().reshape(count * keypoints, 2, height, width)
        # grid_sample counts from -1 to 1 between the centres of the outermost cells
        sides = (width - 1, height - 1)
        step = torch.cat([torch.full((1, 1, 1), 2 / side, device=flow.device) for side in sides])
        grid = ((_places(height, width, flow.device) + flow) * step - 1).permute(0, 2, 3, 1)
        maps = reference.float().reshape(count * keypoints, 1, height, width)
        carried = nn.functional.grid_sample(maps, grid, padding_mode="zeros", align_corners=True)
        return carried.view_as(reference) * (1 + gain) + current * own_gain


def _places(height: int, width: int, device: torch.device) -> Tensor:
    """(2, height, width): every cell's x and y."""
    x = torch.arange(width, device=device, dtype=torch.float32).expand(height, width)
    y = torch.arange(height, device=device, dtype=torch.float32)[:, None].expand(height, width)
    return torch.stack([x, y])
