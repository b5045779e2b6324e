"""What DirectPose is taught: whose a cell is, its keypoints, and everybody's keypoints on a map.

DirectPose specification 8 and 9. Boxes are there for choosing cells only; they are what lies
around a person's labelled keypoints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import sigmoid_focal_loss

from models.networks.directpose import STRIDES, Level
from models.ops.points import cell_points
from models.training.fcos_loss import BACKGROUND, Assigned, assigned

SIZES = (64, 128, 256, 512)  # of people, between which the levels change
HEATMAPS_WEIGHT = 4.0  # of the published recipe
ALPHA, GAMMA = 0.25, 2.0  # of the focal losses (Lin et al. 2017)


class Truth(NamedTuple):
    """One image's people, in pixels of the input: `boxes` (n, 4) left, top, right, bottom and
    `keypoints` (n, K, 3) with v > 0 where labelled."""

    boxes: Tensor
    keypoints: Tensor


class Losses(NamedTuple):
    """Scalars, weighed; their sum is what is minimised."""

    cls: Tensor
    centerness: Tensor
    keypoints: Tensor
    heatmaps: Tensor

    @property
    def total(self) -> Tensor:
        return torch.stack(self).sum()


def hulls(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """(n, 4) the boxes around people's labelled keypoints (n, K, 3), a pixel larger on each side.

    They lie within an image of `size`, (height, width), whose last pixels are width - 1 and
    height - 1. Nobody may be without a labelled keypoint.
    """
    labelled, points = keypoints[..., 2:] > 0, keypoints[..., :2]
    low = torch.where(labelled, points, torch.inf).amin(1) - 1
    high = torch.where(labelled, points, -torch.inf).amax(1) + 1
    last = points.new_tensor([size[1] - 1, size[0] - 1])
    return torch.cat([corner.clamp(min=0).minimum(last) for corner in (low, high)], 1)


def losses(
    levels: Sequence[Level],
    heatmaps: Tensor,
    truths: Sequence[Truth],
    *,
    heatmaps_weight: float = HEATMAPS_WEIGHT,
) -> Losses:
    """What `DirectPose.supervised` says of N images, against their people."""
    taught = assigned(levels, STRIDES, [truth.boxes for truth in truths], SIZES, edge=1)
    logits = torch.cat([level.logits.flatten() for level in levels])
    centerness = torch.cat([level.centerness.flatten() for level in levels])
    vectors = torch.cat([level.vectors.permute(0, 2, 3, 1).flatten(0, 2) for level in levels])
    here = taught.positive
    person = (taught.people != BACKGROUND).to(logits)
    middle = taught.centerness[here]
    ctr = binary_cross_entropy_with_logits(centerness[here], middle, reduction="sum")
    return Losses(
        _focal(logits, person) / (len(here) + len(truths)),
        ctr / max(len(here), 1),
        _distance(vectors[here], keypoint_targets(taught, truths), middle),
        heatmaps_weight * _heatmap_loss(heatmaps, truths),
    )


def keypoint_targets(taught: Assigned, truths: Sequence[Truth]) -> Tensor:
    """(n, K, 3): from each cell that answers for somebody to the keypoints, in strides, and v.

    0 where a keypoint is not labelled.
    """
    here = taught.positive
    keypoints = torch.cat([truth.keypoints for truth in truths])[taught.people[here]]
    strides = keypoints.new_tensor(STRIDES)[taught.places.levels[here]]
    steps = (keypoints[..., :2] - taught.places.points[here, None]) / strides[:, None, None]
    labelled = keypoints[..., 2:] > 0
    return torch.cat([steps * labelled, keypoints[..., 2:]], 2)


def heatmap_classes(truth: Truth, height: int, width: int) -> Tensor:
    """(height * width,) int64: which keypoint a cell of the finest level is, counted from 1, or 0.

    Each labelled keypoint is that of the nearest cell, by the larger of the two distances; where
    several are, the first. Of several keypoints in one cell the last remains, person by person.
    """
    cells = cell_points(height, width, STRIDES[0], shift=STRIDES[0] // 2).to(truth.keypoints)
    classes = torch.zeros(len(cells), dtype=torch.long, device=cells.device)
    people, kinds = torch.nonzero(truth.keypoints[..., 2] > 0, as_tuple=True)
    points = truth.keypoints[people, kinds, :2]
    if not len(points):
        return classes
    nearest = torch.cdist(points, cells, p=torch.inf).argmin(1)
    order = torch.arange(1, len(points) + 1, device=cells.device)
    last = classes.scatter_reduce(0, nearest, order, "amax")
    return torch.where(last > 0, kinds[last - 1] + 1, 0)


def _distance(vectors: Tensor, targets: Tensor, middle: Tensor) -> Tensor:
    """How far n cells' vectors (n, 2 K) lead beside the labelled keypoints, in strides.

    Cells are weighed by how much in the middle they lie; each counts the mean over its keypoints,
    and those without any do not count.
    """
    labelled = targets[..., 2] > 0
    steps = targets[..., :2]
    apart = (vectors.reshape(steps.shape) - steps).abs().mean(2) * labelled
    counts = labelled.sum(1)
    weights = middle * (counts > 0)
    return (weights * apart.sum(1) / counts.clamp(min=1)).sum() / weights.sum().clamp(min=1)


def _heatmap_loss(heatmaps: Tensor, truths: Sequence[Truth]) -> Tensor:
    """Of logits (N, K, h, w): a focal loss per keypoint, shared by the marked cells."""
    count, (height, width) = heatmaps.shape[1], heatmaps.shape[2:]
    classes = torch.stack([heatmap_classes(truth, height, width) for truth in truths])
    kinds = torch.arange(1, count + 1, device=heatmaps.device)[:, None]
    target = (classes[:, None] == kinds).to(heatmaps)
    return _focal(heatmaps.flatten(2), target) / (classes > 0).sum().clamp(min=1)


def _focal(logits: Tensor, target: Tensor) -> Tensor:
    return sigmoid_focal_loss(logits.float(), target.float(), ALPHA, GAMMA, reduction="sum")
