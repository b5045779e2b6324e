"""hpos's keypoint branch: regions of P2, a network with two Global Context Modules, the decode.

hpos specification 3 to 5. A region is a person's box, enlarged; P2 is filled up with zeros where
it reaches beyond the image. Entry names are those of the published checkpoints.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad
from torchvision.models.detection.roi_heads import heatmaps_to_keypoints
from torchvision.ops import roi_align

from models.ops.peaks import peak_shares

STRIDE = 4  # of P2
GRID = 14  # cells a side that the branch reads of a region
CELLS = 56  # and of the maps that it answers with
MARGIN = 0.15  # of a box's width and height, added on either side
UNIT = 32  # pixels: zeros are added in steps of it
HEADS = 4


class Regions(NamedTuple):
    """Enlarged boxes of people, in pixels of P2 with zeros around it.

    `boxes` (n, 4) left, top, right, bottom; `units` how many times 32 pixels of zeros there are at
    the left, the top, the right and the bottom.
    """

    boxes: Tensor
    units: tuple[int, int, int, int]

    @property
    def shift(self) -> Tensor:
        """(2,) what was added to x and y."""
        return UNIT * self.boxes.new_tensor(self.units[:2])


class Keypoints(NamedTuple):
    """Keypoints of n people: `points` (n, K, 2) in pixels of the input, and of each map the
    highest answer `peaks`, the published `odds` of it (above 1 at times), and `scores` in 0..1,
    (n, K) each."""

    points: Tensor
    peaks: Tensor
    odds: Tensor
    scores: Tensor


class RelativePositions(nn.Module):
    """What a cell's query says to how far down and to the right a key's cell lies."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rel_height = nn.Parameter(torch.randn(2 * GRID - 1, channels) * channels**-0.5)
        self.rel_width = nn.Parameter(torch.randn(2 * GRID - 1, channels) * channels**-0.5)

    def forward(self, queries: Tensor) -> Tensor:
        """(n, heads, cells, channels) to logits (n, heads, cells, cells of keys)."""
        steps = torch.arange(GRID, device=queries.device)
        place = steps - steps[:, None] + GRID - 1  # [from, to]
        count, heads, _, channels = queries.shape
        grid = queries.reshape(count, heads, GRID, GRID, channels)
        down = torch.einsum("nhxyc,xic->nhxyi", grid, self.rel_height[place])
        across = torch.einsum("nhxyc,yjc->nhxyj", grid, self.rel_width[place])
        return (down[..., None] + across[..., None, :]).flatten(4).flatten(2, 3)


class SelfAttention(nn.Module):
    """Four heads over a region's cells, with relative positions (Srinivas et al. 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.to_qk = _begun(nn.Conv2d(channels, 2 * channels, 1, bias=False))
        self.to_v = _begun(nn.Conv2d(channels, channels, 1, bias=False))
        self.pos_emb = RelativePositions(channels // HEADS)

    def forward(self, x: Tensor) -> Tensor:
        """(n, C, 14, 14) to the same."""
        queries, keys = (_by_head(part) for part in self.to_qk(x).chunk(2, 1))
        queries = queries * queries.shape[3] ** -0.5
        logits = queries @ keys.transpose(2, 3) + self.pos_emb(queries)
        seen = logits.softmax(3) @ _by_head(self.to_v(x))
        return seen.transpose(2, 3).reshape(x.shape)


class GlobalContext(nn.Module):
    """The Global Context Module: attention, then a convolution, each added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.MHSA = SelfAttention(channels)
        self.norm1 = nn.BatchNorm2d(channels)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv_fc = _begun(nn.Conv2d(channels, channels, 3, padding=1))
        for norm in (self.norm1, self.norm2):
            nn.init.uniform_(norm.weight)  # as published, where 1 is usual

    def forward(self, x: Tensor) -> Tensor:
        """(n, C, 14, 14) to the same."""
        x = x + self.MHSA(self.norm1(x).relu())
        return x + self.conv_fc(self.norm2(x).relu())


class KeypointHead(nn.Module):
    """Regions (n, inputs, 14, 14) to logits (n, K, 56, 56); `width` is a multiple of 4."""

    def __init__(self, inputs: int, width: int, keypoints: int) -> None:
        super().__init__()
        self.conv_channel = _begun(nn.Conv2d(inputs, width, 1))
        for first in (1, 5):
            self.add_module(f"MHSA_{first}", GlobalContext(width))
            for number in range(first, first + 4):
                conv = nn.Conv2d(width, width, 3, padding=1)
                self.add_module(f"conv_fcn{number}", _begun(conv))
        self.score_lowres = _begun(nn.ConvTranspose2d(width, keypoints, 4, 2, 1))

    def forward(self, regions: Tensor) -> Tensor:
        x = self.conv_channel(regions).relu_()
        for first in (1, 5):
            x = self.get_submodule(f"MHSA_{first}")(x)
            for number in range(first, first + 4):
                x = self.get_submodule(f"conv_fcn{number}")(x).relu_()
        return interpolate(self.score_lowres(x), scale_factor=2.0, mode="bilinear")


def regions_of(boxes: Tensor, size: tuple[int, int]) -> Regions:
    """The regions of people's boxes (n, 4); `size` (height, width) of the padded image."""
    sides = boxes[:, 2:] - boxes[:, :2]
    large = torch.cat([boxes[:, :2] - MARGIN * sides, boxes[:, 2:] + MARGIN * sides], 1)
    limits = large.new_tensor([0.0, 0.0, size[1], size[0]])
    beyond = (large - limits) * large.new_tensor([-1.0, -1.0, 1.0, 1.0])
    most = beyond.amax(0).clamp(min=0).tolist() if len(boxes) else (0.0,) * 4
    left, top, right, bottom = (math.ceil(excess / UNIT) for excess in most)
    return Regions(large + UNIT * large.new_tensor([left, top] * 2), (left, top, right, bottom))


def cut_out(finest: Tensor, regions: Regions) -> Tensor:
    """(n, C, 14, 14) what P2 of one image, (C, h, w), has in its regions.

    The zeros are no detail: without them the cells at the edge would go on beyond it.
    """
    cells = [UNIT // STRIDE * units for units in regions.units]
    left, top, right, bottom = cells
    filled = pad(finest[None], (left, right, top, bottom))
    return roi_align(filled, [regions.boxes.to(filled)], GRID, 1 / STRIDE, 0, True)


def read_keypoints(logits: Tensor, regions: Regions) -> Keypoints:
    """Keypoints from maps (n, K, 56, 56) of regions.

    A map is brought to its region's size in pixels by bicubic interpolation, and the highest pixel
    is the keypoint. The published number of a keypoint is the soft-max's share of a single such
    point among the cells, so even a sure one has little. The score here is that of the 3 x 3 cells
    around the map's peak.
    """
    found, peaks = heatmaps_to_keypoints(logits.float(), regions.boxes)
    odds = 1 / (logits.float() - peaks[..., None, None]).exp().sum((2, 3))
    return Keypoints(found[..., :2] - regions.shift, peaks, odds, peak_shares(logits.float()))


def _by_head(x: Tensor) -> Tensor:
    """(n, heads * c, h, w) to (n, heads, h * w, c)."""
    count, channels, height, width = x.shape
    return x.reshape(count, HEADS, channels // HEADS, height * width).transpose(2, 3)


def _begun(conv: nn.Conv2d | nn.ConvTranspose2d) -> nn.Module:
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
