"""DirectPose: every cell of a pyramid points at a person's keypoints, looking where they are.

Tian et al. 2019 ("DirectPose: Direct End-to-End Multi-Person Pose Estimation"); DirectPose
specification 3 to 6 and 11. From the keypoint tower a locator points once per group of keypoints;
there the group's own 64 channels are sampled on a finer level, and a predictor reads out of them
the rest of the way to each keypoint: keypoint alignment. No box is predicted. GluonCV's network is
the same with four differences, which are numbers here (`gluoncv_r50`). Its names are used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.networks import resnet
from models.networks.blocks import conv3x3
from models.networks.blurpool import IMAGENET, blurred
from models.networks.fcos import PRIOR, begun, tower
from models.networks.fpn import p3_to_p7

STRIDES = (8, 16, 32, 64, 128)
GLUONCV: Mapping[str, Any] = {"finest_groups": 0, "values": 3, "heatmap_width": 0}

# COCO's keypoints that are looked for at one place: the head; per side a shoulder, the arm below
# it, a hip, and the leg below it.
GROUPS = ((0, 1, 2, 3, 4), (5,), (7, 9), (6,), (8, 10), (11,), (13, 15), (12,), (14, 16))
KEYPOINTS = sum(map(len, GROUPS))

RENAMES: tuple[tuple[str, str | None], ...] = (
    # GluonCV stores the colours' mean and deviation, which are the ones used here, and may store
    # the branch that is taught beside and not used.
    (r"^pixel_(mean|std)$", None),
    (r"^proposal_generator\.directpose_head\.hm_(tower|pred)\.", None),
    (r"^(proposal_generator\.directpose_head|rpn\.head)\.", "head."),
    (r"^head\.predictor\.(\d)\.kpt_predictor\.", r"head.predictors.\1."),
    # The original, in maskrcnn-benchmark's names.
    (r"^head\.kps_tower\.", "head.kpt_tower."),
    (r"^head\.centerness\.", "head.ctrness."),
    (r"^head\.kps_bases\.", "head.locator."),
    (r"^head\.sample_features_conv\.", "head.sampler."),
    (r"^head\.kps_offsets\.(\d)\.kps_offsets\.", r"head.predictors.\1."),
    (r"^heatmaps\.deeplab\.seg_head\.", "heatmaps.tower."),
    (r"^heatmaps\.deeplab\.heatmaps\.", "heatmaps.logits."),
    (r"^backbone\.body\.", "backbone.bottom_up."),
    (r"^backbone\.fpn\.top_blocks\.", "backbone.top_block."),
    *(
        (rf"^backbone\.fpn\.fpn_{theirs}{level - 1}\.", f"backbone.fpn_{ours}{level}.")
        for theirs, ours in (("inner", "lateral"), ("layer", "output"))
        for level in (3, 4, 5)
    ),
    # The trunk, in torchvision's names in both.
    *(
        (start.replace("^", r"^backbone\.bottom_up\."), f"backbone.bottom_up.{end}")
        for start, end in IMAGENET
        if end is not None
    ),
)


class Level(NamedTuple):
    """What the head says of one level of N images, h x w cells.

    `logits` (N, 1, h, w) of a person being there and `centerness` (N, 1, h, w) logits; `vectors`
    (N, 2 K, h, w) from the cell to each keypoint, x before y, in strides. `visible` (N, K, h, w)
    are logits of keypoints being seen; without channels where the network does not say.
    """

    logits: Tensor
    centerness: Tensor
    vectors: Tensor
    visible: Tensor


class DirectPoseHead(nn.Module):
    """The same towers and keypoint alignment on every level.

    Each group has `group_width` channels of its own from the keypoint tower's first convolution
    on. The first `finest_groups` sample on the finest level, whatever their cell's; all others one
    level finer than the cell's. A predictor gives `values` numbers per keypoint: x, y and, of
    three, its visibility. `centerness_width` says which tower centre-ness is read from, by the
    number of its channels.
    """

    def __init__(
        self,
        channels: int,
        *,
        group_width: int,
        finest_groups: int,
        values: int,
        centerness_width: int,
    ) -> None:
        super().__init__()
        groups, width = len(GROUPS), len(GROUPS) * group_width
        norms = groups * max(1, group_width // 4)  # a normalisation spans four channels
        self.finest_groups, self.values = finest_groups, values
        self.cls_tower = tower(channels, channels, 4)
        self.kpt_tower = tower(channels, width, 4, norm_groups=norms, conv_groups=groups)
        self.cls_logits = begun(nn.Conv2d(channels, 1, 3, padding=1))
        self.ctrness = begun(nn.Conv2d(centerness_width, 1, 3, padding=1))
        self.locator = begun(nn.Conv2d(width, 2 * groups, 3, padding=1, groups=groups))
        conv = begun(nn.Conv2d(width, width, 3, padding=1, groups=groups))
        self.sampler = nn.Sequential(conv, nn.GroupNorm(norms, width), nn.ReLU(inplace=True))
        self.predictors = nn.ModuleList(
            nn.Conv2d(group_width, values * len(members), 1) for members in GROUPS
        )
        for predictor in self.predictors:
            nn.init.zeros_(predictor.get_parameter("bias"))
        nn.init.constant_(self.cls_logits.get_parameter("bias"), -math.log((1 - PRIOR) / PRIOR))
        order = [keypoint for members in GROUPS for keypoint in members]
        self._places = [order.index(keypoint) for keypoint in range(KEYPOINTS)]

    def forward(self, levels: Sequence[Tensor]) -> tuple[Level, ...]:
        """Maps (N, C, h, w), finest first, each of twice the stride of the one before."""
        towers = [self.kpt_tower(x) for x in levels]
        features = [self.sampler(x) for x in towers[:-1]]  # nobody samples on the coarsest
        return tuple(
            self._level(number, x, keypoints, features)
            for number, (x, keypoints) in enumerate(zip(levels, towers, strict=True))
        )

    def _level(
        self, number: int, x: Tensor, keypoints: Tensor, features: Sequence[Tensor]
    ) -> Level:
        person = self.cls_tower(x)
        reads_person = self.ctrness.in_channels == person.shape[1]
        centerness = self.ctrness(person if reads_person else keypoints)
        found = self.aligned(number, self.locator(keypoints), features)
        vectors, visible = found.tensor_split([2], 2)
        return Level(
            self.cls_logits(person), centerness, vectors.flatten(1, 2), visible.flatten(1, 2)
        )

    def aligned(self, number: int, bases: Tensor, features: Sequence[Tensor]) -> Tensor:
        """(N, K, values, h, w) of level `number`, from its locator's vectors (N, 2 G, h, w).

        `features` are the sampler's maps, level by level. With r source cells to a cell, the cell
        in column j and row i looks at source cell (j, i) * r + vector * r + r // 2, which for
        even r is half a cell beyond its middle: as published.
        """
        count, _, height, width = bases.shape
        pairs = zip(self.predictors, bases.chunk(len(GROUPS), 1), strict=True)
        found = []
        for group, (predictor, base) in enumerate(pairs):
            source = 0 if group < self.finest_groups else max(number - 1, 0)
            ratio = 2 ** (number - source)
            own = features[source].chunk(len(GROUPS), 1)[group]
            sampled = sample(own, (base + _grid(base)) * ratio + ratio // 2)
            said = predictor(sampled).view(count, -1, self.values, height, width)
            steps = base[:, None] + said[:, :, :2] / ratio
            found.append(torch.cat([steps, said[:, :, 2:]], 2))
        return torch.cat(found, 1)[:, self._places]


class HeatmapBranch(nn.Module):
    """Maps of everybody's keypoints at once, of the finest level: taught beside, not used."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for inputs in (channels, width):
            conv = conv3x3(inputs, width)
            nn.init.normal_(conv.weight, std=0.01)
            parts += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        self.tower = nn.Sequential(*parts)
        self.logits = begun(nn.Conv2d(width, KEYPOINTS, 3, padding=1))
        nn.init.constant_(self.logits.get_parameter("bias"), -math.log((1 - PRIOR) / PRIOR))

    def forward(self, finest: Tensor) -> Tensor:
        """(N, channels, h, w) to logits (N, K, h, w)."""
        return self.logits(self.tower(finest))


class DirectPose(nn.Module):
    """Images (N, 3, h, w), h and w multiples of 32, to what the cells of each level say.

    `bottom_up` answers with four maps of strides 4 to 32; `widths` are those of the last three.
    `heatmap_width` is that of the branch that is taught beside, 0 for a network without.
    `channels` are 64 at least.
    """

    def __init__(
        self,
        bottom_up: nn.Module,
        widths: Sequence[int],
        *,
        channels: int = 256,
        group_width: int = 64,
        finest_groups: int = 1,
        values: int = 2,
        centerness_width: int | None = None,
        heatmap_width: int = 128,
    ) -> None:
        super().__init__()
        self.strides = STRIDES
        self.backbone = p3_to_p7(bottom_up, dict(enumerate(widths, 3)), channels=channels)
        self.head = DirectPoseHead(
            channels,
            group_width=group_width,
            finest_groups=finest_groups,
            values=values,
            centerness_width=centerness_width or channels,
        )
        self.heatmaps = HeatmapBranch(channels, heatmap_width) if heatmap_width else None

    def forward(self, images: Tensor) -> tuple[Level, ...]:
        """Finest level first. The heatmap branch takes no part in it."""
        return self.head(self.backbone(images))

    def supervised(self, images: Tensor) -> tuple[tuple[Level, ...], Tensor]:
        """The same, and the heatmap logits (N, K, h / 8, w / 8): what training needs."""
        assert self.heatmaps is not None, "GluonCV's network is not trained here"
        maps = self.backbone(images)
        return self.head(maps), self.heatmaps(maps[0])


def sample(maps: Tensor, places: Tensor) -> Tensor:
    """Maps (N, C, h, w) read between cells at places (N, 2, H, W): (N, C, H, W).

    Places are x and y in cells, whose middles are whole numbers. Bilinear; each of the four cells
    around counts as 0 where it lies outside.
    """
    height, width = maps.shape[2:]
    size = places.new_tensor([width, height]).view(1, 2, 1, 1)
    grid = ((2 * places + 1) / size - 1).permute(0, 2, 3, 1)
    return nn.functional.grid_sample(maps, grid, mode="bilinear", align_corners=False)


def _grid(like: Tensor) -> Tensor:
    """(2, h, w): each cell's own column and row."""
    height, width = like.shape[2:]
    x = torch.arange(width, device=like.device, dtype=like.dtype)
    y = torch.arange(height, device=like.device, dtype=like.dtype)
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))


def over_resnet(
    blocks: Sequence[int],
    *,
    widths: Sequence[int] = resnet.WIDTHS,
    stem_width: int = 64,
    **more: Any,
) -> DirectPose:
    """DirectPose over a blurred ResNet; `more` are DirectPose's own arguments."""
    trunk = blurred(blocks, widths=widths, stem_width=stem_width)
    return DirectPose(trunk, widths[1:], **more)


def original_r50() -> DirectPose:
    """The authors' network, fcos_kps_ms_training_R_50_FPN_1x."""
    return over_resnet(resnet.BLOCKS["r50"])


def gluoncv_r50() -> DirectPose:
    """GluonCV's directpose_resnet50_lpf_fpn_coco."""
    return over_resnet(resnet.BLOCKS["r50"], **GLUONCV, centerness_width=64 * len(GROUPS))


VARIANTS: Mapping[str, Callable[[], DirectPose]] = {
    "original": original_r50,
    "gluoncv": gluoncv_r50,
}


def is_gluoncvs(network: DirectPose) -> bool:
    """Whether it is GluonCV's network, of whatever width, which tells keypoints' visibility."""
    return network.head.values == GLUONCV["values"]


def of_arguments(*, keypoints: int, **arguments: Any) -> DirectPose:
    """The network of a checkpoint, by what `layouts.directpose_arguments` reads in it."""
    assert keypoints == KEYPOINTS
    return over_resnet(**arguments)
