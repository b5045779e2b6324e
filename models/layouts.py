"""Which network a checkpoint's entries belong to, by their names and shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

Arguments = dict[str, Any]
"""Keyword arguments of a network's class."""

_HRNET = "stage4.0.fuse_layers.0.1.0.weight"
_TRANSFER = "offset_feats.0.conv1.weight"
_DLA = (
    *("base_layer.0", "level1.0", "level2.root.conv"),
    *("level3.tree1.root.conv", "level4.tree1.root.conv", "level5.root.conv"),
)
_PREDICTED = re.compile(r"head\.predictors\.\d+\.bias$")
_MOBILENET = ("hm_conv.weight", "resnet.0.0.0.weight")

_LOWRES = "roi_heads.keypoint_predictor.kps_score_lowres.weight"
_HPOS, _TORCHVISION = "hpos, the improved Mask R-CNN", "torchvision's Keypoint R-CNN"

# What to call a network, and the beginning of an entry that only it has; the special ones first.
_FOREIGN = (
    ("FCPose", "proposal_generator.fcpose_head."),
    ("DirectPose", "proposal_generator.directpose_head."),
    ("DirectPose", "heatmaps.deeplab."),
    ("DirectPose", "head.kpt_tower."),
    ("PoseDet", "bbox_head.refine_pre_convs."),
    (_HPOS, "roi_heads.keypoint_head.MHSA"),
    (_HPOS, "roi_heads.keypoint_head.conv_channel."),
    (_TORCHVISION, "roi_heads.keypoint_predictor.kps_score_lowres."),
    ("detectron2's Keypoint R-CNN", "roi_heads.keypoint_head.score_lowres."),
    ("MMPose's PoseWarper before its second stage", "neck.trans_layer."),
    ("a pose network with deconvolutions (SimpleBaseline)", "deconv_layers."),
    ("a pose network with deconvolutions (MMPose)", "keypoint_head.deconv_layers."),
    ("a pose network with deconvolutions (MMPose)", "head.deconv_layers."),
    ("a vision transformer", "backbone.blocks.0.attn."),
    ("torchvision's MobileNetV2 for ImageNet", "features.18."),
    ("the embedded family's finder", "quality_tower.0."),
    ("the embedded family's plain network", "up.0.conv1."),
    ("the embedded family's transfer network", "motion."),
    ("a ResNet for ImageNet", "layer4.0."),
)


def looks_like(entries: Mapping[str, Tensor]) -> str | None:
    """The network that entries belong to, in words; None where none is known.

    Entries may bear the names of their own program, as MMPose's `backbone.` before HRNet's.
    """
    foreign = next(
        (words for words, start in _FOREIGN if any(name.startswith(start) for name in entries)),
        None,
    )
    if foreign == "PoseDet":
        return _posedet_words(entries)
    if foreign == "FCPose":
        return _fcpose_words(entries)
    if foreign == _HPOS:
        return _hpos_words(entries)
    if foreign == _TORCHVISION:
        return _TORCHVISION + _with(_dimension(entries, _LOWRES, 1))
    if any(name in entries for name in (_HRNET, f"backbone.{_HRNET}")):
        return _hrnet_words(entries)
    if _MOBILENET[0] in entries:
        return _mobilenet_words(entries)
    if _TRANSFER in entries:
        return "a transfer network" + _with(_dimension(entries, _TRANSFER, 1))
    return foreign


def hrnet_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """What to build HRNet with, so that entries under its own names fit; None where they cannot."""
    width = _dimension(entries, "stage2.0.branches.0.0.conv1.weight", 0)
    keypoints = _dimension(entries, "final_layer.weight", 0)
    stem = _dimension(entries, "conv1.weight", 0)
    if width is None or keypoints is None or stem is None or _HRNET not in entries:
        return None
    modules = tuple(_count(entries, rf"stage{stage}\.(\d+)\.") for stage in (2, 3, 4))
    blocks = _count(entries, r"stage2\.0\.branches\.0\.(\d+)\.")
    first_blocks = _count(entries, r"layer1\.(\d+)\.")
    if not all((width, keypoints, stem, *modules, blocks, first_blocks)):
        return None
    return {
        "width": width,
        "keypoints": keypoints,
        "modules": modules,
        "blocks": blocks,
        "stem": stem,
        "first_blocks": first_blocks,
    }


def mobilenet_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """The same for the published fast network."""
    keypoints, width = (_dimension(entries, name, 0) for name in _MOBILENET)
    if not keypoints or not width or width % 4:
        return None
    return {"keypoints": keypoints, "width": width}


def transfer_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """The same for a transfer network with the published dilations."""
    keypoints = _dimension(entries, _TRANSFER, 1)
    channels = _dimension(entries, _TRANSFER, 0)
    kernel = _dimension(entries, "offsets1.weight", 2)
    if keypoints is None or channels is None or kernel is None:
        return None
    blocks = _count(entries, r"offset_feats\.(\d+)\.")
    return {"keypoints": keypoints, "channels": channels, "blocks": blocks, "offset_kernel": kernel}


def posedet_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """What to build PoseDet with: `width` and more for one over HRNet, `widths` for one over DLA.

    None where the entries cannot be PoseDet's.
    """
    last = "bbox_head.heatmap_out.weight"
    keypoints, channels = (_dimension(entries, last, place) for place in (0, 1))
    if not keypoints or not channels or channels % 32:
        return None
    head = {"keypoints": keypoints, "channels": channels}
    widths = tuple(_dimension(entries, f"backbone.{name}.weight", 0) for name in _DLA)
    if all(widths):
        return {**head, "widths": widths}
    start = "backbone."
    trunk = {n.removeprefix(start): t for n, t in entries.items() if n.startswith(start)}
    found = hrnet_arguments({**trunk, "final_layer.weight": entries[last]})
    return None if found is None else {**found, **head}


def fcpose_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """What to build FCPose with: `blocks` and more for one over a ResNet, else one over a DLA.

    Its people's sizes are entries; only how many there are is told here, as `levels`. None where
    the entries cannot be FCPose's.
    """
    basis, head = "proposal_generator.basis_module.", "proposal_generator.fcpose_head."
    keypoints = _dimension(entries, f"{basis}p3_logits.weight", 0)
    channels = _dimension(entries, "backbone.fpn_lateral3.weight", 0)
    width = _dimension(entries, f"{basis}refine.0.0.weight", 0)
    outputs = _dimension(entries, f"{basis}tower.4.weight", 0)
    levels = _length(entries, f"{head}sizes_of_interest")
    numbers = _length(entries, f"{head}atten_producer.bias")
    trunk = _detectron_trunk(entries)
    if not (trunk and keypoints and channels and width and outputs and numbers):
        return None
    bases = outputs - 2 * keypoints
    shared = r"proposal_generator\.fcos\.fcos_head\.share_tower\.(\d+)\."
    # The controller's numbers are those of three layers: hidden x (bases + 2), hidden x hidden,
    # keypoints x hidden, and a bias each.
    half = (bases + keypoints + 4) / 2
    hidden = round((half**2 + max(numbers - keypoints, 0)) ** 0.5 - half)
    if levels not in (3, 5) or bases < 1 or hidden < 1 or channels % 32:
        return None
    return {
        **trunk,
        "keypoints": keypoints,
        "levels": levels,
        "channels": channels,
        "basis_width": width,
        "bases": bases,
        "hidden": hidden,
        "shared": _count(entries, shared) // 2,  # a convolution and a normalisation
    }


def directpose_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """What to build DirectPose with, of entries under its own names, and its `keypoints`.

    None where the entries cannot be DirectPose's.
    """
    start = "backbone.bottom_up."
    stages = [f"{start}res{stage}." for stage in (2, 3, 4, 5)]
    widths = tuple(_length(entries, f"{stage}0.bn3.weight") for stage in stages)
    blocks = tuple(_count(entries, re.escape(stage) + r"(\d+)\.") for stage in stages)
    stem = _dimension(entries, f"{start}stem.conv1.weight", 0)
    channels = _dimension(entries, "head.cls_logits.weight", 1)
    group_width = _dimension(entries, "head.locator.weight", 1)
    centerness_width = _dimension(entries, "head.ctrness.weight", 1)
    heatmap_width = _dimension(entries, "heatmaps.logits.weight", 1)
    found = [_length(entries, name) for name in entries if _PREDICTED.match(name)]
    lengths = [length for length in found if length]
    if not (stem and all(widths) and channels and group_width and centerness_width and lengths):
        return None
    values = min(lengths)  # some groups have one keypoint
    # Half as many channels would leave one to a normalisation, and a cell of it no deviation.
    if channels < 64 or channels % 32 or group_width % 4 or values not in (2, 3):
        return None
    return {
        "blocks": blocks,
        "widths": widths,
        "stem_width": stem,
        "channels": channels,
        "group_width": group_width,
        "centerness_width": centerness_width,
        "heatmap_width": heatmap_width or 0,
        "finest_groups": 1 if values == 2 else 0,  # no entry says it; GluonCV's tell visibility
        "values": values,
        "keypoints": sum(lengths) // values,
    }


def hpos_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """What to build hpos over a ResNet with; None where the entries cannot be hpos's."""
    head = "roi_heads.keypoint_head."
    trunk = _detectron_trunk(entries)
    channels = _dimension(entries, "backbone.fpn_lateral2.weight", 0)
    box_width = _length(entries, "roi_heads.box_head.fc2.bias")
    width = _dimension(entries, f"{head}conv_channel.weight", 0)
    keypoints = _dimension(entries, f"{head}score_lowres.weight", 1)
    if not (trunk and "blocks" in trunk and channels and box_width and width and keypoints):
        return None
    if width % 4:
        return None
    own = {"keypoints": keypoints, "channels": channels, "box_width": box_width}
    return {**trunk, **own, "head_width": width}


def keypoint_rcnn_arguments(entries: Mapping[str, Tensor]) -> Arguments | None:
    """What to build torchvision's Keypoint R-CNN with; None where the entries cannot be its."""
    blocks = tuple(_count(entries, rf"backbone\.body\.layer{n}\.(\d+)\.") for n in (1, 2, 3, 4))
    block_width = _dimension(entries, "backbone.body.layer1.0.conv1.weight", 0)
    channels = _dimension(entries, "backbone.fpn.layer_blocks.0.0.weight", 0)
    box_width = _length(entries, "roi_heads.box_head.fc7.bias")
    keypoints = _dimension(entries, _LOWRES, 1)
    layers = _count(entries, r"roi_heads\.keypoint_head\.(\d+)\.")
    names = (f"roi_heads.keypoint_head.{2 * layer}.weight" for layer in range(layers))
    widths = tuple(_dimension(entries, name, 0) for name in names)
    if not (all(blocks) and block_width and channels and box_width and keypoints and layers):
        return None
    if not all(widths):
        return None
    own = {"blocks": blocks, "block_width": block_width, "channels": channels}
    return {**own, "box_width": box_width, "head_widths": widths, "keypoints": keypoints}


def _detectron_trunk(entries: Mapping[str, Tensor]) -> Arguments | None:
    start = "backbone.bottom_up."
    widths = tuple(_dimension(entries, f"{start}{name}.weight", 0) for name in _DLA)
    if all(widths):
        return {"widths": widths}
    stem = _dimension(entries, f"{start}stem.conv1.weight", 0)
    stages = [f"{start}res{stage}." for stage in (2, 3, 4, 5)]
    widths = tuple(_dimension(entries, f"{stage}0.conv3.weight", 0) for stage in stages)
    blocks = tuple(_count(entries, re.escape(stage) + r"(\d+)\.") for stage in stages)
    if not (stem and all(widths)):
        return None
    return {"blocks": blocks, "widths": widths, "stem_width": stem}


def _fcpose_words(entries: Mapping[str, Tensor]) -> str:
    found = fcpose_arguments(entries)
    if found is None:
        return "FCPose"
    depth = 2 + 3 * sum(found["blocks"]) if "blocks" in found else None
    trunk = "DLA-34" if depth is None else f"R-{depth}"
    towers = " (one tower)" if found["shared"] == 4 else ""
    return f"FCPose {trunk}{towers}{_with(found['keypoints'])}"


def _hpos_words(entries: Mapping[str, Tensor]) -> str:
    found = hpos_arguments(entries)
    if found is None:
        return _HPOS
    return f"{_HPOS}, R-{2 + 3 * sum(found['blocks'])}{_with(found['keypoints'])}"


def _posedet_words(entries: Mapping[str, Tensor]) -> str:
    found = posedet_arguments(entries)
    if found is None:
        return "PoseDet"
    trunk = f"HRNet-W{found['width']}" if "width" in found else "DLA-34"
    return f"PoseDet over {trunk}{_with(found['keypoints'])}"


def _hrnet_words(entries: Mapping[str, Tensor]) -> str:
    trunk = "backbone." if f"backbone.{_HRNET}" in entries else ""
    width = _dimension(entries, f"{trunk}stage2.0.branches.0.0.conv1.weight", 0)
    name = "HRNet" if width is None else f"HRNet-W{width}"
    heads = ("final_layer.weight", "keypoint_head.final_layer.weight", "head.final_layer.weight")
    keypoints = next((entries[head].shape[0] for head in heads if head in entries), None)
    if keypoints is None and any(n.startswith(("incre_modules.", "classifier.")) for n in entries):
        return f"{name} for ImageNet, which has no pose head"
    if keypoints is None and width is not None:
        return f"{name} without a pose head"
    named = f"{name}{_with(keypoints)}, a slow network"
    return f"PoseWarper: {named} and its transfer" if _TRANSFER in entries else named


def _mobilenet_words(entries: Mapping[str, Tensor]) -> str:
    keypoints = _dimension(entries, "hm_conv.weight", 0)
    if keypoints == 16:
        return "MobilePose's own network with 16 joints"
    return "the MobileNet fast network" + _with(keypoints)


def _with(keypoints: int | None) -> str:
    return "" if keypoints is None else f" with {keypoints} keypoints"


def _dimension(entries: Mapping[str, Tensor], name: str, place: int) -> int | None:
    """One side of an entry; None where there is no such entry, or it is no stack of kernels."""
    tensor = entries.get(name)
    return tensor.shape[place] if tensor is not None and tensor.dim() == 4 else None


def _length(entries: Mapping[str, Tensor], name: str) -> int | None:
    """How many numbers a vector has; None where there is no such entry."""
    tensor = entries.get(name)
    return tensor.shape[0] if tensor is not None and tensor.dim() == 1 else None


def _count(entries: Mapping[str, Tensor], numbered: str) -> int:
    """How many numbers a pattern's group takes at the beginning of entries' names."""
    pattern = re.compile(numbered)
    return len({found[1] for name in entries if (found := pattern.match(name))})
