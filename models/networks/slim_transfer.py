"""SlimTransfer: keypoint maps carried to another frame by one flow per keypoint.

The published TransferNet samples each map 45 times per cell and costs three times HRNet-W32. Here
one sample per cell follows a flow field read from both maps at half their resolution. Two gains say
how far the carried map is to be believed, and how far the current one: the fusions take the mean of
what comes out and of the current map, so that a keyframe's map of a limb that has moved away since
would else halve a peak that is right.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Floats
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

    def forward(self, current: Tensor, reference: Tensor) -> Tensor:
        count, keypoints, height, width = reference.shape
        maps, cells = count * keypoints, keypoints * height * width
        features = self.body(self.entry(torch.cat([current, reference], 1)))
        flow, gains = self.motion(features).float().chunk(2, 1)
        # numbers of the sides alone, which tracing takes for constants
        down, plain, across, places = _enlarging(int(height), int(width), flow.device)
        # x and y by turns, as grid_sample reads them, before there are four times as many
        flow = flow.reshape(maps, 2, height // 2, width // 2).permute(0, 2, 3, 1)
        grid = (down @ flow.reshape(maps, height // 2, width)) @ across + places
        carried = nn.functional.grid_sample(
            reference.float().reshape(maps, 1, height, width),
            grid.reshape(maps, height, width, 2),
            padding_mode="zeros",
            align_corners=True,
        )
        gains = torch.tanh((down @ gains @ plain).float()).reshape(count, 2, cells)
        answer = carried.reshape(count, cells) * (1 + gains[:, 0])
        answer = answer + current.reshape(count, cells) * gains[:, 1]
        return answer.view_as(reference)


@functools.lru_cache(maxsize=4)  # nothing may be copied to a device while its graph is captured
def _enlarging(height: int, width: int, device: torch.device) -> tuple[Tensor, ...]:
    """What enlarges half as many rows, and columns, bilinearly (as `align_corners=False` does);
    columns of x and y by turns, in units of grid_sample; and every cell's own place in those.

    They count from -1 to 1 between the centres of the outermost cells. Multiplying by matrices is
    quicker than torch's and OpenVINO's own enlarging, with its change of the order in memory.
    """
    x, y = (np.linspace(-1, 1, side, dtype=np.float32) for side in (width, height))
    places = np.stack(np.broadcast_arrays(x, y[:, None]), -1).reshape(height, 2 * width)
    steps = 2 / np.array([width - 1, height - 1], np.float32)
    columns = _doubling(width // 2).T
    pairs = np.kron(columns, np.diag(steps)).astype(np.float32)
    arrays = _doubling(height // 2), np.ascontiguousarray(columns), pairs, places
    with torch.inference_mode(False):  # what a first look made, training may use later
        return tuple(torch.from_numpy(array).to(device) for array in arrays)


def _doubling(size: int) -> Floats:
    """(2 * size, size): linear between the centres of cells, level beyond the outermost."""
    nearest = np.arange(2 * size) // 2
    other = np.clip(nearest + np.tile([-1, 1], size), 0, size - 1)
    weights = np.zeros((2 * size, size), np.float32)
    rows = np.arange(2 * size)
    weights[rows, nearest] += 0.75
    weights[rows, other] += 0.25
    return weights
