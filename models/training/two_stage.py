"""What hpos and Keypoint R-CNN have in common as they are trained: whole images, and chance."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from data.scenes import Scene
from data.skeleton import COCO_17, Skeleton
from models.backends._views import Settings
from models.training import views

STEP = 32  # pixels from one size of the shorter side to the next


@dataclass(frozen=True, slots=True)
class TwoStage:
    """A variant of a method; `width` is that of a narrower trunk.

    In training the shorter side is drawn from `least_side` to `most_side` by steps, and the longer
    is `longest` at most; the heads learn from so many `regions` of each image. Where `frozen`, the
    trunk's first stages do not learn.
    """

    variant: str
    width: int | None
    trunk: Path | None
    frozen: bool
    least_side: int
    most_side: int
    longest: int
    regions: int
    augment: bool

    name: ClassVar[str]
    shift: ClassVar[float]
    least_keypoints: ClassVar[int]
    skeleton: ClassVar[Skeleton] = COCO_17
    multiple: ClassVar[int] = 32

    @property
    def input(self) -> tuple[int, int, int]:
        """The largest image that is learnt from."""
        height, width = (-(-side // 32) * 32 for side in (self.most_side, self.longest))
        return 3, height, width

    @property
    def settings(self) -> Mapping[str, object]:
        narrow = "" if self.width is None else f" {self.width}"
        return {
            "network": f"{self.name} {self.variant}{narrow}",
            "sides": f"{self.least_side} to {self.most_side}, at most {self.longest}",
            "regions": self.regions,
            "augmentation": self.augment,
            "frozen": self.frozen,
        }

    def varied(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """The whole image in a random size, mirrored or not."""
        if not self.augment:
            scene = views.resized(scene, self.most_side, self.longest)
            return views.forgotten(views.clipped(scene))
        least = min(self.least_side, self.most_side)
        sides = range(least, self.most_side + 1, STEP)
        return views.whole(scene, sides, self.longest, self.skeleton.mirror, rng)

    @property
    def reading(self) -> Settings:
        """How images are read that are measured on; otherwise as published."""
        return Settings(
            side=self.most_side,
            longest=self.longest,
            scales=(1.0,),
            flip=False,
            least_score=0.05,
            overlap=0.5,
            most_people=100,
        )


def seed_of(maps: Tensor) -> int:
    """A number for drawing anchors and regions, by what the network says of the batch.

    It changes with every step, and a run that is gone on with draws the same as one that was never
    stopped, without a generator to be kept.
    """
    return zlib.crc32(struct.pack("<d", float(maps.detach().double().sum())))
