"""What every way to answer costs: GMACs of its networks, per person and frame."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from rivals import RIVALS
from ways import COPIED, FAST, FAST_ONLY, GATED, SLOW, copied, transfers_in

from data.skeleton import FSPOSE_19
from models import cost, zoo
from models.networks.transfer import TransferNet
from pipelines import fusion
from pipelines.pipeline import Transfer

PUBLISHED: dict[str, dict[str, int]] = {
    "published transfer net": {},
    "published transfer net, small": {"blocks": 2, "channels": 32, "offset_kernel": 1},
}
# Rivals that read the fast net on keyframes too: what it says there is where their motion begins.
READS_KEYFRAMES = ("shift by arg-max",)


def prices(
    family: Path, files: Mapping[str, Path | None], *, every: int, carried: float
) -> dict[str, float]:
    """GMACs of every row, where a keyframe comes `every` frames.

    `files` names transfer networks; the one under "" is the family's own. The gated fusion carried
    maps for the share `carried` of all people and frames.
    """
    slow, fast = (cost.gmacs(zoo.of_role(role, family)) for role in ("slow", "fast"))
    width, height = zoo.of_role("transfer", family).description.input["size"]
    transfers = {
        name: cost.gmacs(zoo.chosen("transfer", family, file), (width, height))
        for name, file in files.items()
    }
    for label, sizes in PUBLISHED.items():
        transfers[label] = _published((width, height), sizes)
    key, rest = 1 / every, (every - 1) / every
    plain = key * slow + rest * fast
    found = {SLOW: slow, FAST: fast, FAST_ONLY: plain, COPIED: key * slow}
    for name in ("two-maps", "three-maps", "recursive", "previous-only"):
        make = partial(_fusion, name, every)
        again = key * fast if make(copied).needs_previous else 0.0
        found[name] = plain + again + transfers_in(make, every) / every * transfers[""]
    found[GATED] = plain + carried * transfers[""]
    for label, gmacs in transfers.items():
        if label:
            found[f"two-maps, {label}"] = plain + rest * gmacs
    found["two-maps, copied"] = plain
    for name in RIVALS:
        found[name] = plain + (key * fast if name in READS_KEYFRAMES else 0.0)
    return found


def _published(size: tuple[int, int], sizes: Mapping[str, int]) -> float:
    """A published transfer network's GMACs on a pair of maps of `size` (width, height)."""
    maps = torch.zeros(1, len(FSPOSE_19), size[1], size[0])
    return cost.macs(TransferNet(keypoints=len(FSPOSE_19), **sizes), maps, maps) / cost.GIGA


def _fusion(name: str, every: int, transfer: Transfer) -> fusion.Fusion:
    return fusion.create(name, interval=every, resampling="smooth", transfer=transfer)
