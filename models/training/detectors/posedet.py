"""PoseDet as it is trained: PoseDet specification 5 and 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.scenes import Scene, ScenePeople
from data.skeleton import Skeleton
from models import weights
from models.backends.posedet import LONGEST, OVERLAPS, SIDE, SIDES, PoseDetPeople, Settings
from models.networks import dla
from models.networks.posedet import PoseDet, posedet_dla, posedet_hrnet
from models.posedet_checkpoints import DLA34, KEYPOINTS, SKELETONS, load_trunk, untrained
from models.preprocess import DEVIATION, MEAN
from models.training import views
from models.training.detection import People
from models.training.posedet_loss import losses
from models.training.posedet_targets import Truth

PATCH = 512  # pixels of the square that is learnt from
ZOOM = (0.5, 1.5)  # how much of the image it shows, as shares of that
NARROW = 64  # channels of narrow variants' pyramid and head
TRUNK = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")


@dataclass(frozen=True, slots=True)
class PoseDetDetector:
    """PoseDet's variant `variant`; `width` is that of a narrower backbone's first layer.

    Squares of `patch` pixels are learnt from.
    """

    variant: str
    keypoint_set: str
    width: int | None
    trunk: Path | None
    patch: int
    augment: bool

    name: str = "posedet"
    shift: float = 0.0  # published: mirrored all the same as W - x
    multiple: int = 32
    least_keypoints: int = 0

    @property
    def skeleton(self) -> Skeleton:
        """The annotated keypoints; CrowdPose's network has one more, which is made of them."""
        return SKELETONS[KEYPOINTS[self.keypoint_set]]

    @property
    def input(self) -> tuple[int, int, int]:
        return 3, self.patch, self.patch

    @property
    def settings(self) -> Mapping[str, object]:
        narrow = "" if self.width is None else f" {self.width}"
        return {
            "network": f"posedet {self.variant}{narrow} {self.keypoint_set}",
            "patch": self.patch,
            "augmentation": self.augment,
        }

    def network(self) -> PoseDet:
        network = self._built()
        if self.trunk is not None:
            load_trunk(network.backbone, self.trunk)
        return network

    def _built(self) -> PoseDet:
        if self.width is None:
            return untrained(self.variant, self.keypoint_set)
        keypoints = KEYPOINTS[self.keypoint_set]
        if self.variant == DLA34:
            widths = [self.width * width // dla.WIDTHS[0] for width in dla.WIDTHS]
            return posedet_dla(keypoints=keypoints, channels=NARROW, widths=widths)
        small = {"modules": (1, 1, 1), "blocks": 1, "stem": 2 * self.width, "first_blocks": 1}
        return posedet_hrnet(width=self.width, keypoints=keypoints, channels=NARROW, **small)

    def start(self, network: nn.Module, path: Path) -> None:
        weights.load(network, path)

    def varied(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """A window around one of those with the most keypoints, mirrored or not (5.3)."""
        if self.keypoint_set == "crowdpose":
            scene = Scene(scene.image, with_abdomen(scene.people))
        if not self.augment:
            return views.clipped(views.fitted(scene, self.patch, int(self.patch * LONGEST)))
        people = scene.people
        order = np.argsort((people.keypoints[..., 2] > 0).sum(1), kind="stable")
        chosen = people.boxes[rng.choice(order[len(order) // 2 :])]
        side = self.patch * float(rng.uniform(*ZOOM))
        center = (chosen[:2] + chosen[2:]) / 2
        scene = Scene(scene.image, people.only(_in_window(people, center, side)))
        scene = views.windowed(scene, (float(center[0]), float(center[1])), side, self.patch)
        if rng.random() < 0.5:
            scene = views.mirrored(scene, self._mirror)
        return views.clipped(scene)

    @property
    def _mirror(self) -> tuple[int, ...]:
        return (*self.skeleton.mirror, *range(len(self.skeleton), KEYPOINTS[self.keypoint_set]))

    def normalised(self, pixels: Tensor) -> Tensor:
        mean, deviation = (
            torch.tensor(of, device=pixels.device)[:, None, None] for of in (MEAN, DEVIATION)
        )
        return (pixels / 255 - mean) / deviation

    def loss(
        self, network: nn.Module, images: Tensor, people: Sequence[People]
    ) -> Mapping[str, Tensor]:
        assert isinstance(network, PoseDet)
        levels, heatmaps = network.supervised(images)
        truths = [Truth(one.keypoints, one.boxes, one.labelled) for one in people]
        sigmas = torch.from_numpy(self.skeleton.sigmas).to(images.device)
        parts = losses(levels, heatmaps, truths, sigmas)
        return {name: part.sum() for name, part in parts._asdict().items()}

    def backend(self, network: nn.Module, device: str) -> PoseDetPeople:
        side = SIDES.get(self.variant, SIDE) if self.patch == PATCH else self.patch
        settings = Settings(
            sizes=((side, int(side * LONGEST)),),
            flip=False,
            least_score=0.05,
            overlap=OVERLAPS[self.keypoint_set],
            most_people=100,
            most_per_level=500,
        )
        return PoseDetPeople(network, self.skeleton, settings, device)


def build(
    *,
    network: str,
    keypoint_set: str,
    width: int | None,
    trunk: Path | None,
    patch: int,
    augment: bool,
) -> PoseDetDetector:
    return PoseDetDetector(network, keypoint_set, width, trunk, patch, augment)


def with_abdomen(people: ScenePeople) -> ScenePeople:
    """CrowdPose's people with a fifteenth keypoint: the mean of shoulders and hips (5.3).

    It is known where three of the four are.
    """
    skeleton = SKELETONS[KEYPOINTS["crowdpose"]]
    corners = people.keypoints[:, [skeleton.index(keypoint) for keypoint in TRUNK]]
    known = corners[..., 2:] > 0
    count = known.sum(1)
    middle = (corners[..., :2] * known).sum(1) / np.maximum(count, 1)
    abdomen = np.concatenate([middle, np.ones_like(middle[:, :1])], 1) * (count >= 3)
    keypoints = np.concatenate([people.keypoints, abdomen[:, None].astype(np.float32)], 1)
    return people._replace(keypoints=keypoints)


def _in_window(people: ScenePeople, center: np.ndarray, side: float) -> np.ndarray:
    """(n,): whose box has its middle inside a square; its corners count as whole pixels."""
    low, high = np.trunc(center - side / 2), np.trunc(center + side / 2)
    middles = (people.boxes[:, :2] + people.boxes[:, 2:]) / 2
    return np.asarray(((middles > low) & (middles < high)).all(1))
