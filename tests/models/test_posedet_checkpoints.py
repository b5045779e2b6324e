"""PoseDet's checkpoints in every layout, and ImageNet's backbones."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from torch import nn

from data.errors import WeightsError
from models.networks.dla import DLA
from models.networks.hrnet import HRNet
from models.networks.posedet import PoseDet, posedet_dla, posedet_hrnet
from models.posedet_checkpoints import load_trunk, trained

WIDTHS = (4, 4, 8, 8, 16, 16)
TRUNK = {"modules": (1, 1, 1), "blocks": 1, "stem": 8, "first_blocks": 1}


def over_dla(keypoints: int = 17) -> PoseDet:
    torch.manual_seed(0)
    return posedet_dla(keypoints=keypoints, channels=64, widths=WIDTHS)


def over_hrnet(keypoints: int = 17) -> PoseDet:
    torch.manual_seed(0)
    return posedet_hrnet(width=4, keypoints=keypoints, channels=64, **TRUNK)


def saved(content: object, path: Path) -> Path:
    torch.save(content, path)
    return path


def assert_same(one: nn.Module, other: nn.Module) -> None:
    expected, actual = one.state_dict(), other.state_dict()
    assert expected.keys() == actual.keys()
    for name, entry in expected.items():
        torch.testing.assert_close(entry, actual[name], rtol=0, atol=0)


def bare(entries):
    return entries


def of_several_gpus(entries):
    return {"state_dict": {f"module.{name}": entry for name, entry in entries.items()}}


def mmdetection(entries):
    meta = {
        "mmdet_version": "2.1.0+edb1b50",
        "config": "model = dict(type='PoseDetDetector')\n",
        "CLASSES": ("person",),
        "epoch": 210,
        "iter": 1000,
        "time": "Mon Nov  8 12:00:00 2021",
    }
    optimizer = {
        "state": {0: {"step": 3, "exp_avg": torch.zeros(2)}},
        "param_groups": [{"lr": 1e-4}],
    }
    return {"meta": meta, "state_dict": OrderedDict(entries), "optimizer": optimizer}


def of_older_torch(entries):
    return {n: e for n, e in entries.items() if not n.endswith("num_batches_tracked")}


@pytest.mark.parametrize("layout", [bare, of_several_gpus, mmdetection, of_older_torch])
@pytest.mark.parametrize(
    ("network", "variant"), [(over_dla(), "dla34"), (over_hrnet(15), "hrnet_w4")]
)
def test_a_checkpoint_is_read_in_every_layout(tmp_path, layout, network, variant):
    path = saved(layout(network.state_dict()), tmp_path / "epoch_210.pth")

    found, own = trained(path, None, None)

    assert_same(network, found)
    assert own == variant


def test_what_is_asked_for_may_be_what_the_file_has(tmp_path):
    path = saved(over_dla(15).state_dict(), tmp_path / "a.pth")

    network, _ = trained(path, "dla34", "crowdpose")

    assert network.keypoints == 15


@pytest.mark.parametrize(
    ("network", "variant", "keypoint_set", "words"),
    [
        (over_dla(), "hrnet_w32", None, "holds the variant dla34, not hrnet_w32"),
        (over_hrnet(), "dla34", None, "holds the variant hrnet_w4, not dla34"),
        (over_dla(15), None, "coco", "has 15 keypoints, coco has 17"),
        (over_dla(17), None, "crowdpose", "has 17 keypoints, crowdpose has 15"),
        (over_dla(21), None, None, "with 21 keypoints; 17 .COCO. and 15"),
        (HRNet(width=4, keypoints=17, **TRUNK), None, None, "It looks like HRNet-W4 with 17"),
        (over_dla().backbone, None, None, "does not fit PoseDet: .* missing"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else None,
)
def test_a_file_of_something_else_is_refused(tmp_path, network, variant, keypoint_set, words):
    path = saved(network.state_dict(), tmp_path / "a.pth")

    with pytest.raises(WeightsError, match=words):
        trained(path, variant, keypoint_set)


def test_an_entry_too_few_or_too_many_is_told(tmp_path):
    entries = over_dla().state_dict()
    lacking = {n: e for n, e in entries.items() if n != "neck.fpn_convs.1.gn.bias"}
    more = {**entries, "bbox_head.heatmap_out_2.bias": torch.zeros(1)}

    with pytest.raises(WeightsError, match=r"missing neck\.fpn_convs\.1\.gn\.bias"):
        trained(saved(lacking, tmp_path / "a.pth"), None, None)
    with pytest.raises(WeightsError, match=r"unexpected bbox_head\.heatmap_out_2\.bias"):
        trained(saved(more, tmp_path / "b.pth"), None, None)


def test_dlas_imagenet_file_fills_the_backbone(tmp_path):
    """It is as old as torch 0.2: no counters; beside the backbone it has a classifier."""
    donor, network = over_dla().backbone, posedet_dla(keypoints=17, channels=64, widths=WIDTHS)
    entries = of_older_torch(donor.state_dict())
    entries |= {"fc.weight": torch.zeros(1000, 16, 1, 1), "fc.bias": torch.zeros(1000)}

    load_trunk(network.backbone, saved(entries, tmp_path / "dla34-ba72cf86.pth"))

    assert_same(donor, network.backbone)


def test_hrnets_imagenet_file_fills_the_backbone(tmp_path):
    donor, network = (
        over_hrnet().backbone,
        posedet_hrnet(width=4, keypoints=17, channels=64, **TRUNK),
    )
    entries = donor.state_dict()
    for name in ("incre_modules.0.0.conv1", "downsamp_modules.0.0", "final_layer.0", "classifier"):
        entries[f"{name}.weight"] = torch.zeros(2, 2)

    load_trunk(network.backbone, saved(entries, tmp_path / "hrnetv2_w32-dc9eeb4f.pth"))

    assert_same(donor, network.backbone)


def test_an_imagenet_file_of_another_backbone_is_refused(tmp_path):
    path = saved(DLA(WIDTHS).state_dict(), tmp_path / "dla.pth")

    with pytest.raises(WeightsError, match=r"dla\.pth does not fit HRNet"):
        load_trunk(over_hrnet().backbone, path)
