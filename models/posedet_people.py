"""What PoseDet's cells say, as people: candidates of one view, mirrored ones turned back, the rest.

PoseDet specification 6.2 to 6.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from data.skeleton import Skeleton
from models.networks.posedet import Level, points_of
from models.ops.oks_nms import oks_nms

LEAST_AREA = 1024.0  # pixels: poses smaller than that are as alike as if they had this area


class Candidates(NamedTuple):
    """Poses of one image before they are compared: `points` (M, K, 2) x, y and `scores` (M,)."""

    points: Tensor
    scores: Tensor


def candidates(
    levels: Sequence[Level], *, size: tuple[int, int], most: int, least_score: float
) -> list[Candidates]:
    """The cells of each image of a batch that score more than `least_score`, on the CPU.

    Of a level, the `most` strongest at most. Points are in pixels of the input, brought into
    `size` (width, height), the part of it that is the image.
    """
    reach = torch.tensor(size, dtype=torch.float32)
    images = []
    for image in range(len(levels[0].logits)):
        points, scores = [], []
        for level in levels:
            score, cells = level.logits[image].flatten().float().sigmoid().sort(descending=True)
            count = min(most, int((score > least_score).sum()))
            refined = points_of(level.refined[image : image + 1], level.stride)[0]
            points.append(refined[cells[:count]].cpu())
            scores.append(score[:count].cpu())
        joint = torch.cat(points).clamp(min=0).minimum(reach)
        images.append(Candidates(joint, torch.cat(scores)))
    return images


def turned_back(mirrored: Candidates, width: float, mirror: Sequence[int]) -> Candidates:
    """Candidates of a mirrored image of `width` as those of the image itself.

    `mirror[k]` is the keypoint that takes the place of k. The published code takes the resized
    image's width where the points are already in pixels of the original; here both are one's.
    """
    points = mirrored.points[:, list(mirror)]
    turned = torch.stack([width - points[..., 0], points[..., 1]], -1)
    return Candidates(turned, mirrored.scores)


def people(
    views: Sequence[Candidates], skeleton: Skeleton, *, overlap: float, most: int
) -> Candidates:
    """The poses that stay of all views of an image together, best first, on `skeleton`.

    Keypoints that the skeleton lacks come last in the views, and are dropped before poses are
    compared, as published.
    """
    points = torch.cat([view.points for view in views])[:, : len(skeleton)]
    scores = torch.cat([view.scores for view in views])
    sigmas = torch.from_numpy(skeleton.sigmas)
    kept = oks_nms(points, scores, sigmas, overlap=overlap, most=most, least_area=LEAST_AREA)
    return Candidates(points[kept], scores[kept])
