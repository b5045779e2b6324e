"""FCOS: towers shared by all levels of a pyramid, what they answer, and how boxes are read.

Tian et al. 2019 ("FCOS: Fully Convolutional One-Stage Object Detection"), with the changes of the
code that FCPose is built on (FCPose specification 3.3 and 4): centre-ness on the box tower, sides
in units of the stride behind a ReLU, scores the root of class times centre-ness.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torchvision.ops import nms

from models.ops.points import cell_points

PRIOR = 0.01  # what a fresh network takes for the share of cells that hold a person


class Cells(Protocol):
    """What every head of the family says of a level's cells; see `LevelAnswer`."""

    @property
    def logits(self) -> Tensor: ...

    @property
    def centerness(self) -> Tensor: ...


class LevelAnswer(NamedTuple):
    """What the head says of one level of N images, h x w cells.

    `logits` (N, 1, h, w) of a person being there, `sides` (N, 4, h, w) the distances to the box's
    left, top, right, bottom in units of the stride, `centerness` (N, 1, h, w) logits, and `tower`
    (N, C, h, w), the box tower's last map, from which other heads read on.
    """

    logits: Tensor
    sides: Tensor
    centerness: Tensor
    tower: Tensor


class Places(NamedTuple):
    """n cells of a batch of pyramids: of which image, on which level, and which in row order.

    Each is (n,) int64; `points` (n, 2) are the same cells in pixels of the input.
    """

    images: Tensor
    levels: Tensor
    cells: Tensor
    points: Tensor

    def at(self, chosen: Tensor) -> Places:
        """Some of them, by a mask or by their numbers."""
        return Places(*(part[chosen] for part in self))


class Found(NamedTuple):
    """People of one image: `boxes` (n, 4) left, top, right, bottom in pixels of the input, not
    clipped; `scores` (n,) in 0..1; and the cells that found them."""

    boxes: Tensor
    scores: Tensor
    places: Places


class Scale(nn.Module):
    """A level's own factor, entry `scale`."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


def tower(
    inputs: int, width: int, layers: int, *, norm_groups: int = 32, conv_groups: int = 1
) -> nn.Sequential:
    """`layers` times a 3x3 convolution with bias, GroupNorm and ReLU.

    With `conv_groups` all convolutions but the first keep that many groups apart.
    """
    parts: list[nn.Module] = []
    for layer in range(layers):
        first = layer == 0
        groups = 1 if first else conv_groups
        conv = nn.Conv2d(inputs if first else width, width, 3, padding=1, groups=groups)
        parts += [begun(conv), nn.GroupNorm(norm_groups, width), nn.ReLU(inplace=True)]
    return nn.Sequential(*parts)


class FCOSHead(nn.Module):
    """The same towers on every level, then one logit, four sides and one centre-ness per cell.

    `shared` counts the layers that class and box have in common, `separate` those of each.
    """

    def __init__(self, *, levels: int, channels: int = 256, shared: int = 0, separate: int = 4):
        super().__init__()
        self.share_tower = tower(channels, channels, shared)
        self.cls_tower = tower(channels, channels, separate)
        self.bbox_tower = tower(channels, channels, separate)
        self.cls_logits = begun(nn.Conv2d(channels, 1, 3, padding=1))
        self.bbox_pred = begun(nn.Conv2d(channels, 4, 3, padding=1))
        self.ctrness = begun(nn.Conv2d(channels, 1, 3, padding=1))
        self.scales = nn.ModuleList(Scale() for _ in range(levels))
        nn.init.constant_(_bias(self.cls_logits), -math.log((1 - PRIOR) / PRIOR))

    def forward(self, levels: Sequence[Tensor]) -> tuple[LevelAnswer, ...]:
        """Maps (N, C, h, w), finest first."""
        return tuple(self._answer(*pair) for pair in zip(levels, self.scales, strict=True))

    def _answer(self, x: Tensor, scale: nn.Module) -> LevelAnswer:
        x = self.share_tower(x)
        box = self.bbox_tower(x)
        logits = self.cls_logits(self.cls_tower(x))
        return LevelAnswer(logits, scale(self.bbox_pred(box)).relu(), self.ctrness(box), box)


def level_points(answer: Cells, stride: int) -> Tensor:
    """(h * w, 2) the points of a level's cells in the input."""
    height, width = answer.logits.shape[2:]
    return cell_points(height, width, stride, shift=stride // 2, device=answer.logits.device)


def boxes_around(points: Tensor, distances: Tensor) -> Tensor:
    """(n, 4) left, top, right, bottom from points (n, 2) and distances to the sides (n, 4)."""
    return torch.cat([points - distances[:, :2], points + distances[:, 2:]], 1)


def people_of(
    answers: Sequence[LevelAnswer],
    strides: Sequence[int],
    image: int,
    *,
    least_score: float,
    most_candidates: int,
    overlap: float,
    most_people: int,
) -> Found:
    """The people of one image of a batch, best first.

    Cells above `least_score` (the class alone) are candidates, of each level the
    `most_candidates` best; of two boxes with an IoU above `overlap` the weaker goes. More than
    `most_people` remain only where the last ones score equally.
    """
    found = [
        _candidates(answer, stride, image, level, least_score, most_candidates)
        for level, (answer, stride) in enumerate(zip(answers, strides, strict=True))
    ]
    boxes = torch.cat([one.boxes for one in found])
    scores = torch.cat([one.scores for one in found])
    parts = zip(*(one.places for one in found), strict=True)
    places = Places(*(torch.cat(part) for part in parts))
    kept = strongest(boxes, scores, overlap=overlap, most=most_people)
    return Found(boxes[kept], scores[kept], places.at(kept))


def strongest(boxes: Tensor, scores: Tensor, *, overlap: float, most: int) -> Tensor:
    """Which of (n, 4) boxes stay, best first; a tie at the end may leave more than `most`."""
    kept = nms(boxes, scores, overlap)
    if len(kept) <= most:
        return kept
    return kept[scores[kept] >= scores[kept[most - 1]]]


def _candidates(
    answer: LevelAnswer, stride: int, image: int, level: int, least_score: float, most: int
) -> Found:
    """One level's candidates, in any order."""
    cells, quality = best_cells(answer, image, least_score=least_score, most=most)
    points = level_points(answer, stride)[cells]
    sides = answer.sides[image].flatten(1).T[cells].float() * stride
    places = Places(torch.full_like(cells, image), torch.full_like(cells, level), cells, points)
    return Found(boxes_around(points, sides), quality.sqrt(), places)


def best_cells(
    answer: Cells, image: int, *, least_score: float, most: int
) -> tuple[Tensor, Tensor]:
    """The n cells of one image whose class alone scores above `least_score`, `most` at most.

    In any order; and their class times centre-ness (n,), by which the best are chosen.
    """
    person = answer.logits[image].flatten().float().sigmoid()
    quality = person * answer.centerness[image].flatten().float().sigmoid()
    cells = torch.nonzero(person > least_score)[:, 0]
    if len(cells) > most:
        cells = cells[quality[cells].topk(most, sorted=False).indices]
    return cells, quality[cells]


def begun(conv: nn.Conv2d) -> nn.Conv2d:
    """A convolution of a head, as the family starts it: normal weights, no bias."""
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.zeros_(_bias(conv))
    return conv


def _bias(conv: nn.Conv2d) -> Tensor:
    assert conv.bias is not None
    return conv.bias
