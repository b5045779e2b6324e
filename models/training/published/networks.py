"""The networks that the recipes train: built from a seed, or begun with a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from data.skeleton import POSETRACK_17
from models import weights
from models.networks import hrnet, transfer
from models.networks.hrnet import HRNet
from models.networks.mobilenet import WIDTH, MobileNet
from models.networks.transfer import TransferNet

Network = TypeVar("Network", bound=nn.Module)

KEYPOINTS = len(POSETRACK_17)
SMALL = 0.001  # deviation of the first numbers, as of the transfer net (FSPose specification 3.1)
_HEADS = {HRNet: "final_layer.", MobileNet: "hm_conv."}


def slow(name: str, width: int | None, seed: int) -> HRNet:
    """HRNet `w32` or `w48`, or a narrow one with one module and two blocks in each stage."""
    if width is None:
        return _seeded(lambda: _small(HRNet(width=int(name[1:]), keypoints=KEYPOINTS)), seed)

    def narrow() -> HRNet:
        return HRNet(
            width=width,
            keypoints=KEYPOINTS,
            modules=(1, 1, 1),
            blocks=2,
            stem=2 * width,
            first_blocks=1,
        )

    return _seeded(lambda: _small(narrow()), seed)


def fast(width: int | None, seed: int) -> MobileNet:
    """The published MobileNet, or one whose first convolution has another width than 32."""
    return _seeded(lambda: MobileNet(KEYPOINTS, width or WIDTH), seed)


def transferring(width: int | None, seed: int) -> TransferNet:
    """The published TransferNet, or one of three blocks with so many channels."""
    if width is None:
        return _seeded(lambda: TransferNet(keypoints=KEYPOINTS), seed)
    return _seeded(lambda: TransferNet(keypoints=KEYPOINTS, channels=width, blocks=3), seed)


def start(network: nn.Module, path: Path) -> tuple[str, ...]:
    """Fill a network from a checkpoint to begin with; the entries that were left as they were.

    Only the last layer may be left out, where it is for other keypoints: MobilePose's network,
    from which the fast one is published to start, has 16. Raises WeightsError.
    """
    renames = {HRNet: hrnet.RENAMES, TransferNet: transfer.RENAMES}.get(type(network), ())
    entries = weights.renamed(weights.read(path), renames, path)
    own = network.state_dict()
    head = _HEADS.get(type(network))
    left = tuple(
        name
        for name, tensor in entries.items()
        if head and name.startswith(head) and name in own and own[name].shape != tensor.shape
    )
    entries |= {name: own[name] for name in left}
    weights.compare(network, entries, path)
    network.load_state_dict(entries)
    return left


def _small(network: HRNet) -> HRNet:
    """With small first numbers: maps begin at zero, where most of every target lies."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, std=SMALL)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def _seeded(build: Callable[[], Network], seed: int) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build()
