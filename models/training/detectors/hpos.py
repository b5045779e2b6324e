"""hpos as it is trained: hpos specification 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models import detectron
from models.backends.hpos import HposPeople
from models.networks import hpos
from models.networks.hpos import Hpos
from models.networks.resnet import ResNet
from models.preprocess import BGR_MEAN
from models.training.detection import People
from models.training.hpos_loss import losses
from models.training.hpos_targets import Truth
from models.training.two_stage import TwoStage, seed_of

NARROW = {"channels": 64, "box_width": 128, "head_width": 64}  # of narrow variants, but the trunk


@dataclass(frozen=True, slots=True)
class HposDetector(TwoStage):
    """hpos; a narrower trunk has a first layer of `width` and one block in each stage."""

    name: ClassVar[str] = "hpos"
    shift: ClassVar[float] = 0.5
    least_keypoints: ClassVar[int] = 1

    def network(self) -> Hpos:
        network = self._built()
        trunk = network.backbone.bottom_up
        assert isinstance(trunk, ResNet)
        if self.trunk is not None:
            detectron.load_trunk(trunk, self.trunk)
        if self.frozen:
            trunk.freeze_first_stages()
        return network

    def _built(self) -> Hpos:
        keypoints = len(self.skeleton)
        if self.width is None:
            return hpos.VARIANTS[self.variant](keypoints)
        widths = [self.width * 4 * 2**stage for stage in range(4)]
        return hpos.over_resnet(
            (1, 1, 1, 1), keypoints=keypoints, widths=widths, stem_width=self.width, **NARROW
        )

    def start(self, network: nn.Module, path: Path) -> None:
        detectron.load(network, path, hpos.RENAMES)

    def normalised(self, pixels: Tensor) -> Tensor:
        mean = torch.tensor(BGR_MEAN, device=pixels.device)[:, None, None]
        return pixels.flip(1) - mean

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        assert isinstance(network, Hpos)
        answer = network(images)
        truths = [Truth(one.boxes, one.keypoints, one.size) for one in people]
        generator = torch.Generator().manual_seed(seed_of(answer.maps[-1]))
        parts = losses(network, answer, truths, generator, regions=self.regions)
        return parts._asdict()

    def backend(self, network: nn.Module, device: str) -> HposPeople:
        assert isinstance(network, Hpos)
        return HposPeople(network, device, self.reading)


def build(*, network: str, **settings: Any) -> HposDetector:
    """hpos's variant `network`; the other settings are the detector's own."""
    return HposDetector(variant=network, **settings)
