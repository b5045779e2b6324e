"""PoseDet's losses: is a cell a person's, where are the keypoints, twice over, and the heatmaps.

PoseDet specification 5.2. Nobody in a batch, a distance of zero and a logit of any size have
finite values and gradients here; the published heatmap loss grows infinite where a logit saturates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from models.networks.posedet import Level, points_of
from models.training.posedet_targets import Assigned, Truth, assigned, heatmap_targets

BALANCE = 0.25  # alpha of the focal loss (Lin et al. 2017), whose gamma is 2
FIRST, REFINED, HEATMAPS = 0.1, 0.2, 0.1  # weights of the other parts
UNIT, FARTHEST = 4.0, 5.0  # distances are told in 4 strides; farther than 5 of these teach nothing


class Losses(NamedTuple):
    """The parts of the loss, weighted: one number per level (L,), of the heatmaps one in all."""

    scores: Tensor
    first: Tensor
    refined: Tensor
    heatmaps: Tensor

    @property
    def total(self) -> Tensor:
        return self.scores.sum() + self.first.sum() + self.refined.sum() + self.heatmaps


def losses(
    levels: Sequence[Level], heatmaps: Sequence[Tensor], truths: Sequence[Truth], sigmas: Tensor
) -> Losses:
    """What `PoseDet.supervised` says of a batch, against the people of its images.

    `sigmas` (K,) are OKS's; with CrowdPose's 15 keypoints, of the first 14.
    """
    maps = [(level.stride, *level.logits.shape[2:]) for level in levels]
    sizes = [height * width for _, height, width in maps]
    logits = torch.cat([level.logits.float().flatten(1) for level in levels], 1)
    first = torch.cat([points_of(level.first, level.stride) for level in levels], 1)
    refined = torch.cat([points_of(level.refined, level.stride) for level in levels], 1)
    units = torch.cat(
        [logits.new_full((n,), UNIT * m[0]) for n, m in zip(sizes, maps, strict=True)]
    )
    with torch.no_grad():
        each = [assigned(t, poses, maps, sigmas) for t, poses in zip(truths, first, strict=True)]
    cells = Assigned(*(torch.stack(stage) for stage in zip(*each, strict=True)))

    def shared(values: Tensor, people: Tensor) -> Tensor:
        """(N, P) as sums per level, shared by the cells that have somebody."""
        sums = torch.stack([part.sum() for part in torch.split(values, sizes, 1)])
        return sums / (people > 0).sum(1).clamp(min=1).sum()

    return Losses(
        shared(_focal(logits, cells.scored), cells.scored),
        FIRST * shared(_distances(first, cells.first, truths, units), cells.first),
        REFINED * shared(_distances(refined, cells.refined, truths, units), cells.refined),
        HEATMAPS * _drawn(levels, heatmaps, truths),
    )


def _focal(logits: Tensor, people: Tensor) -> Tensor:
    """(N, P) focal loss of each cell, 0 where it is left out."""
    score = logits.sigmoid()
    of_person = -BALANCE * (1 - score) ** 2 * logsigmoid(logits)
    of_nobody = -(1 - BALANCE) * score**2 * logsigmoid(-logits)
    return torch.where(people > 0, of_person, of_nobody) * (people >= 0)


def _distances(poses: Tensor, people: Tensor, truths: Sequence[Truth], units: Tensor) -> Tensor:
    """(N, P) how far a cell's keypoints lie from its person's, summed over the known ones.

    `poses` (N, P, K, 2) in pixels; `units` (P,) pixels. 0 where a cell has nobody.
    """
    images = []
    for found, who, truth in zip(poses, people, truths, strict=True):
        cells = who > 0
        place = who[cells] - 1
        steps = found[cells] - truth.keypoints[place][..., :2]
        distance = torch.linalg.vector_norm(steps, dim=2) / units[cells, None]
        sums = (distance.clamp(max=FARTHEST) * truth.known[place]).sum(1)
        images.append(torch.zeros_like(units).index_put((cells.nonzero()[:, 0],), sums))
    return torch.stack(images)


def _drawn(levels: Sequence[Level], heatmaps: Sequence[Tensor], truths: Sequence[Truth]) -> Tensor:
    """The mean over levels of CornerNet's focal loss (Law and Deng 2018, equation 1)."""
    values = []
    for level, logits in zip(levels, heatmaps, strict=True):
        height, width = logits.shape[2:]
        drawn = [heatmap_targets(truth, level.stride, height, width) for truth in truths]
        target = torch.stack([maps for maps, _ in drawn])
        weights = torch.stack([weights for _, weights in drawn])[:, None]
        logits, peak = logits.float(), target == 1
        score = logits.sigmoid()
        at_peak = (1 - score) ** 2 * logsigmoid(logits)
        beside = (1 - target) ** 4 * score**2 * logsigmoid(-logits)
        count = (peak * weights).sum()
        total = -(weights * torch.where(peak, at_peak, beside)).sum()
        values.append(total / torch.where(count > 0, count, 1))
    return torch.stack(values).mean()
