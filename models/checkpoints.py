"""A user's checkpoint becomes a network: another of the embedded family's, or a published one.

The file's entries say which network it holds and how large it is. They cannot say which keypoints
its channels mean, nor the size of crop it was taught on: a published checkpoint is recognised by
its file's name or SHA-256, or named by the user; anything else is taken as FSPose's own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from data.errors import ConfigError, WeightsError
from data.skeleton import FSPOSE_19, POSETRACK_15, POSETRACK_17, SKELETONS, Skeleton
from models import layouts, published, taught, weights, zoo
from models.folding import folded
from models.networks import hrnet, transfer
from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet
from models.published import Published
from models.runtimes import ranges
from models.topdown import Head, TopDown, raw_maps, soft_maps
from models.warp import Warp

PADDING = 1.25  # of the published crops (FSPose specification 1.3)
SOFT_PEAK = 0.262  # the highest cell that soft maps taught a sigma of 2 can reach (0.4)

NetRole = Literal["slow", "fast"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """A published network: how its file's entries are renamed, and what it is built with."""

    network: Callable[..., nn.Module]
    arguments: Callable[[Mapping[str, Tensor]], layouts.Arguments | None]
    renames: weights.Renames = ()
    size: tuple[int, int] = (0, 0)
    head: Head = raw_maps
    peak: float = 1.0


_KINDS: dict[zoo.Role, _Kind] = {
    "slow": _Kind(HRNet, layouts.hrnet_arguments, hrnet.RENAMES, (192, 256)),
    "fast": _Kind(
        MobileNet,
        layouts.mobilenet_arguments,
        size=(224, 224),
        head=soft_maps,
        peak=SOFT_PEAK,
    ),
    "transfer": _Kind(TransferNet, layouts.transfer_arguments, transfer.RENAMES),
}
_BY_COUNT = {len(skeleton): skeleton for skeleton in (POSETRACK_15, POSETRACK_17, FSPOSE_19)}


def topdown(
    role: NetRole,
    device: torch.device | str,
    family: Path,
    *,
    checkpoint: Path | None,
    known: Published | None = None,
) -> TopDown:
    """The slow or the fast network: the family's, or the one that `checkpoint` holds.

    A checkpoint that fits the family's own network takes its settings; else it is the published
    network of the role, with the crop and the keypoints of `known`, or of what is recognised.
    Raises WeightsError for a file that fits neither, ConfigError for another number of keypoints
    than `known` has.
    """
    built = None if checkpoint is None else _published(role, family, checkpoint)
    if built is None or checkpoint is None:
        return zoo.topdown(role, device, family, checkpoint=checkpoint)
    network, keypoints = built
    kind = _KINDS[role]
    noted = None if known is not None else taught.size_of(checkpoint)
    if known is None and noted is None:  # what `fspose train` wrote may bear a published name
        known = published.of_file(checkpoint, role)
    if known is not None and known.use != role:
        raise ConfigError(f"'{known.name}' is no {role} network, as which {checkpoint} is given.")
    size = noted or (known.size if known is not None and known.size is not None else kind.size)
    return TopDown(
        folded(network),
        size=size,
        padding=PADDING,
        skeleton=_skeleton(keypoints, known, checkpoint),
        device=device,
        head=kind.head,
        peak=kind.peak,
        ranges=functools.partial(ranges.beside, checkpoint),
    )


def warp(
    device: torch.device | str, family: Path, skeleton: Skeleton, *, checkpoint: Path | None
) -> Warp:
    """The transfer network for maps of `skeleton`: the family's, or the one of `checkpoint`.

    Raises WeightsError for a file that holds none, ConfigError for other keypoints.
    """
    built = None if checkpoint is None else _published("transfer", family, checkpoint)
    if built is None:
        familys = zoo.warp(device, family, checkpoint=checkpoint)  # or says what differs
        model = zoo.chosen("transfer", family, checkpoint)
        if model.description.skeleton != skeleton.name:
            raise ConfigError(
                f"The transfer network '{model.name}' is for {model.description.skeleton}, the "
                f"slow and fast networks' keypoints are {skeleton.name}. "
                "Give the transfer network of their kind with --weights transfer=FILE."
            )
        return familys
    network, keypoints = built
    if keypoints != len(skeleton):
        raise ConfigError(
            f"{checkpoint} is a transfer network for {keypoints} keypoints, the slow and fast "
            f"networks have {len(skeleton)}. Choose networks of one kind."
        )
    return Warp(folded(network), device)


def _published(role: zoo.Role, family: Path, checkpoint: Path) -> tuple[nn.Module, int] | None:
    """The published network that a file holds and its keypoints; None for the family's own.

    Also None where it cannot be such a network: the family's then says what differs.
    """
    if zoo.described(checkpoint) is not None:
        return None
    entries = weights.read(checkpoint)
    if _fits(zoo.of_role(role, family), entries):
        return None
    kind = _KINDS[role]
    own = weights.renamed(entries, kind.renames, checkpoint)
    arguments = kind.arguments(own)
    if arguments is None:
        return None
    with torch.device("meta"):
        network = kind.network(**arguments)
    weights.adopt(network, own, checkpoint)
    return network.float().eval(), arguments["keypoints"]


def _fits(model: zoo.BundledModel, entries: weights.Entries) -> bool:
    """Whether a bundled network has entries of just these names and shapes."""
    with torch.device("meta"):
        own = zoo.unbuilt(model.description).state_dict()
    return {n: t.shape for n, t in own.items()} == {n: t.shape for n, t in entries.items()}


def _skeleton(keypoints: int, known: Published | None, checkpoint: Path) -> Skeleton:
    """What a network's channels mean."""
    if known is None:
        if keypoints not in _BY_COUNT:
            counts = ", ".join(map(str, sorted(_BY_COUNT)))
            raise WeightsError(
                f"{checkpoint} holds a network with {keypoints} keypoints; {counts} are known. "
                "MobilePose's own and MPII's networks have 16."
            )
        return _BY_COUNT[keypoints]
    skeleton = SKELETONS.get(known.skeleton)
    if skeleton is None or len(skeleton) != keypoints:
        raise ConfigError(
            f"{checkpoint} has {keypoints} keypoints, but '{known.name}' has {known.skeleton}."
        )
    return skeleton
