"""DirectPose as it is trained: DirectPose specification 8 to 10."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Floats
from data.scenes import Scene
from data.skeleton import COCO_17, Skeleton
from models import detectron
from models.backends._views import Settings
from models.backends.directpose import LONGEST, ORIGINAL, SIDE, PointedAtPeople
from models.networks import directpose, resnet
from models.networks.blurpool import IMAGENET
from models.networks.directpose import DirectPose
from models.preprocess import CAFFE_BGR_MEAN, shorter_side_first
from models.training import views
from models.training.detection import People
from models.training.directpose_loss import Truth, hulls, losses

LAST_PIXEL = ORIGINAL.pixel  # whole numbers are pixels' middles: an image ends in width - 1
NARROW = {"channels": 64, "group_width": 16, "heatmap_width": 32}  # of narrow variants


@dataclass(frozen=True, slots=True)
class DirectPoseDetector:
    """DirectPose; a narrower trunk has a first layer of `width` and one block in each stage.

    In training the shorter side is drawn from `least_side` to `most_side`, the longer is `longest`
    at most, and a square of `crop` pixels around somebody is learnt from, where it is not 0.
    """

    variant: str
    width: int | None
    trunk: Path | None
    least_side: int
    most_side: int
    longest: int
    crop: int
    augment: bool
    heatmaps_weight: float

    name: ClassVar[str] = "directpose"
    skeleton: ClassVar[Skeleton] = COCO_17
    shift: ClassVar[float] = 0.0
    multiple: ClassVar[int] = 32
    least_keypoints: ClassVar[int] = 10

    @property
    def input(self) -> tuple[int, int, int]:
        """As images are read in use, or the square that is learnt from where that is smaller."""
        height, width = (-(-side // 32) * 32 for side in (self.most_side, self.longest))
        return (3, self.crop, self.crop) if self._crops else (3, height, width)

    @property
    def _crops(self) -> bool:
        return self.augment and self.crop > 0

    @property
    def settings(self) -> Mapping[str, object]:
        narrow = "" if self.width is None else f" {self.width}"
        return {
            "network": f"directpose {self.variant}{narrow}",
            "sides": f"{self.least_side} to {self.most_side}, at most {self.longest}",
            "crop": self.crop,
            "augmentation": self.augment,
            "heatmaps-weight": self.heatmaps_weight,
        }

    def network(self) -> DirectPose:
        network = self._built()
        if self.trunk is not None:
            detectron.load(network.backbone.bottom_up, self.trunk, IMAGENET)
        return network

    def _built(self) -> DirectPose:
        blocks = resnet.BLOCKS[self.variant]
        if self.width is None:
            return directpose.over_resnet(blocks)
        widths = [self.width * 4 * 2**stage for stage in range(4)]
        return directpose.over_resnet((1, 1, 1, 1), widths=widths, stem_width=self.width, **NARROW)

    def start(self, network: nn.Module, path: Path) -> None:
        detectron.load(network, path, directpose.RENAMES)

    def varied(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """A square around somebody, of the image in a random size, mirrored or not."""
        scene = around_keypoints(scene)
        if not self.augment:
            scene = views.resized(scene, self.most_side, self.longest, shorter_side_first)
            return _seen(scene)
        side = int(rng.integers(min(self.least_side, self.most_side), self.most_side + 1))
        scene = views.resized(scene, side, self.longest, shorter_side_first)
        if self.crop:
            scene = cropped(scene, self.crop, rng)
        if rng.random() < 0.5:
            scene = views.mirrored(scene, self.skeleton.mirror, last_pixel=LAST_PIXEL)
        return _seen(scene)

    def normalised(self, pixels: Tensor) -> Tensor:
        mean = torch.tensor(CAFFE_BGR_MEAN, device=pixels.device)[:, None, None]
        return pixels.flip(1) - mean

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        assert isinstance(network, DirectPose)
        levels, heatmaps = network.supervised(images)
        truths = [Truth(one.boxes, one.keypoints) for one in people]
        weight = self.heatmaps_weight
        return losses(levels, heatmaps, truths, heatmaps_weight=weight)._asdict()

    def backend(self, network: nn.Module, device: str) -> PointedAtPeople:
        assert isinstance(network, DirectPose)
        settings = Settings(
            side=min(SIDE, self.most_side),
            longest=min(LONGEST, self.longest),
            scales=(1.0,),
            flip=False,
            least_score=0.05,
            overlap=ORIGINAL.overlap,
            most_people=100,
        )
        return PointedAtPeople(network, device, settings)


def build(
    *,
    network: str,
    width: int | None,
    trunk: Path | None,
    least_side: int,
    most_side: int,
    longest: int,
    crop: int,
    augment: bool,
    heatmaps_weight: float,
) -> DirectPoseDetector:
    return DirectPoseDetector(
        variant=network,
        width=width,
        trunk=trunk,
        least_side=least_side,
        most_side=most_side,
        longest=longest,
        crop=crop,
        augment=augment,
        heatmaps_weight=heatmaps_weight,
    )


def around_keypoints(scene: Scene) -> Scene:
    """People with the box around their labelled keypoints in place of their own.

    Those without any go; their pixels are background then, as published.
    """
    people = scene.people.only(scene.people.keypoints[..., 2].max(1) > 0)
    height, width = scene.image.shape[:2]
    boxes = hulls(torch.from_numpy(people.keypoints), (height, width)).numpy()
    return Scene(scene.image, people._replace(boxes=boxes))


def cropped(scene: Scene, side: int, rng: np.random.Generator) -> Scene:
    """A square in which a random person's box begins, in the half on the left and above.

    What the image does not fill is black, and no padding: it is normalised.
    """
    box: Floats = scene.people.boxes[rng.integers(len(scene.people.boxes))]
    last = box[:2].astype(int).tolist()
    left, top = (int(rng.integers(max(place - side // 2, 0), place + 1)) for place in last)
    return views.filled(views.cropped(scene, left, top, side, side), side, side)


def _seen(scene: Scene) -> Scene:
    """What is left in the image: boxes cut at its edge, no keypoints beyond it."""
    scene = views.clipped(scene, last_pixel=LAST_PIXEL)
    return views.forgotten(scene, last_pixel=LAST_PIXEL)
