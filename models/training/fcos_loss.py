"""What FCOS is taught: which cell answers for whom, and how its error is measured.

Tian et al. 2019, section 3, with the code's own numbers (FCPose specification 6.1 and 6.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits
from torchvision.ops import sigmoid_focal_loss

from models.networks.fcos import Cells, LevelAnswer, Places, level_points

RADIUS = 1.5  # in strides, around a box's middle, from where cells answer for it
BACKGROUND = -1
_FAR = 1e8


class Assigned(NamedTuple):
    """All P cells of a batch, level by level, of each the images one after the other.

    `people` (P,) is the number of the person a cell answers for, counted over the batch, or
    BACKGROUND; `sides` (P, 4) are the distances to that person's box in strides, `centerness`
    (P,) how much in its middle the cell lies. Both mean nothing where nobody is.
    """

    places: Places
    people: Tensor
    sides: Tensor
    centerness: Tensor

    @property
    def positive(self) -> Tensor:
        """(n,) the cells that answer for somebody."""
        return torch.nonzero(self.people != BACKGROUND)[:, 0]


class FCOSLosses(NamedTuple):
    """Scalars: of the class, of the boxes, of centre-ness."""

    cls: Tensor
    loc: Tensor
    ctr: Tensor


class Flat(NamedTuple):
    """A batch's answers in the order of `Assigned`: (P,), (P, 4), (P,)."""

    logits: Tensor
    sides: Tensor
    centerness: Tensor


def flat(answers: Sequence[LevelAnswer]) -> Flat:
    sides = [answer.sides.permute(0, 2, 3, 1).reshape(-1, 4) for answer in answers]
    return Flat(
        torch.cat([answer.logits.flatten() for answer in answers]),
        torch.cat(sides),
        torch.cat([answer.centerness.flatten() for answer in answers]),
    )


def assigned(
    answers: Sequence[Cells],
    strides: Sequence[int],
    boxes: Sequence[Tensor],
    sizes: Sequence[float],
    *,
    edge: float = 0.0,
) -> Assigned:
    """Which cell answers for whom. `boxes` (n, 4) are each image's people, in input pixels.

    A cell answers for a person in whose box it lies, near the middle, and whose farthest side is
    of its level's size: up to the first of `sizes`, between the next two, and so on. Of several
    people the one with the smallest box is taken; `edge` is added to both sides of its area.
    """
    limits = [-1.0, *sizes, _FAR]
    parts = []
    first = 0
    starts = []
    for people in boxes:
        starts.append(first)
        first += len(people)
    for level, (answer, stride) in enumerate(zip(answers, strides, strict=True)):
        points = level_points(answer, stride)
        for image, people in enumerate(boxes):
            low, high = limits[level], limits[level + 1]
            chosen, sides = _of_image(points, people, RADIUS * stride, low, high, edge)
            number = torch.where(chosen >= 0, chosen + starts[image], BACKGROUND)
            cells = torch.arange(len(points), device=points.device)
            same = (torch.full_like(cells, image), torch.full_like(cells, level))
            parts.append((Places(*same, cells, points), number, sides / stride))
    places = Places(*(torch.cat(part) for part in zip(*(p for p, _, _ in parts), strict=True)))
    sides = torch.cat([s for _, _, s in parts])
    return Assigned(places, torch.cat([n for _, n, _ in parts]), sides, _centerness(sides))


def fcos_losses(answers: Sequence[LevelAnswer], taught: Assigned) -> FCOSLosses:
    """All three; where nobody is in the batch the last two are 0 and stay on the graph."""
    given = flat(answers)
    here = taught.positive
    count = max(len(here), 1)
    person = (taught.people != BACKGROUND).to(given.logits)
    cls = sigmoid_focal_loss(given.logits, person, alpha=0.25, gamma=2, reduction="sum") / count
    middle = taught.centerness[here]
    apart = 1 - _giou(given.sides[here], taught.sides[here])
    loc = (middle * apart).sum() / middle.sum().clamp(min=1e-6)
    ctr = binary_cross_entropy_with_logits(given.centerness[here], middle, reduction="sum") / count
    return FCOSLosses(cls, loc, ctr)


def _of_image(
    points: Tensor, boxes: Tensor, reach: float, low: float, high: float, edge: float
) -> tuple[Tensor, Tensor]:
    """For each point (P, 2) a person or BACKGROUND, and the distances to that box (P, 4)."""
    if not len(boxes):
        nobody = torch.full((len(points),), BACKGROUND, device=points.device)
        return nobody, points.new_zeros(len(points), 4)
    sides = _distances(points, boxes)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    near = torch.cat(
        [
            torch.maximum(middle - reach, boxes[:, :2]),
            torch.minimum(middle + reach, boxes[:, 2:]),
        ],
        1,
    )
    inside = _distances(points, near).amin(2) > 0
    farthest = sides.amax(2)
    fits = inside & (farthest >= low) & (farthest <= high)
    area = (boxes[:, 2:] - boxes[:, :2] + edge).prod(1)
    smallest, person = torch.where(fits, area, torch.inf).min(1)
    every = torch.arange(len(points), device=points.device)
    return torch.where(smallest < torch.inf, person, BACKGROUND), sides[every, person]


def _distances(points: Tensor, boxes: Tensor) -> Tensor:
    """(P, n, 4): from each point to the left, top, right and bottom of each box."""
    before = points[:, None] - boxes[:, :2]
    return torch.cat([before, boxes[:, 2:] - points[:, None]], 2)


def _centerness(sides: Tensor) -> Tensor:
    """(P,) 1 in the middle of a box, 0 at its edge; 0 outside."""
    pairs = torch.stack([sides[:, [0, 2]], sides[:, [1, 3]]], 1).clamp(min=0)
    return (pairs.amin(2) / pairs.amax(2).clamp(min=1e-12)).prod(1).sqrt()


def _giou(one: Tensor, other: Tensor) -> Tensor:
    """Generalised IoU (n,) of boxes around the same points, by their sides in strides.

    With one square stride added above and below the line, as published.
    """
    inter = _area(torch.minimum(one, other))
    union = _area(one) + _area(other) - inter
    hull = _area(torch.maximum(one, other))
    return (inter + 1) / (union + 1) - (hull - union) / hull


def _area(sides: Tensor) -> Tensor:
    return (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
