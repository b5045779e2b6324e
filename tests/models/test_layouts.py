"""Which network a file's entries belong to, and how large it is."""

import json
from pathlib import Path

import pytest
import torch

from models import layouts
from models.networks.hrnet import HRNet, hrnet_w32, hrnet_w48
from models.networks.mobilenet import MobileNet
from models.networks.transfer import TransferNet

CASES = Path(__file__).parents[1] / "parity/cases"


def recorded(case: str) -> dict[str, torch.Tensor]:
    """The published entries' names and shapes, without numbers."""
    shapes = json.loads((CASES / case / "manifest.json").read_text())
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("case", "arguments", "network", "words"),
    [
        (
            "hrnet_w32",
            layouts.hrnet_arguments,
            lambda: hrnet_w32(17),
            "HRNet-W32 with 17 keypoints, a slow network",
        ),
        (
            "hrnet_w48",
            layouts.hrnet_arguments,
            lambda: hrnet_w48(17),
            "HRNet-W48 with 17 keypoints, a slow network",
        ),
        (
            "fspose_mobilenet",
            layouts.mobilenet_arguments,
            MobileNet,
            "the MobileNet fast network with 17 keypoints",
        ),
        (
            "fspose_transfer_64x48",
            layouts.transfer_arguments,
            TransferNet,
            "a transfer network with 17 keypoints",
        ),
    ],
)
def test_a_published_files_shapes_say_what_to_build(case, arguments, network, words):
    entries = recorded(case)

    found = arguments(entries)

    with torch.device("meta"):
        built, published = type(network())(**found), network()
    assert {n: t.shape for n, t in built.state_dict().items()} == {
        n: t.shape for n, t in published.state_dict().items()
    }
    assert words == layouts.looks_like(entries)


def test_every_size_of_an_hrnet_is_read_from_its_entries():
    sizes = {"modules": (1, 2, 1), "blocks": 2, "stem": 8, "first_blocks": 3}
    with torch.device("meta"):
        network = HRNet(width=6, keypoints=19, **sizes)

    assert {"width": 6, "keypoints": 19, **sizes} == layouts.hrnet_arguments(network.state_dict())


@pytest.mark.parametrize(
    "arguments",
    [layouts.hrnet_arguments, layouts.mobilenet_arguments, layouts.transfer_arguments],
)
def test_other_entries_say_nothing(arguments):
    names = ("final_layer.weight", "conv1.weight", "hm_conv.weight", "offset_feats.0.conv1.weight")

    assert arguments({}) is None
    assert arguments(dict.fromkeys(names, torch.zeros(3))) is None
    assert arguments(dict.fromkeys(names, torch.zeros(3, 3, 3, 3))) is None


STAGE4 = "stage4.0.fuse_layers.0.1.0.weight"
WIDTH = "stage2.0.branches.0.0.conv1.weight"


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({STAGE4: (3,)}, "HRNet, a slow network"),
        (
            {STAGE4: (32, 64, 1, 1), WIDTH: (32, 32, 3, 3), "incre_modules.0.0.bn1.bias": (9,)},
            "HRNet-W32 for ImageNet, which has no pose head",
        ),
        (
            {STAGE4: (48, 96, 1, 1), WIDTH: (48, 48, 3, 3)},
            "HRNet-W48 without a pose head",
        ),
        (
            {
                f"backbone.{STAGE4}": (48, 96, 1, 1),
                f"backbone.{WIDTH}": (48, 48, 3, 3),
                "head.final_layer.weight": (14, 48, 1, 1),
            },
            "HRNet-W48 with 14 keypoints, a slow network",
        ),
        (
            {STAGE4: (48, 96, 1, 1), "offset_feats.0.conv1.weight": (128, 17, 3, 3)},
            "PoseWarper: HRNet, a slow network and its transfer",
        ),
        (
            {f"backbone.{STAGE4}": (3,), "bbox_head.refine_pre_convs.0.conv.weight": (3,)},
            "PoseDet",
        ),
        ({"hm_conv.weight": (16, 32, 1, 1)}, "MobilePose's own network with 16 joints"),
        ({"proposal_generator.fcpose_head.atten_producer.bias": (3,)}, "FCPose"),
        ({"proposal_generator.directpose_head.cls_tower.0.weight": (3,)}, "DirectPose"),
        (
            {"roi_heads.keypoint_predictor.kps_score_lowres.bias": (17,)},
            "torchvision's Keypoint R-CNN",
        ),
        (
            {"roi_heads.keypoint_head.conv_channel.weight": (3,)},
            "hpos, the improved Mask R-CNN",
        ),
        ({"keypoint_head.deconv_layers.0.weight": (3,)}, "a pose network with deconvolutions"),
        ({"features.18.0.weight": (3,)}, "torchvision's MobileNetV2 for ImageNet"),
        ({"motion.weight": (3,)}, "the embedded family's transfer network"),
    ],
)
def test_a_network_is_known_by_its_entries(shapes, words):
    entries = {name: torch.zeros(shape) for name, shape in shapes.items()}

    assert (layouts.looks_like(entries) or "").startswith(words)


def test_an_unknown_network_is_not_named():
    assert layouts.looks_like({"0.weight": torch.zeros(1)}) is None


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("posedet_dla34", "PoseDet over DLA-34 with 17 keypoints"),
        ("posedet_dla34_crowdpose", "PoseDet over DLA-34 with 15 keypoints"),
        ("posedet_hrnet_w48", "PoseDet over HRNet-W48 with 17 keypoints"),
    ],
)
def test_a_posedet_is_known_with_its_backbone_and_keypoints(case, words):
    assert layouts.looks_like(recorded(case)) == words


def test_other_entries_are_no_posedet():
    names = ("bbox_head.heatmap_out.weight", "backbone.base_layer.0.weight")

    assert layouts.posedet_arguments({}) is None
    assert layouts.posedet_arguments(dict.fromkeys(names, torch.zeros(3))) is None
    assert layouts.posedet_arguments(dict.fromkeys(names, torch.zeros(17, 64, 1, 1))) is None
