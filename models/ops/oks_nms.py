"""OKS NMS: of poses that are alike, the weaker ones go.

As box NMS, with the object keypoint similarity of two poses in place of their boxes' overlap
(PoseDet specification 6.3).
"""

from __future__ import annotations

import torch
from torch import Tensor


def oks_nms(
    points: Tensor,
    scores: Tensor,
    sigmas: Tensor,
    *,
    overlap: float,
    most: int,
    least_area: float,
) -> Tensor:
    """The places of the poses that stay, at most `most`, best first.

    `points` (N, K, 2) in pixels, `scores` (N,), `sigmas` (K,). The strongest pose stays, and
    whoever is more alike to it than `overlap` goes; then the strongest of the rest. A pose's area
    is that of the tight box of its keypoints, or `least_area`.
    """
    order = scores.argsort(descending=True, stable=True)
    points = points[order]
    areas = (points.amax(1) - points.amin(1)).prod(1).clamp(min=least_area)
    spread = (2 * sigmas) ** 2
    rest = torch.arange(len(order), device=order.device)
    kept: list[Tensor] = []
    while len(rest) and len(kept) < most:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        squared = ((points[rest] - points[best]) ** 2).sum(2)
        area = (areas[rest] + areas[best]) / 2
        alike = torch.exp(-squared / (spread * area[:, None])).mean(1)
        rest = rest[alike <= overlap]
    return order[torch.stack(kept)] if kept else order
