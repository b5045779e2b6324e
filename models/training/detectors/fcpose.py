"""FCPose as it is trained: FCPose specification 6 to 8 and 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.errors import ConfigError
from data.scenes import Scene
from data.skeleton import COCO_17, Skeleton
from models import detectron
from models.backends._views import Settings
from models.backends.fcpose import SIZES, OneStagePeople
from models.networks import dla, fcpose, resnet
from models.networks.dla import DLA
from models.networks.fcpose import FCPose
from models.networks.resnet import ResNet
from models.posedet_checkpoints import load_trunk
from models.preprocess import BGR_MEAN
from models.training import views
from models.training.detection import People
from models.training.fcpose_loss import Truth, losses

LEAST_SHARE = (0.4, 0.4)  # of an image's height and width that a varied one shows (section 7)
TRIES = 100  # to find a part with somebody in it
# By the number of levels: the range of the shorter side, its step, and the longest side.
SIDES = {5: (320, 800, 1, 1333), 3: (256, 608, 32, 900)}
NARROW = {"channels": 64, "basis_width": 32}  # of narrow variants, beside the trunk


@dataclass(frozen=True, slots=True)
class FCPoseDetector:
    """FCPose's variant `variant`; `width` is that of a narrower trunk's first layer.

    In training the shorter side is drawn from `sides`, and the longer is `longest` at most. The
    two keypoint losses are multiplied by `keypoint_share` (`fcpose_loss.losses`). Where `frozen`,
    a ResNet's first stages do not learn.
    """

    variant: str
    width: int | None
    trunk: Path | None
    frozen: bool
    sides: tuple[int, int, int]
    longest: int
    augment: bool
    keypoint_share: float

    name: str = "fcpose"
    skeleton: Skeleton = COCO_17
    shift: float = 0.5
    multiple: int = 32
    least_keypoints: int = 1

    @property
    def levels(self) -> int:
        return 5 if self.variant in resnet.BLOCKS else 3

    @property
    def input(self) -> tuple[int, int, int]:
        """The largest image that is learnt from, as where the published cost is counted."""
        height, width = (-(-side // 32) * 32 for side in (self.sides[1], self.longest))
        return 3, height, width

    @property
    def settings(self) -> Mapping[str, object]:
        low, high, step = self.sides
        return {
            "network": f"fcpose {self.variant}" + ("" if self.width is None else f" {self.width}"),
            "sides": f"{low} to {high} by {step}, at most {self.longest}",
            "augmentation": self.augment,
            "keypoint-share": self.keypoint_share,
            "frozen": self.frozen,
        }

    def network(self) -> FCPose:
        network = self._built()
        trunk = network.backbone.bottom_up
        if self.trunk is not None:
            _load(trunk, self.trunk)
        if self.frozen and isinstance(trunk, ResNet):
            trunk.freeze_first_stages()
        return network

    def _built(self) -> FCPose:
        if self.width is None:
            return fcpose.VARIANTS[self.variant](len(COCO_17))
        if self.variant in resnet.BLOCKS:
            widths = [self.width * 4 * 2**stage for stage in range(4)]
            return fcpose.over_resnet(
                (1, 1, 1, 1),
                keypoints=len(COCO_17),
                widths=widths,
                stem_width=self.width,
                **NARROW,
            )
        widths = [self.width * width // dla.WIDTHS[0] for width in dla.WIDTHS]
        shared = 4 if self.variant.endswith("-shared") else 0
        return fcpose.over_dla(
            keypoints=len(COCO_17),
            widths=widths,
            sizes=(*fcpose.REAL_TIME_SIZES[:2], float(self.longest)),
            shared=shared,
            **NARROW,
        )

    def start(self, network: nn.Module, path: Path) -> None:
        detectron.load(network, path, fcpose.RENAMES)

    def varied(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """A part with somebody in it, of a random size, mirrored or not (section 7)."""
        if not self.augment:
            return _seen(views.resized(scene, self.sides[1], self.longest))
        low, high, step = self.sides
        for _ in range(TRIES):
            part = views.somebodys_part(scene, LEAST_SHARE, rng)
            side = int(rng.choice(np.arange(low, high + 1, step)))
            part = views.resized(part, side, self.longest)
            if rng.random() < 0.5:
                part = views.mirrored(part, self.skeleton.mirror)
            part = _seen(part)
            if len(part.people.boxes):
                break
        return part

    def normalised(self, pixels: Tensor) -> Tensor:
        mean = torch.tensor(BGR_MEAN, device=pixels.device)[:, None, None]
        return pixels.flip(1) - mean

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        assert isinstance(network, FCPose)
        answer, auxiliary = network.with_auxiliary(images)
        truths = [Truth(one.boxes, one.keypoints, one.size) for one in people]
        parts = losses(network, answer, auxiliary, truths, keypoint_share=self.keypoint_share)
        return {**parts.fcos._asdict(), **dict(list(parts._asdict().items())[1:])}

    def backend(self, network: nn.Module, device: str) -> OneStagePeople:
        assert isinstance(network, FCPose)
        side, longest = SIZES[self.levels]
        settings = Settings(
            side=min(side, self.sides[1]),
            longest=min(longest, self.longest),
            scales=(1.0,),
            flip=False,
            least_score=0.05,
            overlap=0.6,
            most_people=100,
        )
        return OneStagePeople(network, device, settings)


def build(
    *,
    network: str,
    width: int | None,
    trunk: Path | None,
    frozen: bool,
    least_side: int | None,
    most_side: int | None,
    longest: int | None,
    augment: bool,
    keypoint_share: float,
) -> FCPoseDetector:
    """FCPose with the published sizes of images where none are given.

    Raises ConfigError where the least is more than the most.
    """
    low, high, step, long = SIDES[5 if network in resnet.BLOCKS else 3]
    high = high if most_side is None else most_side
    low = min(low, high) if least_side is None else least_side
    if low > high:
        raise ConfigError(f"--least-side {low} is more than --most-side {high}.")
    return FCPoseDetector(
        variant=network,
        width=width,
        trunk=trunk,
        frozen=frozen,
        sides=(low, high, 1 if least_side is not None or most_side is not None else step),
        longest=long if longest is None else longest,
        augment=augment,
        keypoint_share=keypoint_share,
    )


def _load(trunk: nn.Module, path: Path) -> None:
    """ImageNet's numbers into either trunk. Raises WeightsError."""
    if isinstance(trunk, ResNet):
        detectron.load_trunk(trunk, path)
    else:
        assert isinstance(trunk, DLA)
        load_trunk(trunk, path)


def _seen(scene: Scene) -> Scene:
    """What is left in the image: boxes cut at its edge, no keypoints beyond it."""
    return views.forgotten(views.clipped(scene))
