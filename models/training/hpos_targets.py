"""What hpos's parts are taught: which anchors and regions are whose, and where keypoints lie.

hpos specification 6. As in detectron2, some anchors and regions of an image are drawn at random to
be learnt from; all randomness is a generator's that is handed in.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.roi_heads import keypoints_to_heatmap
from torchvision.ops import box_iou

from models.networks.hpos_head import CELLS, Regions

NOBODY, LEFT_OUT = -1, -2  # as torchvision's Matcher has them
ANCHORS, ANCHORS_OF_PEOPLE = 256, 0.5  # drawn of an image, and how many of them at most
REGIONS, REGIONS_OF_PEOPLE = 512, 0.25

_ANCHOR = Matcher(0.7, 0.3, allow_low_quality_matches=True)
_REGION = Matcher(0.5, 0.5)


class Truth(NamedTuple):
    """One image's people, in pixels of the input: `boxes` (n, 4) left, top, right, bottom and
    `keypoints` (n, K, 3) with v > 0 where labelled, in continuous coordinates. `size` is the
    image's (height, width) before padding."""

    boxes: Tensor
    keypoints: Tensor
    size: tuple[int, int]


class Drawn(NamedTuple):
    """Those of an image's anchors or regions that are learnt from: the people's first, `chosen`
    (n,), and whose the first m are, `people` (m,)."""

    chosen: Tensor
    people: Tensor


class Labels(NamedTuple):
    """Keypoints' cells on their regions' maps, row * 56 + column, and which are there, (n, K)."""

    cells: Tensor
    valid: Tensor


def drawn_anchors(anchors: Tensor, boxes: Tensor, generator: torch.Generator) -> Drawn:
    """Anchors (P, 4) to learn from: those that a person fills, and each person's best, and others.

    Up to an IoU of 0.3 an anchor is nobody's; in between it says nothing.
    """
    return _drawn(_whose(_ANCHOR, anchors, boxes), ANCHORS, ANCHORS_OF_PEOPLE, generator)


def drawn_regions(
    regions: Tensor, boxes: Tensor, generator: torch.Generator, count: int = REGIONS
) -> Drawn:
    """`count` regions (n, 4) to learn from; a person's are those of an IoU of 0.5."""
    return _drawn(_whose(_REGION, regions, boxes), count, REGIONS_OF_PEOPLE, generator)


def with_keypoints(regions: Tensor, people: Tensor, keypoints: Tensor) -> Tensor:
    """(m,) which of m regions (m, 4) have a labelled keypoint of theirs inside, edges included.

    `people` (m,) says whose they are, `keypoints` (n, K, 3) are all people's.
    """
    points, flags = torch.split(keypoints[people], [2, 1], 2)
    inside = (points >= regions[:, None, :2]) & (points <= regions[:, None, 2:])
    return (inside.all(2) & (flags[..., 0] > 0)).any(1)


def labels_of(regions: Regions, keypoints: Tensor) -> Labels:
    """Where the regions' people have keypoints (n, K, 3); beyond its region one is nowhere."""
    places, flags = torch.split(keypoints, [2, 1], 2)
    moved = torch.cat([places + regions.shift, flags], 2)
    cells, valid = keypoints_to_heatmap(moved, regions.boxes, CELLS)
    return Labels(cells, valid > 0)


def _whose(matcher: Matcher, candidates: Tensor, boxes: Tensor) -> Tensor:
    """(P,) whose each candidate is, NOBODY or LEFT_OUT."""
    if not len(boxes) or not len(candidates):
        return torch.full((len(candidates),), NOBODY, device=candidates.device)
    return torch.as_tensor(matcher(box_iou(boxes, candidates)))


def _drawn(whose: Tensor, count: int, share: float, generator: torch.Generator) -> Drawn:
    """At random `count` of them, at most a `share` of people."""
    theirs = torch.nonzero(whose >= 0)[:, 0]
    others = torch.nonzero(whose == NOBODY)[:, 0]
    some = _some(theirs, int(count * share), generator)
    rest = _some(others, count - len(some), generator)
    return Drawn(torch.cat([some, rest]), whose[some])


def _some(places: Tensor, count: int, generator: torch.Generator) -> Tensor:
    order = torch.randperm(len(places), generator=generator)[:count]
    return places[order.to(places.device)]
