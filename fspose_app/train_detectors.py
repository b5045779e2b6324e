"""Settings of `fspose train` for the detectors: what can be chosen of each; published defaults.

A class for each, under its name in DETECTORS; its docstring is the command's help. Its fields
beyond those of every training are the keywords of `build` in `models/training/detectors/NAME.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from fspose_app.config import Batch, Switch
from fspose_app.train_config import (
    MOST_EPOCHS,
    MOST_STEPS,
    Epochs,
    Milestones,
    Number,
    Paths,
    Positive,
    Share,
    TrainSettings,
    Width,
)
from models.training.plan import OptimizerName, Plan, ScheduleName

Steps = Annotated[int, Field(strict=True, ge=0, le=MOST_STEPS)] | None
Pixels = Annotated[int, Field(strict=True, ge=64, le=4096)] | None
Clip = Annotated[float, Field(ge=0)]


class DetectorSettings(TrainSettings):
    """What the training of every detector has beside that of other networks.

    It ends by `steps` or by `epochs`, whichever comes first; with `steps` milestones are steps.
    """

    # Losses are sums over a few cells: they are not computed in half precision.
    precision: Literal["float32"] = "float32"
    images: Paths = ()
    val: Path | None = None
    hold_out: Share = 0.0
    network: str
    width: Width = None
    trunk: Path | None = None
    augment: Switch = True
    steps: Steps = None
    clip_value: Clip = 0.0
    warmup_from: Share = 0.0
    sync_norm: Switch = False

    @property
    def plan(self) -> Plan:
        return replace(
            super().plan,
            steps=self.steps,
            clip_value=self.clip_value,
            warmup_from=self.warmup_from,
            sync_norm=self.sync_norm,
        )

    @property
    def detector(self) -> dict[str, Any]:
        """The keywords of the detector's `build`."""
        own = set(type(self).model_fields) - set(DetectorSettings.model_fields)
        return self.model_dump(include={*own, "network", "width", "trunk", "augment"})


class DirectPoseSettings(DetectorSettings):
    """Train DirectPose on whole images with people's keypoints.

    The published one starts from a blurring ImageNet trunk: give its file to --trunk.
    """

    network: Literal["r50"] = "r50"
    least_side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 480
    most_side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 1600
    longest: Annotated[int, Field(strict=True, ge=64, le=4096)] = 2666
    crop: Annotated[int, Field(strict=True, ge=0, le=2048, multiple_of=32)] = 800
    heatmaps_weight: Annotated[float, Field(ge=0)] = 4.0
    head_rate: Positive = 10.0
    epochs: Epochs = MOST_EPOCHS
    steps: Steps = 180_000
    batch_size: Batch = 32
    lr: Positive = 0.01
    schedule: ScheduleName = "polynomial"
    power: Positive = 1.0
    milestones: Milestones = ()
    warmup: Number = 500
    warmup_from: Share = 1 / 3
    optimizer: OptimizerName = "sgd"
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip: Clip = 5.0
    sync_norm: Switch = True

    @property
    def plan(self) -> Plan:
        """The warm-up is one lower rate; biases learn twice as fast, without decay.

        All but trunk and pyramid, which are the heads, have a rate of their own.
        """
        return replace(
            super().plan,
            power=self.power,
            warmup_to=self.warmup_from or 1.0,
            multiples=(("head.", self.head_rate), ("heatmaps.", self.head_rate)),
            bias_multiple=2.0,
            spared="biases",
        )

    @property
    def detector(self) -> dict[str, Any]:
        """Power and the heads' rate are the plan's."""
        own = super().detector
        return {name: own[name] for name in own if name not in ("power", "head_rate")}


class FCPoseSettings(DetectorSettings):
    """Train FCPose on whole images with people's boxes and keypoints.

    The published one starts from an ImageNet trunk: give its file to --trunk.
    """

    network: Literal["r50", "r101", "dla34", "dla34-shared"] = "r50"
    least_side: Pixels = None
    most_side: Pixels = None
    longest: Pixels = None
    keypoint_share: Annotated[float, Field(gt=0, le=1)] = 1 / 8
    epochs: Epochs = MOST_EPOCHS
    steps: Steps = 270_000
    batch_size: Batch = 16
    lr: Positive = 0.01
    milestones: Milestones = (180_000, 240_000)
    warmup: Number = 1000
    warmup_from: Share = 0.001
    optimizer: OptimizerName = "sgd"
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    clip_value: Clip = 1.0
    sync_norm: Switch = True

    @property
    def detector(self) -> dict[str, Any]:
        """Its first stages learn only where they begin with random numbers."""
        frozen = self.trunk is not None or self.start is not None
        return {**super().detector, "frozen": frozen}


class PoseDetSettings(DetectorSettings):
    """Train PoseDet on whole images with people's keypoints and boxes.

    The published one starts from an ImageNet backbone: give its file to --trunk.
    """

    network: Literal["dla34", "hrnet_w32", "hrnet_w48"] = "dla34"
    keypoint_set: Literal["coco", "crowdpose"] = "coco"
    patch: Annotated[int, Field(strict=True, ge=64, le=2048, multiple_of=32)] = 512
    epochs: Epochs = 210
    batch_size: Batch = 32
    lr: Positive = 1e-4
    milestones: Milestones = (181, 201)
    warmup: Number = 5
    warmup_from: Share = 1 / 3
    clip: Clip = 35.0


class TwoStageSettings(DetectorSettings):
    """What hpos and Keypoint R-CNN have in common."""

    least_side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 640
    most_side: Annotated[int, Field(strict=True, ge=64, le=4096)] = 800
    longest: Annotated[int, Field(strict=True, ge=64, le=4096)] = 1333
    regions: Annotated[int, Field(strict=True, ge=4, le=4096)] = 512
    batch_size: Batch = 2
    lr: Positive = 0.0025
    warmup: Number = 1000
    warmup_from: Share = 0.001
    optimizer: OptimizerName = "sgd"
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    sync_norm: Switch = True

    @property
    def detector(self) -> dict[str, Any]:
        """Its first stages learn only where they begin with random numbers."""
        frozen = self.trunk is not None or self.start is not None
        return {**super().detector, "frozen": frozen}


class HposSettings(TwoStageSettings):
    """Train hpos on whole images with people's boxes and keypoints.

    The published one starts from an ImageNet trunk: give its file to --trunk.
    """

    network: Literal["r50", "r101"] = "r50"
    epochs: Epochs = MOST_EPOCHS
    steps: Steps = 2_160_000
    milestones: Milestones = (1_680_000, 2_000_000)


class KeypointRCNNSettings(TwoStageSettings):
    """Train torchvision's Keypoint R-CNN on whole images with people's boxes and keypoints.

    The published one starts from torchvision's ImageNet ResNet-50: give its file to --trunk.
    """

    network: Literal["r50", "r101"] = "r50"
    epochs: Epochs = 46
    batch_size: Batch = 16
    lr: Positive = 0.02
    milestones: Milestones = (37, 44)


DETECTORS: Mapping[str, type[DetectorSettings]] = {
    "directpose": DirectPoseSettings,
    "fcpose": FCPoseSettings,
    "hpos": HposSettings,
    "keypoint_rcnn": KeypointRCNNSettings,
    "posedet": PoseDetSettings,
}
