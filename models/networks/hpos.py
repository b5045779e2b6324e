"""hpos: Mask R-CNN for keypoints, with more context and the finest map for every person.

Li et al. 2023 ("Towards High Performance One-Stage Human Pose Estimation"); hpos specification. A
region network proposes where people are and a box head says so; then a branch of convolutions and
attention draws a map of each keypoint in every person's enlarged box (`hpos_head.py`). Entry names
are those of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.networks import resnet
from models.networks.fpn import p2_to_p6
from models.networks.hpos_head import (
    CELLS,
    STRIDE,
    KeypointHead,
    Keypoints,
    cut_out,
    read_keypoints,
    regions_of,
)
from models.networks.rcnn import (
    AT_ONCE,
    BoxAnswer,
    BoxHead,
    BoxPredictor,
    FoundBoxes,
    LevelRegions,
    RPNHead,
    anchored,
    found_boxes,
    pooled,
    proposals,
)
from models.networks.resnet import ResNet

PROPOSALS = 1000  # regions of an image that are looked at, and anchors of a level before that
PEOPLE_AT_ONCE = 50  # whose maps are in memory together: with attention about 4 MB a person
PIXEL_SPREAD, BLOCK_SHARE = 60.0, 0.2  # of a fresh trunk, see `_quieten`

RENAMES: tuple[tuple[str, str | None], ...] = (
    # Older detectron2 stores the colours' mean and deviation, and the anchors' corners; they are
    # the ones used here.
    (r"^pixel_(mean|std)$", None),
    (r"^proposal_generator\.anchor_generator\.cell_anchors\.\d+$", None),
)


class HposAnswer(NamedTuple):
    """What the network says of N images before anybody is chosen: P2 to P6, each (N, C, h, w), and
    of each level's anchors."""

    maps: list[Tensor]
    regions: tuple[LevelRegions, ...]


class People(NamedTuple):
    """The people of one image, best first."""

    found: FoundBoxes
    keypoints: Keypoints


class RoIHeads(nn.Module):
    """What is said of regions: a box, and a person's keypoints."""

    def __init__(self, channels: int, *, box_width: int, head_width: int, keypoints: int) -> None:
        super().__init__()
        self.box_head = BoxHead(channels, box_width)
        self.box_predictor = BoxPredictor(box_width)
        self.keypoint_head = KeypointHead(channels, head_width, keypoints)


class Hpos(nn.Module):
    """Images (N, 3, h, w) to maps and regions; h and w are multiples of 32.

    `bottom_up` answers with maps of strides 4, 8, 16, 32 and `widths` channels. `channels` are the
    pyramid's, `box_width` and `head_width` those inside the box head and the keypoint branch.
    """

    def __init__(
        self,
        bottom_up: nn.Module,
        widths: Sequence[int],
        *,
        keypoints: int,
        channels: int = 256,
        box_width: int = 1024,
        head_width: int = 512,
    ) -> None:
        super().__init__()
        self.keypoints = keypoints
        self.backbone = p2_to_p6(bottom_up, dict(enumerate(widths, 2)), channels=channels)
        self.proposal_generator = nn.ModuleDict({"rpn_head": RPNHead(channels)})
        self.roi_heads = RoIHeads(
            channels, box_width=box_width, head_width=head_width, keypoints=keypoints
        )

    def forward(self, images: Tensor) -> HposAnswer:
        maps = self.backbone(images)
        return HposAnswer(maps, self.proposal_generator["rpn_head"](maps))

    def people(
        self,
        answer: HposAnswer,
        image: int,
        size: tuple[int, int],
        *,
        least_score: float,
        overlap: float,
        most_people: int,
        most_regions: int = PROPOSALS,
    ) -> People:
        """The people of one image, whose (height, width) without padding is `size`.

        `overlap` is the IoU above which the weaker of two boxes goes. Where no region is proposed,
        or none of them is anybody, no head runs.
        """
        levels = anchored(answer.regions)
        regions = proposals(levels, image, size, before=most_regions, after=most_regions)
        found = found_boxes(
            regions,
            self.box_answer(answer, image, regions),
            size,
            least_score=least_score,
            overlap=overlap,
            most_people=most_people,
        )
        return People(found, self.keypoints_of(answer, image, found.boxes))

    def box_answer(self, answer: HposAnswer, image: int, regions: Tensor) -> BoxAnswer:
        """What the box head says of one image's regions (n, 4); some at a time."""
        heads, maps = self.roi_heads, answer.maps
        if not len(regions):
            return BoxAnswer(regions.new_zeros(0, 2), regions.new_zeros(0, 4))
        parts = (
            heads.box_predictor(heads.box_head(pooled(maps, image, some)))
            for some in torch.split(regions, AT_ONCE)
        )
        return BoxAnswer(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def keypoints_of(self, answer: HposAnswer, image: int, boxes: Tensor) -> Keypoints:
        """The keypoints of people of one image with boxes (n, 4); a few people at a time.

        Zeros are added around P2 as one image's people want them: the published code adds for all
        images of a batch as much as any of them wants, so that poses depend on the company.
        """
        finest = answer.maps[0][image]
        height, width = (STRIDE * cells for cells in finest.shape[1:])
        regions = regions_of(boxes, (height, width))
        if not len(boxes):
            logits = boxes.new_zeros(0, self.keypoints, CELLS, CELLS)
            return read_keypoints(logits, regions)
        parts = []
        for some in torch.split(regions.boxes, PEOPLE_AT_ONCE):
            own = regions._replace(boxes=some)
            parts.append(read_keypoints(self.roi_heads.keypoint_head(cut_out(finest, own)), own))
        return Keypoints(*(torch.cat(part) for part in zip(*parts, strict=True)))


def over_resnet(
    blocks: Sequence[int],
    *,
    keypoints: int,
    widths: Sequence[int] = resnet.WIDTHS,
    stem_width: int = 64,
    **more: Any,
) -> Hpos:
    """hpos over a ResNet in detectron2's layout; `more` are Hpos's own arguments."""
    trunk = ResNet(blocks, widths=widths, stem_width=stem_width)
    _quieten(trunk)
    return Hpos(trunk, widths, keypoints=keypoints, **more)


def _quieten(trunk: ResNet) -> None:
    """Let a fresh trunk, whose normalisations are frozen, begin with answers of order 1.

    Pixels are in 0..255, and every block adds as much as there is. Without this the region network
    above random numbers answers with boxes far outside of the image. Files overwrite it.
    """
    for name, module in trunk.named_modules():
        if name == "stem.conv1.norm":
            module.get_buffer("weight").fill_(1 / PIXEL_SPREAD)
        elif name.endswith("conv3.norm"):
            module.get_buffer("weight").fill_(BLOCK_SHARE)


def hpos_r50(keypoints: int) -> Hpos:
    """The published R-50."""
    return over_resnet(resnet.BLOCKS["r50"], keypoints=keypoints)


def hpos_r101(keypoints: int) -> Hpos:
    """The published R-101."""
    return over_resnet(resnet.BLOCKS["r101"], keypoints=keypoints)


VARIANTS: Mapping[str, Callable[[int], Hpos]] = {"r50": hpos_r50, "r101": hpos_r101}
