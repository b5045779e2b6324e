"""hpos's losses: of anchors, of regions and of keypoints, each with the same weight.

hpos specification 6. Zeros are added around P2 as each image's people want them, where the
published code adds for all as much as any wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    l1_loss,
    smooth_l1_loss,
)

from models.networks.hpos import Hpos, HposAnswer
from models.networks.hpos_head import STRIDE, Regions, cut_out, regions_of
from models.networks.rcnn import (
    ANCHOR_CODER,
    REGION_CODER,
    Anchored,
    BoxAnswer,
    anchored,
    proposals,
)
from models.training.hpos_targets import (
    ANCHORS,
    REGIONS,
    Labels,
    Truth,
    drawn_anchors,
    drawn_regions,
    labels_of,
    with_keypoints,
)

BEFORE, AFTER = 2000, 1500  # anchors of a level, and regions of an image, that are looked at
BEND = 0.5  # where the loss of boxes turns from square to straight
PERSON, NOBODY = 0, 1  # the box head's classes


class Losses(NamedTuple):
    """Scalars; their sum is what is minimised."""

    rpn_cls: Tensor
    rpn_loc: Tensor
    cls: Tensor
    box: Tensor
    keypoint: Tensor

    @property
    def total(self) -> Tensor:
        return torch.stack(list(self)).sum()


class Looked(NamedTuple):
    """An image's regions that are learnt from, the people's first: `boxes` (n, 4), and of the
    first m the person's number, `people` (m,)."""

    boxes: Tensor
    people: Tensor


def losses(
    network: Hpos,
    answer: HposAnswer,
    truths: Sequence[Truth],
    generator: torch.Generator,
    *,
    regions: int = REGIONS,
) -> Losses:
    """All losses of a batch of N images; the heads learn from so many `regions` of each.

    What is drawn depends on `generator` (a CPU's) alone. Where nobody is in the batch the losses of
    boxes and keypoints are 0 and stay on the graph.
    """
    levels = anchored(answer.regions)
    rpn_cls, rpn_loc = region_losses(levels, truths, generator)
    looked = [
        looked_at(levels, image, truth, generator, regions) for image, truth in enumerate(truths)
    ]
    said = [network.box_answer(answer, image, one.boxes) for image, one in enumerate(looked)]
    cls, box = box_losses(said, looked, truths)
    keypoint = _keypoint_loss(network, answer, looked, truths)
    return Losses(rpn_cls, rpn_loc, cls, box, keypoint)


def region_losses(
    levels: Sequence[Anchored], truths: Sequence[Truth], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Whether drawn anchors hold a person, and how far they are from the box."""
    logits = torch.cat([level.logits for level in levels], 1).float()
    deltas = torch.cat([level.deltas for level in levels], 1).float()
    anchors = torch.cat([level.anchors for level in levels])
    cls = loc = 0 * logits.sum() + 0 * deltas.sum()
    for truth, own_logits, own_deltas in zip(truths, logits, deltas, strict=True):
        chosen, people = drawn_anchors(anchors, truth.boxes, generator)
        is_person = torch.zeros_like(own_logits[chosen])
        is_person[: len(people)] = 1
        cls = cls + binary_cross_entropy_with_logits(own_logits[chosen], is_person, reduction="sum")
        theirs = chosen[: len(people)]
        wanted = ANCHOR_CODER.encode_single(truth.boxes[people], anchors[theirs])
        loc = loc + l1_loss(own_deltas[theirs], wanted, reduction="sum")
    return cls / (ANCHORS * len(truths)), loc / (ANCHORS * len(truths))


@torch.no_grad()
def looked_at(
    levels: Sequence[Anchored],
    image: int,
    truth: Truth,
    generator: torch.Generator,
    regions: int = REGIONS,
) -> Looked:
    """The regions of one image that teach the heads; people's own boxes are among the proposals."""
    found = proposals(levels, image, truth.size, before=BEFORE, after=AFTER)
    every = torch.cat([found, truth.boxes])
    chosen, people = drawn_regions(every, truth.boxes, generator, regions)
    return Looked(every[chosen], people)


def box_losses(
    said: Sequence[BoxAnswer], looked: Sequence[Looked], truths: Sequence[Truth]
) -> tuple[Tensor, Tensor]:
    """Who is somebody, and how far the boxes are off, both shared by all regions."""
    logits = torch.cat([one.logits for one in said]).float()
    kinds = torch.cat([_kinds(one) for one in looked])
    count = max(len(kinds), 1)
    cls = cross_entropy(logits, kinds, reduction="sum") / count
    box = 0 * logits.sum()
    for answer, (boxes, people), truth in zip(said, looked, truths, strict=True):
        theirs = slice(len(people))
        wanted = REGION_CODER.encode_single(truth.boxes[people], boxes[theirs])
        given = answer.deltas[theirs].float()
        box = box + smooth_l1_loss(given, wanted, beta=BEND, reduction="sum") / count
    return cls, box


def keypoint_loss(logits: Tensor, labels: Labels) -> Tensor:
    """How unlikely the labelled cells are on maps (n, K, 56, 56), the mean over those labelled."""
    valid = labels.valid.flatten()
    unlikely = cross_entropy(
        logits.float().flatten(2).flatten(0, 1)[valid],
        labels.cells.flatten()[valid],
        reduction="sum",
    )
    return (unlikely + 0 * logits.sum()) / valid.sum().clamp(min=1)


def _keypoint_loss(
    network: Hpos, answer: HposAnswer, looked: Sequence[Looked], truths: Sequence[Truth]
) -> Tensor:
    features, labels = [], []
    height, width = (STRIDE * cells for cells in answer.maps[0].shape[2:])
    for finest, (boxes, people), truth in zip(answer.maps[0], looked, truths, strict=True):
        theirs = boxes[: len(people)]
        seen = with_keypoints(theirs, people, truth.keypoints)
        regions: Regions = regions_of(theirs[seen], (height, width))
        features.append(cut_out(finest, regions))
        labels.append(labels_of(regions, truth.keypoints[people[seen]]))
    together = Labels(*(torch.cat(part) for part in zip(*labels, strict=True)))
    return keypoint_loss(network.roi_heads.keypoint_head(torch.cat(features)), together)


def _kinds(looked: Looked) -> Tensor:
    kinds = torch.full((len(looked.boxes),), NOBODY, device=looked.boxes.device)
    kinds[: len(looked.people)] = PERSON
    return kinds
