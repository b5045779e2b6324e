"""Mask R-CNN's region network in detectron2's layout: anchors, proposals, and the box head.

Ren et al. 2015 ("Faster R-CNN"), Lin et al. 2017 ("Feature Pyramid Networks for Object
Detection"); hpos specification 2. Boxes are left, top, right, bottom in pixels of the input, in
continuous coordinates. There is one class, people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import batched_nms, clip_boxes_to_image, nms, roi_align

from models.ops.points import cell_points

STRIDES = (4, 8, 16, 32, 64)  # of P2 to P6
SIZES = (32, 64, 128, 256, 512)  # of the anchors on them: the root of their area
RATIOS = (0.5, 1.0, 2.0)  # height over width
PROPOSAL_OVERLAP = 0.7  # the IoU above which the weaker of two proposals goes
POOLED = 7  # cells a side that the box head reads of a region
USUAL, USUAL_LEVEL = 224.0, 2  # a region of that size is read from P4, a smaller one from P3 or P2
AT_ONCE = 250  # regions whose cells are in memory together: 50 kB each

ANCHOR_CODER = BoxCoder((1.0, 1.0, 1.0, 1.0))
REGION_CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))


class LevelRegions(NamedTuple):
    """What the region network says of one level of N images, h x w cells of A anchors.

    `logits` (N, A, h, w) that an anchor holds a person; `deltas` (N, 4 A, h, w) from it to the
    person's box, an anchor's four together.
    """

    logits: Tensor
    deltas: Tensor


class Anchored(NamedTuple):
    """The same with the P anchors in a row: cells row by row, of each its anchors.

    `logits` (N, P), `deltas` (N, P, 4), `anchors` (P, 4).
    """

    logits: Tensor
    deltas: Tensor
    anchors: Tensor


class BoxAnswer(NamedTuple):
    """What the box head says of n regions: `logits` (n, 2) person and nobody, `deltas` (n, 4)."""

    logits: Tensor
    deltas: Tensor


class FoundBoxes(NamedTuple):
    """People of one image, best first: `boxes` (n, 4) within it and `scores` (n,) in 0..1."""

    boxes: Tensor
    scores: Tensor


class RPNHead(nn.Module):
    """One convolution, shared by all levels, and what is said of each cell's anchors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _begun(nn.Conv2d(channels, channels, 3, padding=1))
        self.objectness_logits = _begun(nn.Conv2d(channels, len(RATIOS), 1))
        self.anchor_deltas = _begun(nn.Conv2d(channels, 4 * len(RATIOS), 1))

    def forward(self, levels: Sequence[Tensor]) -> tuple[LevelRegions, ...]:
        """Maps (N, C, h, w), finest first."""
        seen = (self.conv(level).relu_() for level in levels)
        return tuple(LevelRegions(self.objectness_logits(x), self.anchor_deltas(x)) for x in seen)


class BoxHead(nn.Module):
    """Two layers over all cells of a region: (n, C, 7, 7) to (n, width)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels * POOLED**2, width)
        self.fc2 = nn.Linear(width, width)
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            nn.init.zeros_(layer.bias)

    def forward(self, regions: Tensor) -> Tensor:
        return self.fc2(self.fc1(regions.flatten(1)).relu_()).relu_()


class BoxPredictor(nn.Module):
    """What a region holds, and where its box is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.cls_score = _begun(nn.Linear(width, 2))
        self.bbox_pred = _begun(nn.Linear(width, 4), 0.001)

    def forward(self, seen: Tensor) -> BoxAnswer:
        return BoxAnswer(self.cls_score(seen), self.bbox_pred(seen))


def anchored(levels: Sequence[LevelRegions]) -> list[Anchored]:
    """Every level's answers beside its anchors."""
    found = []
    for (logits, deltas), stride, size in zip(levels, STRIDES, SIZES, strict=True):
        count, kinds, height, width = logits.shape
        found.append(
            Anchored(
                logits.permute(0, 2, 3, 1).flatten(1),
                deltas.view(count, kinds, 4, height, width)
                .permute(0, 3, 4, 1, 2)
                .reshape(count, -1, 4),
                _anchors(height, width, stride, size, logits.device),
            )
        )
    return found


@torch.no_grad()
def proposals(
    levels: Sequence[Anchored], image: int, size: tuple[int, int], *, before: int, after: int
) -> Tensor:
    """(n, 4) regions of one image, best first, that may hold a person; `size` (height, width).

    Of each level the `before` best anchors, of these without alike ones the `after` best.
    """
    boxes, logits, numbers = [], [], []
    for number, level in enumerate(levels):
        own = level.logits[image].float()
        best, chosen = own.topk(min(before, len(own)))
        deltas = level.deltas[image, chosen].float()
        boxes.append(ANCHOR_CODER.decode_single(deltas, level.anchors[chosen]))
        logits.append(best)
        numbers.append(torch.full_like(chosen, number))
    every, sure, number_of = torch.cat(boxes), torch.cat(logits), torch.cat(numbers)
    every = clip_boxes_to_image(every, size)
    there = (every[:, 2:] > every[:, :2]).all(1) & every.isfinite().all(1) & sure.isfinite()
    every, sure, number_of = every[there], sure[there], number_of[there]
    return every[batched_nms(every, sure, number_of, PROPOSAL_OVERLAP)[:after]]


def level_of(boxes: Tensor) -> Tensor:
    """(n,) which of P2 to P5, as 0 to 3, regions (n, 4) are read from."""
    sides = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    level = USUAL_LEVEL + (sides.sqrt() / USUAL + 1e-8).log2()
    return level.floor().clamp(0, 3).long()


def pooled(maps: Sequence[Tensor], image: int, boxes: Tensor) -> Tensor:
    """(n, C, 7, 7) what P2 to P5 of one image have in its regions (n, 4), each on its level."""
    cells = maps[0].new_zeros(len(boxes), maps[0].shape[1], POOLED, POOLED)
    levels = level_of(boxes)
    for level, (own, stride) in enumerate(zip(maps[:4], STRIDES, strict=False)):
        here = torch.nonzero(levels == level)[:, 0]
        if len(here):
            read = roi_align(own[image, None], [boxes[here].to(own)], POOLED, 1 / stride, 0, True)
            cells = cells.index_put((here,), read)
    return cells


def found_boxes(
    regions: Tensor,
    answer: BoxAnswer,
    size: tuple[int, int],
    *,
    least_score: float,
    overlap: float,
    most_people: int,
) -> FoundBoxes:
    """The people of one image of `size` (height, width), given what is said of its regions."""
    scores = answer.logits.float().softmax(1)[:, 0]
    boxes = REGION_CODER.decode_single(answer.deltas.float(), regions)
    boxes = clip_boxes_to_image(boxes, size)
    there = (scores > least_score) & boxes.isfinite().all(1)
    boxes, scores = boxes[there], scores[there]
    kept = nms(boxes, scores, overlap)[:most_people]
    return FoundBoxes(boxes[kept], scores[kept])


def _anchors(height: int, width: int, stride: int, size: int, device: torch.device) -> Tensor:
    """(height * width * A, 4), around the cells' first corners."""
    tall = torch.tensor(RATIOS, device=device)
    wide = (size**2 / tall).sqrt()
    half = torch.stack([wide, wide * tall], 1) / 2
    cells = cell_points(height, width, stride, shift=0, device=device)[:, None]
    return torch.cat([cells - half, cells + half], 2).flatten(0, 1)


def _begun(layer: nn.Conv2d | nn.Linear, deviation: float = 0.01) -> nn.Module:
    nn.init.normal_(layer.weight, std=deviation)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer
