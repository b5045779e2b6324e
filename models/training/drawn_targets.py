"""Targets of the embedded family: where a keypoint is, or that it is nowhere in the crop.

A network answers with logits (N, J, h, w). Beside the cells of a map stands one more, `nowhere`,
whose logit is always 0; the soft-max runs over all of them, so a map's sum is the probability
that the keypoint is in the crop. Cross-entropy learns from the first minute, where the squared
distance to peak-1 Gaussians stays at zero for an hour.
"""

from __future__ import annotations

import torch
from torch import Tensor


def gaussians(points: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """(N, J, 2) points in cells to (N, J, h, w) maps of sum 1; `size` is (width, height)."""
    x = torch.arange(size[0], dtype=torch.float32, device=points.device)
    y = torch.arange(size[1], dtype=torch.float32, device=points.device)
    across = torch.exp(-((x - points[..., :1]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((y - points[..., 1:]) ** 2) / (2 * sigma**2))
    across = across / across.sum(-1, keepdim=True).clamp_min(1e-6)
    down = down / down.sum(-1, keepdim=True).clamp_min(1e-6)
    return down[..., :, None] * across[..., None, :]


def log_probabilities(logits: Tensor) -> tuple[Tensor, Tensor]:
    """(N, J, h, w) logits to log-probabilities of the cells and of nowhere (N, J)."""
    flat = logits.float().flatten(2)
    nowhere = torch.zeros_like(flat[..., :1])
    total = torch.logsumexp(torch.cat([flat, nowhere], -1), -1, keepdim=True)
    return (flat - total).view_as(logits), -total[..., 0]


def keypoint_loss(
    logits: Tensor, keypoints: Tensor, absent_is_known: Tensor, *, stride: float, sigma: float
) -> Tensor:
    """Cross-entropy of logits (N, J, h, w) to keypoints (N, J, 3) in pixels of the crop.

    A labelled keypoint outside the crop is nowhere. One without label is left out, or, where
    `absent_is_known` (N, J), counts as nowhere, with a third of the weight as some are only hard.
    """
    height, width = logits.shape[2:]
    points = keypoints[..., :2] / stride
    limit = torch.tensor([width - 0.5, height - 0.5], device=points.device)
    inside = ((points > -0.5) & (points < limit)).all(-1)
    labelled = keypoints[..., 2] > 0
    cells, nowhere = log_probabilities(logits)
    target = gaussians(points, (width, height), sigma)
    somewhere = -(target * cells).sum((2, 3))
    weight = labelled.float() + (~labelled & absent_is_known).float() / 3
    loss = torch.where(labelled & inside, somewhere, -nowhere)
    return (loss * weight).sum() / weight.sum().clamp_min(1)


def distillation_loss(logits: Tensor, teacher: Tensor) -> Tensor:
    """Cross-entropy of logits (N, J, h, w) to what a teacher's logits of that shape say.

    All keypoints count, also those that nobody labelled (Hinton et al. 2015, temperature 1).
    """
    with torch.no_grad():
        cells, nowhere = (part.exp() for part in log_probabilities(teacher))
    own, own_nowhere = log_probabilities(logits)
    return -((cells * own).sum((2, 3)) + nowhere * own_nowhere).mean()
