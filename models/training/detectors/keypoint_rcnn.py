"""Keypoint R-CNN as torchvision trains it (its references/detection), with its own losses."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchvision.models.detection import KeypointRCNN
from torchvision.models.detection.image_list import ImageList

from models import weights
from models.backends.keypoint_rcnn import TorchvisionPeople
from models.networks.keypoint_rcnn import FIRST_STAGES, IMAGENET, RENAMES, keypoint_rcnn
from models.networks.resnet import BLOCKS
from models.preprocess import DEVIATION, MEAN
from models.training.detection import People
from models.training.two_stage import TwoStage, seed_of

NARROW = {"channels": 64, "box_width": 128, "head_widths": (64,) * 4}  # of narrow variants


@dataclass(frozen=True, slots=True)
class KeypointRCNNDetector(TwoStage):
    """Torchvision's network; `width` is how wide a narrower trunk's first block is inside."""

    name: ClassVar[str] = "keypoint_rcnn"
    shift: ClassVar[float] = 0.0  # torchvision takes COCO's whole numbers as they are
    least_keypoints: ClassVar[int] = 10

    def network(self) -> KeypointRCNN:
        network = self._built()
        trunk = network.backbone.body
        if self.trunk is not None:
            weights.load(trunk, self.trunk, IMAGENET)
        for stage in FIRST_STAGES if self.frozen else ():
            trunk.get_submodule(stage).requires_grad_(False)
        return network

    def _built(self) -> KeypointRCNN:
        keypoints = len(self.skeleton)
        own: dict[str, Any] = {"blocks": BLOCKS[self.variant]}
        if self.width is not None:
            own = {"blocks": (1, 1, 1, 1), "block_width": self.width, **NARROW}
        return keypoint_rcnn(keypoints=keypoints, box_batch_size_per_image=self.regions, **own)

    def start(self, network: nn.Module, path: Path) -> None:
        weights.load(network, path, RENAMES)

    def normalised(self, pixels: Tensor) -> Tensor:
        mean, deviation = (
            torch.tensor(of, device=pixels.device)[:, None, None] for of in (MEAN, DEVIATION)
        )
        return (pixels / 255 - mean) / deviation

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        """Torchvision's own, of images that are at their size and padded already."""
        assert isinstance(network, KeypointRCNN)
        maps: OrderedDict[str, Tensor] = network.backbone(images)
        sizes = [one.size for one in people]
        targets = [
            {
                "boxes": one.boxes,
                "labels": torch.ones(len(one.boxes), dtype=torch.int64, device=images.device),
                "keypoints": one.keypoints,
            }
            for one in people
        ]
        devices = [images.device] if images.is_cuda else []
        with torch.random.fork_rng(devices):  # it draws from torch's own random numbers
            torch.manual_seed(seed_of(maps["pool"]))
            regions, of_regions = network.rpn(ImageList(images, sizes), maps, targets)
            _, of_people = network.roi_heads(maps, regions, sizes, targets)
        return {**of_regions, **of_people}

    def backend(self, network: nn.Module, device: str) -> TorchvisionPeople:
        assert isinstance(network, KeypointRCNN)
        return TorchvisionPeople(network, device, self.reading)


def build(*, network: str, **settings: Any) -> KeypointRCNNDetector:
    """The variant `network`; the other settings are the detector's own."""
    return KeypointRCNNDetector(variant=network, **settings)
