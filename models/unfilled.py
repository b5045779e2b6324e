"""Networks of the published designs with random weights: for what they cost, not what they say.

The weights are the same every time, so that a runtime that keeps what it has compiled knows them
again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import nn

from data.skeleton import COCO_17
from models.checkpoints import PADDING, SOFT_PEAK
from models.folding import folded
from models.networks.hrnet import hrnet_w32
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet
from models.runtimes.learning import at_random
from models.runtimes.ranges import RangesOf
from models.topdown import TopDown, raw_maps, soft_maps
from models.warp import Warp

SLOW_SIZE, FAST_SIZE = (192, 256), (224, 224)  # (width, height), FSPose specification 1.3 and 2
MAPS = (17, 64, 48)  # keypoints, height and width of what the transfer network carries


def slow(device: torch.device | str) -> TopDown:
    """HRNet-W32 on crops of 192 x 256, the published slow network."""
    network = _random(lambda: hrnet_w32(len(COCO_17)))
    return TopDown(
        network,
        size=SLOW_SIZE,
        padding=PADDING,
        skeleton=COCO_17,
        device=device,
        head=raw_maps,
        ranges=_ranges(network, SLOW_SIZE),
    )


def fast(device: torch.device | str) -> TopDown:
    """MobileNetV2 with its upsampling head on crops of 224 x 224, the published fast network."""
    network = _random(lambda: MobileNet(len(COCO_17)))
    return TopDown(
        network,
        size=FAST_SIZE,
        padding=PADDING,
        skeleton=COCO_17,
        device=device,
        head=soft_maps,
        peak=SOFT_PEAK,
        ranges=_ranges(network, FAST_SIZE),
    )


def transfer(device: torch.device | str) -> Warp:
    """TransferNet as published: 20 blocks of 128 channels, five dilations."""
    return Warp(_random(TransferNet), device)


def _ranges(network: nn.Module, size: tuple[int, int]) -> RangesOf:
    """So that they run in int8 where others do, and times can be compared."""
    return functools.partial(at_random, network, (3, size[1], size[0]))


def _random(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return folded(make().eval())
