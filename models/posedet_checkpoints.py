"""PoseDet's checkpoints become networks; and ImageNet's become the backbones training starts from.

PoseDet specification 1, 2 and 9. MMDetection's files, bare state dicts, and those of several
GPUs (`module.`) are read; their entries bear the networks' own names, so nothing is renamed.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from data.errors import WeightsError
from data.skeleton import COCO_17, CROWDPOSE_14, Skeleton
from models import layouts, weights
from models.networks import dla, hrnet
from models.networks.dla import DLA
from models.networks.hrnet import HRNet
from models.networks.posedet import PoseDet, posedet_dla, posedet_hrnet

DLA34, W32, W48 = VARIANTS = ("dla34", "hrnet_w32", "hrnet_w48")
KEYPOINTS = {"coco": 17, "crowdpose": 15}  # CrowdPose's 14 and an abdomen that is made of them
SKELETONS: dict[int, Skeleton] = {17: COCO_17, 15: CROWDPOSE_14}


def untrained(variant: str, keypoint_set: str) -> PoseDet:
    """A network of published size with random numbers."""
    keypoints = KEYPOINTS[keypoint_set]
    if variant == DLA34:
        return posedet_dla(keypoints=keypoints)
    return posedet_hrnet(width=int(variant.removeprefix("hrnet_w")), keypoints=keypoints)


def trained(path: Path, variant: str | None, keypoint_set: str | None) -> tuple[PoseDet, str]:
    """The network that a checkpoint holds, of whichever size, and its variant.

    `variant` and `keypoint_set` must be the file's where they are given. Raises WeightsError for a
    file of another network, variant or set of keypoints.
    """
    entries = weights.read(path)
    arguments = layouts.posedet_arguments(entries)
    if arguments is None:
        with torch.device("meta"):
            wanted = untrained(variant or DLA34, keypoint_set or "coco")
        weights.compare(wanted, entries, path)
        raise AssertionError("entries that fit a variant say which")
    if arguments["keypoints"] not in SKELETONS:
        raise WeightsError(
            f"{path} holds PoseDet with {arguments['keypoints']} keypoints; 17 (COCO) and 15 "
            "(CrowdPose's 14 and an abdomen) are known."
        )
    own = f"hrnet_w{arguments['width']}" if "width" in arguments else DLA34
    if variant not in (None, own):
        raise WeightsError(
            f"{path} holds the variant {own}, not {variant}. Leave the option variant out, or "
            "give another checkpoint."
        )
    if keypoint_set is not None and KEYPOINTS[keypoint_set] != arguments["keypoints"]:
        raise WeightsError(
            f"{path} has {arguments['keypoints']} keypoints, {keypoint_set} has "
            f"{KEYPOINTS[keypoint_set]}. Leave the option keypoint_set out, or give another "
            "checkpoint."
        )
    with torch.device("meta"):
        network = (posedet_dla if own == DLA34 else posedet_hrnet)(**arguments)
    weights.adopt(network, _counted(network, entries), path)
    return network.float(), own


def load_trunk(trunk: DLA | HRNet, path: Path) -> None:
    """Fill a backbone from weights trained on ImageNet, whose classifier is left out.

    Every entry of the backbone must be there. Raises WeightsError as `weights.load` does.
    """
    table = dla.IMAGENET if isinstance(trunk, DLA) else hrnet.IMAGENET
    entries = _counted(trunk, weights.renamed(weights.read(path), table, path))
    weights.compare(trunk, entries, path)
    trunk.load_state_dict(entries)


def _counted(network: nn.Module, entries: weights.Entries) -> weights.Entries:
    """Entries with the counters of batches that files of PyTorch before 0.4.1 lack."""
    counters = {
        name: torch.zeros_like(tensor, device="cpu")
        for name, tensor in network.state_dict().items()
        if name.endswith(".num_batches_tracked")
    }
    return {**counters, **entries}
