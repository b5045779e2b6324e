"""FCPose: every person found gets a small network of its own, which draws that person's keypoints.

Mao et al. 2021 ("FCPose: Fully Convolutional Multi-Person Pose Estimation with Dynamic
Instance-Aware Convolutions"); FCPose specification 2 to 4 and 10. FCOS finds people; a linear
layer, the controller, turns what the box tower sees around the finding cell into the weights of
three 1x1 convolutions; these run over maps that all people share, the bases, and the direction to
the cell. A keypoint is the cell of the highest answer, and that cell's own offset to the keypoint.
Entry names are those of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.networks import dla, resnet
from models.networks.blocks import conv3x3
from models.networks.dla import DLA
from models.networks.fcos import FCOSHead, Found, LevelAnswer, Places, people_of
from models.networks.fcpose_head import (
    STRIDE,
    KeypointHead,
    Keypoints,
    read_keypoints,
    surroundings,
)
from models.networks.fpn import FPN, TwoMore
from models.networks.resnet import ResNet

SIZES = (64, 128, 256, 512, 1333)  # of people, by the level that finds them
REAL_TIME_SIZES = (64, 128, 900)
PEOPLE_AT_ONCE = 16  # whose maps are in memory together: 17 x 100 x 168 cells are 1.1 MB a person

RENAMES: tuple[tuple[str, str | None], ...] = (
    # Older detectron2 stores the colours' mean and deviation; they are the ones used here.
    (r"^pixel_(mean|std)$", None),
)


class FCPoseAnswer(NamedTuple):
    """What the network says of N images, before anybody is chosen.

    `levels` are FCOS's, finest first; `bases` (N, B + 2 K, h / 8, w / 8) holds B shared maps, then
    for each keypoint the offset (x, y) from a cell to it, in pixels of the input.
    """

    levels: tuple[LevelAnswer, ...]
    bases: Tensor


class Auxiliary(NamedTuple):
    """Maps of everybody's keypoints at once, taught beside: (N, K, h / 8, w / 8), (N, K, h / 2,
    w / 2). Published as p3 and, in spite of its stride of 2, p1."""

    p3: Tensor
    p1: Tensor


class People(NamedTuple):
    """The people of one image, best first."""

    found: Found
    keypoints: Keypoints


class BasisModule(nn.Module):
    """What all people's networks read: P3, P4 and P5 on one raster, then bases and offsets."""

    def __init__(self, channels: int, width: int, bases: int, keypoints: int) -> None:
        super().__init__()
        self.refine = nn.ModuleList(_block(channels, width) for _ in range(3))
        self.tower = nn.Sequential(
            *(_block(width, width) for _ in range(4)), nn.Conv2d(width, bases + 2 * keypoints, 1)
        )
        self.seg_head = nn.Sequential(_block(width, width), _block(width, width))
        self.p3_logits = _faint(nn.Conv2d(width, keypoints, 1))
        self.upsampler = nn.Sequential(
            nn.ConvTranspose2d(width + keypoints, width, 8, 4, 2), nn.ReLU(inplace=True)
        )
        self.p1_logits = _faint(nn.Conv2d(width, keypoints, 3, padding=1))

    def joined(self, levels: Sequence[Tensor]) -> Tensor:
        """(N, width, h / 8, w / 8) of the pyramid's three finest maps."""
        third, fourth, fifth = (block(x) for block, x in zip(self.refine, levels[:3], strict=True))
        return third + enlarged(fourth, 2) + enlarged(fifth, 4)

    def auxiliary(self, joined: Tensor) -> Auxiliary:
        """Only training asks for it."""
        seen = self.seg_head(joined)
        p3 = self.p3_logits(seen)
        return Auxiliary(p3, self.p1_logits(self.upsampler(torch.cat([seen, p3], 1))))


class FCPose(nn.Module):
    """Images (N, 3, h, w), h and w multiples of 32, to what is said of people.

    `bottom_up` answers with four maps of strides 4 to 32; `widths` are those of the last three.
    There are as many levels as `sizes`, three or five. `shared` counts the layers of four that
    FCOS's two towers have in common. The published networks differ in the trunk only.
    """

    def __init__(
        self,
        bottom_up: nn.Module,
        widths: Sequence[int],
        *,
        keypoints: int,
        sizes: Sequence[float] = SIZES,
        channels: int = 256,
        basis_width: int = 128,
        bases: int = 32,
        hidden: int = 32,
        shared: int = 0,
    ) -> None:
        super().__init__()
        self.keypoints, self._bases = keypoints, bases
        self.strides = tuple(STRIDE * 2**level for level in range(len(sizes)))
        more = TwoMore(channels) if len(sizes) == 5 else None
        pyramid = dict(enumerate(widths, 3))
        self.backbone = FPN(bottom_up, pyramid, channels=channels, top_block=more)
        head = FCOSHead(levels=len(sizes), channels=channels, shared=shared, separate=4 - shared)
        self.proposal_generator = nn.ModuleDict(
            {
                "fcos": nn.ModuleDict({"fcos_head": head}),
                "basis_module": BasisModule(channels, basis_width, bases, keypoints),
                "fcpose_head": KeypointHead(
                    channels, sizes=sizes, bases=bases, hidden=hidden, keypoints=keypoints
                ),
            }
        )

    @property
    def detector(self) -> FCOSHead:
        head = self.proposal_generator.get_submodule("fcos.fcos_head")
        assert isinstance(head, FCOSHead)
        return head

    @property
    def basis(self) -> BasisModule:
        module = self.proposal_generator["basis_module"]
        assert isinstance(module, BasisModule)
        return module

    @property
    def head(self) -> KeypointHead:
        module = self.proposal_generator["fcpose_head"]
        assert isinstance(module, KeypointHead)
        return module

    def forward(self, images: Tensor) -> FCPoseAnswer:
        levels = self.backbone(images)
        return FCPoseAnswer(self.detector(levels), self.basis.tower(self.basis.joined(levels)))

    def with_auxiliary(self, images: Tensor) -> tuple[FCPoseAnswer, Auxiliary]:
        """The same and the maps that are taught beside."""
        levels = self.backbone(images)
        joined = self.basis.joined(levels)
        answer = FCPoseAnswer(self.detector(levels), self.basis.tower(joined))
        return answer, self.basis.auxiliary(joined)

    def bases_of(self, answer: FCPoseAnswer, image: int) -> tuple[Tensor, Tensor]:
        """One image's bases (B, h, w) and offsets (K, 2, h, w)."""
        bases, offsets = answer.bases[image].tensor_split([self._bases])
        return bases, offsets.view(-1, 2, *offsets.shape[1:])

    def people(
        self,
        answer: FCPoseAnswer,
        image: int,
        *,
        least_score: float,
        overlap: float,
        most_people: int,
        most_candidates: int = 1000,
    ) -> People:
        """The people of one image, by FCOS's scores; see `fcos.people_of` for the parameters."""
        found = people_of(
            answer.levels,
            self.strides,
            image,
            least_score=least_score,
            most_candidates=most_candidates,
            overlap=overlap,
            most_people=most_people,
        )
        return People(found, self.keypoints_of(answer, image, found.places))

    def keypoints_of(self, answer: FCPoseAnswer, image: int, places: Places) -> Keypoints:
        """The keypoints of people of one image, found at `places`; a few people at a time."""
        towers = [level.tower for level in answer.levels]
        bases, offsets = self.bases_of(answer, image)
        parts = []
        for start in range(0, max(len(places.cells), 1), PEOPLE_AT_ONCE):
            some = places.at(torch.arange(start, len(places.cells))[:PEOPLE_AT_ONCE])
            maps = self.head(surroundings(towers, some), some, bases)
            parts.append(read_keypoints(maps, offsets))
        return Keypoints(*(torch.cat(part) for part in zip(*parts, strict=True)))


def enlarged(x: Tensor, factor: int) -> Tensor:
    """Maps (N, C, h, w) at `factor` times the size, cells aligned at their first corners.

    Linear along each axis: row i of the answer lies at `max(i - factor // 2, 0) / factor` of the
    input, whose last row goes on beyond its end. That is neither way of `interpolate`.
    """
    down, across = (_enlarging(size, factor).to(x) for size in x.shape[2:])
    return down @ x @ across.T


def _enlarging(size: int, factor: int) -> Tensor:
    """(size * factor, size): how much of each input an output takes."""
    steps = torch.arange(size * factor)
    place = (steps - factor // 2).clamp(min=0) / factor
    distance = place.clamp(max=size - 1)[:, None] - torch.arange(size)
    return (1 - distance.abs()).clamp(min=0)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    conv = conv3x3(inputs, outputs)
    nn.init.kaiming_uniform_(conv.weight, a=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _faint(conv: nn.Conv2d) -> nn.Conv2d:
    nn.init.normal_(conv.weight, std=1e-4)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv


def over_resnet(
    blocks: Sequence[int],
    *,
    keypoints: int,
    widths: Sequence[int] = resnet.WIDTHS,
    stem_width: int = 64,
    **more: Any,
) -> FCPose:
    """FCPose over a ResNet in detectron2's layout; `more` are FCPose's own arguments."""
    trunk = ResNet(blocks, widths=widths, stem_width=stem_width)
    return FCPose(trunk, widths[1:], keypoints=keypoints, **more)


def over_dla(*, keypoints: int, widths: Sequence[int] = dla.WIDTHS, **more: Any) -> FCPose:
    """FCPose over a DLA; `more` are FCPose's own arguments."""
    return FCPose(DLA(widths), widths[3:], keypoints=keypoints, **more)


def fcpose_r50(keypoints: int) -> FCPose:
    """The published R_50_3X: 41.4 M parameters."""
    return over_resnet(resnet.BLOCKS["r50"], keypoints=keypoints)


def fcpose_r101(keypoints: int) -> FCPose:
    """The published R_101_3X: 60.3 M parameters."""
    return over_resnet(resnet.BLOCKS["r101"], keypoints=keypoints)


def fcpose_dla34(keypoints: int) -> FCPose:
    """Inferred: the paper's real-time trunk in the settings of real-time FCOS, 31.3 M parameters.

    Neither settings nor weights of the paper's own are published (FCPose specification 10).
    """
    return over_dla(keypoints=keypoints, sizes=REAL_TIME_SIZES)


def fcpose_dla34_shared(keypoints: int) -> FCPose:
    """Inferred, as above, with one tower for class and box: 28.9 M parameters."""
    return over_dla(keypoints=keypoints, sizes=REAL_TIME_SIZES, shared=4)


VARIANTS: Mapping[str, Callable[[int], FCPose]] = {
    "r50": fcpose_r50,
    "r101": fcpose_r101,
    "dla34": fcpose_dla34,
    "dla34-shared": fcpose_dla34_shared,
}


def of_arguments(*, levels: int, **arguments: Any) -> FCPose:
    """The network of a checkpoint, by what `layouts.fcpose_arguments` reads in it.

    The sizes of people are entries: what they are here does not matter.
    """
    over = over_resnet if "blocks" in arguments else over_dla
    return over(sizes=SIZES[:levels], **arguments)
