"""Keypoint R-CNN: torchvision's two-stage network, boxes first and a keypoint head on each box."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.models.detection import KeypointRCNN
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

from data.frame import Image
from data.pose import Box, Floats, Pose
from data.skeleton import COCO_17, Skeleton
from models.backends._options import check
from models.backends.base import PoseBackend
from models.weights import load

# The published checkpoint is older than two of torchvision's wrappers (a convolution became the
# first entry of a Sequential), and counts batches for normalisation layers that are frozen here.
RENAMES: tuple[tuple[str, str | None], ...] = (
    (r"^(backbone\.fpn\.(inner|layer)_blocks\.\d)\.(weight|bias)$", r"\1.0.\3"),
    (r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1"),
    (r"^backbone\.body\..*num_batches_tracked$", None),
)
LONGEST = 1333 / 800  # the longer side's limit, as a share of the shorter's (torchvision's default)


class TorchvisionPeople:
    """A `PoseBackend` around a detection network of torchvision that yields COCO's keypoints."""

    skeleton: Skeleton = COCO_17

    def __init__(self, network: KeypointRCNN, device: str) -> None:
        self._network = network.to(device).eval()
        self._device = device

    def poses(self, image: Image) -> list[Pose]:
        """The people of one RGB image (h, w, 3), best first.

        A keypoint's score is the logistic function of its map's peak, which torchvision hands out
        as a logit; it orders keypoints, and was not calibrated.
        """
        if not image.size:
            return []
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self._device)
        with torch.inference_mode():
            found = self._network([pixels.permute(2, 0, 1).float() / 255])[0]
        rows = zip(
            _array(found["boxes"]),
            _array(found["scores"]),
            _array(found["keypoints"])[..., :2],
            _array(found["keypoints_scores"].sigmoid()),
            strict=True,
        )
        return [_pose(*row) for row in rows]


def build(
    weights: Path | None,
    device: str,
    *,
    least_score: float = 0.5,
    overlap: float = 0.5,
    most_people: int = 100,
    side: int = 800,
) -> PoseBackend:
    """Keypoint R-CNN with a ResNet-50, random numbers where `weights` is None.

    `least_score` drops weaker people, `overlap` is the IoU above which the weaker of two boxes
    goes, `side` is the length in pixels that an image's shorter side is brought to. Nothing is
    fetched. Raises ConfigError for an option out of range, WeightsError for a checkpoint of
    another network.
    """
    check("keypoint_rcnn", "least_score", least_score, 0, 1)
    check("keypoint_rcnn", "overlap", overlap, 0, 1)
    check("keypoint_rcnn", "most_people", most_people, 1, 1000)
    check("keypoint_rcnn", "side", side, 32, 4000)
    network = KeypointRCNN(
        # The trunk's frozen normalisation is what the checkpoint was trained with.
        resnet_fpn_backbone(backbone_name="resnet50", weights=None),
        num_classes=2,
        min_size=side,
        max_size=round(side * LONGEST),
        box_score_thresh=least_score,
        box_nms_thresh=overlap,
        box_detections_per_img=most_people,
    )
    if weights is not None:
        load(network, weights, RENAMES)
    return TorchvisionPeople(network, device)


def _pose(corners: Floats, score: Floats, keypoints: Floats, peaks: Floats) -> Pose:
    left, top, right, bottom = map(float, corners)
    return Pose(keypoints, peaks, Box(left, top, right, bottom, float(score)), float(score))


def _array(tensor: Tensor) -> Floats:
    return tensor.cpu().numpy().astype(np.float32)
