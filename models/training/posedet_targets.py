"""Which cells PoseDet teaches what: one per person for the first pose, then those that come near.

PoseDet specification 5.1 and 5.2. Cells are counted over all levels, finest first, row by row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.ops.points import cell_points

SCALE = 4.0  # a person of this many strides, by its keypoints' extent, is that level's
LEAST_KEYPOINTS = 3  # whoever has fewer is not learnt from
ALIKE, ALIKE_AT_BEST = 0.7, 0.52  # similarities from which the second pose is learnt
PERSON, BACKGROUND = 0.6, 0.5  # from which a cell is a person's, below which it is nobody's
NOBODY, LEFT_OUT = 0, -1
REACH, SIGMA = 7, 2.0  # cells, of the Gaussians on the heatmaps of every stride


class Truth(NamedTuple):
    """The people of one image, in pixels of the network's input.

    `keypoints` (n, K, 3): x, y and more than 0 where it is known; it may lie outside the image.
    `boxes` (n, 4): left, top, right, bottom, clipped to the image. `labelled` (n,): how many
    keypoints the annotation counts; where it counts none the heatmaps are not judged.
    """

    keypoints: Tensor
    boxes: Tensor
    labelled: Tensor

    @property
    def known(self) -> Tensor:
        """(n, K), whether a keypoint is."""
        return self.keypoints[..., 2] > 0


class Assigned(NamedTuple):
    """Each cell's person for the three stages, (P,): 1 is the first, 0 nobody, -1 left out."""

    first: Tensor
    refined: Tensor
    scored: Tensor


Maps = Sequence[tuple[int, int, int]]
"""Of each level, finest first, the stride and the map's height and width."""


def assigned(truth: Truth, poses: Tensor, maps: Maps, sigmas: Tensor) -> Assigned:
    """The cells' people, given what the cells' first poses (P, K, 2) are in pixels.

    `sigmas` are OKS's of the first keypoints; further ones (CrowdPose's abdomen) do not count.
    """
    alike = similarities(truth, poses, sigmas)
    return Assigned(_nearest(truth, maps), _refined(alike), _scored(alike))


def similarities(truth: Truth, poses: Tensor, sigmas: Tensor) -> Tensor:
    """(n, P) mean over the known keypoints of exp(-d^2 / ((2 sigma)^2 area)), -1 if too few are.

    There is no 2 before the area as OKS has it: this is stricter.
    """
    count = len(sigmas)
    known = truth.known[:, :count]
    sides = (truth.boxes[:, 2:] - truth.boxes[:, :2]).clamp(min=1e-6)
    spread = (2 * sigmas) ** 2 * sides.prod(1)[:, None]  # (n, K)
    rows = []
    for person, sees, wide in zip(truth.keypoints[:, :count, :2], known, spread, strict=True):
        squared = ((poses[:, :count] - person) ** 2).sum(2)
        rows.append((torch.exp(-squared / wide) * sees).sum(1) / sees.sum().clamp(min=1))
    alike = torch.stack(rows) if rows else poses.new_zeros(0, len(poses))
    alike[truth.known.sum(1) < LEAST_KEYPOINTS] = -1
    return alike


def heatmap_targets(truth: Truth, stride: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Gaussians (K, height, width) of peak 1, and the cells' weights (height, width), 0 or 1."""
    keypoints = truth.keypoints.cpu()
    target = torch.zeros(keypoints.shape[1], height, width)
    steps = torch.arange(-REACH, REACH + 1)
    window = torch.exp(-(steps[:, None] ** 2 + steps**2) / (2 * SIGMA**2))
    for person in keypoints:
        for keypoint, (x, y, flag) in enumerate(person.tolist()):
            column, row = int(x / stride), int(y / stride)  # toward zero, as published
            if flag <= 0 or not (0 <= column < width and 0 <= row < height):
                continue
            top, left = max(0, row - REACH), max(0, column - REACH)
            part = target[keypoint, top : row + REACH + 1, left : column + REACH + 1]
            fitting = window[top - row + REACH :, left - column + REACH :]
            torch.maximum(part, fitting[: part.shape[0], : part.shape[1]], out=part)
    weights = torch.ones(height, width)
    for box in truth.boxes[truth.labelled == 0].tolist():
        left, top, right, bottom = (max(0, int(side / stride)) for side in box)
        weights[top:bottom, left:right] = 0
    device = truth.keypoints.device
    return target.to(device), weights.to(device)


def _nearest(truth: Truth, maps: Maps) -> Tensor:
    """(P,) one cell of the fitting level for each person: the nearest to its keypoints' mean.

    Of two who want a cell, the nearer has it, measured in the person's own extent.
    """
    device = truth.keypoints.device
    strides = [stride for stride, _, _ in maps]
    grids = [cell_points(h, w, stride, shift=0, device=device) for stride, h, w in maps]
    starts = [sum(len(grid) for grid in grids[:level]) for level in range(len(grids))]
    people = torch.full((sum(map(len, grids)),), NOBODY, device=device)
    distances = torch.full((len(people),), math.inf, device=device)
    for number, (person, sees) in enumerate(zip(truth.keypoints, truth.known, strict=True), 1):
        points = person[sees][:, :2]
        if len(points) < LEAST_KEYPOINTS:
            continue
        extent = (points.amax(0) - points.amin(0)).clamp(min=1e-6)
        exponent = int((extent / SCALE).log2().mean())  # toward zero
        low, high = (int(math.log2(stride)) for stride in (min(strides), max(strides)))
        level = strides.index(2 ** min(max(exponent, low), high))
        steps = (grids[level] - points.mean(0)) / extent
        distance, cell = torch.linalg.vector_norm(steps, dim=1).min(0)
        place = starts[level] + int(cell)
        if distance < distances[place]:
            people[place], distances[place] = number, distance
    return people


def _refined(alike: Tensor) -> Tensor:
    """(P,) whose pose a cell refines: the most alike person's, and each person's best cell's."""
    best, who = _best(alike)
    people = torch.where(best >= ALIKE, who + 1, NOBODY)
    people[best < 0] = LEFT_OUT
    for number, row in enumerate(alike, 1):
        highest = row.max()
        if highest >= ALIKE_AT_BEST:
            people[row == highest] = number
    return people


def _scored(alike: Tensor) -> Tensor:
    """(P,) whose cell it is; those in between are left out."""
    best, who = _best(alike)
    people = torch.where(best >= PERSON, who + 1, LEFT_OUT)
    people[(best >= 0) & (best < BACKGROUND)] = NOBODY
    return people


def _best(alike: Tensor) -> tuple[Tensor, Tensor]:
    """(P,) the highest similarity of each cell and its person; 0 where the image has nobody."""
    if len(alike):
        best, who = alike.max(0)
        return best, who
    nothing = alike.new_zeros(alike.shape[1])
    return nothing, nothing.long()
