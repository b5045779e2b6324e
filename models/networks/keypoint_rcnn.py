"""Keypoint R-CNN: torchvision's own network, put together in any size, and its checkpoints' names.

He et al. 2017 ("Mask R-CNN"), section 5; hpos specification 10. Nothing of it is written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from torchvision.models.detection import KeypointRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.keypoint_rcnn import KeypointRCNNHeads, KeypointRCNNPredictor
from torchvision.models.resnet import Bottleneck, ResNet
from torchvision.ops import FrozenBatchNorm2d

STAGES = {"layer1": "0", "layer2": "1", "layer3": "2", "layer4": "3"}
WIDTHS = [256, 512, 1024, 2048]  # of the stages' maps, however narrow the blocks are inside
POOLED = 7  # cells a side that the box head reads of a region
FIRST_STAGES = ("conv1", "bn1", "layer1")  # learn no more where the published files were trained

# The published checkpoints are older than two of torchvision's wrappers (a convolution became the
# first entry of a Sequential), and count batches for normalisation layers that are frozen here.
RENAMES: tuple[tuple[str, str | None], ...] = (
    (r"^(backbone\.fpn\.(inner|layer)_blocks\.\d)\.(weight|bias)$", r"\1.0.\3"),
    (r"^rpn\.head\.conv\.(weight|bias)$", r"rpn.head.conv.0.0.\1"),
    (r"^backbone\.body\..*num_batches_tracked$", None),
)
IMAGENET: tuple[tuple[str, str | None], ...] = (
    (r"^fc\.", None),  # the classifier
    (r"num_batches_tracked$", None),
)
"""The entries of torchvision's ResNets that a trunk does not take."""

OLD_ENTRY = "rpn.head.conv.weight"  # that only files of before have


def keypoint_rcnn(
    *,
    keypoints: int,
    blocks: Sequence[int] = (3, 4, 6, 3),
    block_width: int = 64,
    channels: int = 256,
    box_width: int = 1024,
    head_widths: Sequence[int] = (512,) * 8,
    **more: Any,
) -> KeypointRCNN:
    """The published network over ResNet-50, with random numbers, where only `keypoints` are given.

    `block_width` is how wide the trunk's first blocks are inside, `channels` the pyramid's,
    `box_width` the box head's, `head_widths` those of the keypoint head's convolutions; `more` are
    the arguments of torchvision's class.
    """
    trunk = ResNet(
        Bottleneck, list(blocks), width_per_group=block_width, norm_layer=FrozenBatchNorm2d
    )
    return KeypointRCNN(
        BackboneWithFPN(trunk, STAGES, WIDTHS, channels),
        box_head=TwoMLPHead(channels * POOLED**2, box_width),
        box_predictor=FastRCNNPredictor(box_width, 2),
        keypoint_head=KeypointRCNNHeads(channels, tuple(head_widths)),
        keypoint_predictor=KeypointRCNNPredictor(head_widths[-1], keypoints),
        **more,
    )


def use_old_variance(network: nn.Module) -> None:
    """Nothing is added to the frozen variance in use: so were the published files trained.

    Torchvision does the same when it loads them (its pull request 2940).
    """
    for module in network.modules():
        if isinstance(module, FrozenBatchNorm2d):
            module.eps = 0.0
