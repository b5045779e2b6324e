"""Users' checkpoints as the slow, the fast and the transfer network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from data.crop import Crop
from data.errors import ConfigError, WeightsError
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import COCO_17, FSPOSE_19, POSETRACK_17
from models import checkpoints, published, zoo
from models.networks.hrnet import HRNet
from models.networks.mobilenet import MobileNet
from models.networks.plain import PlainNet
from models.networks.transfer import TransferNet

IMAGE = np.random.default_rng(0).integers(0, 255, (120, 90, 3), np.uint8)
BOX = Box(10, 10, 50, 100)
POSE = {"keypoints": 19, "widths": [8, 8], "blocks": 1}
TRANSFER = {"keypoints": 19, "blocks": 1, "channels": 4, "dilations": [1, 2]}
HEADER = {"size": [48, 64], "padding": 1.5, "sigma": 2}


def small_hrnet(keypoints: int = 17) -> HRNet:
    torch.manual_seed(0)
    sizes = {"modules": (1, 1, 1), "blocks": 1, "stem": 8, "first_blocks": 1}
    return HRNet(width=4, keypoints=keypoints, **sizes).eval()


def saved(network: nn.Module, path: Path) -> Path:
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The family that a user's checkpoint takes the place in."""
    folder = tmp_path_factory.mktemp("family")
    for role in ("slow", "fast"):
        description = zoo.Description("plain", POSE, "fspose-19", role, HEADER)
        zoo.save_bundled(PlainNet(**POSE), f"tiny-{role}", description, folder)
    description = zoo.Description("transfer", TRANSFER, "fspose-19", "transfer", {})
    zoo.save_bundled(TransferNet(**TRANSFER), "tiny-transfer", description, folder)
    return folder


def heatmaps(net: checkpoints.TopDown) -> Heatmaps:
    (maps,) = net.heatmaps(IMAGE, [BOX])
    return maps


def expected(network: nn.Module, size: tuple[int, int]) -> torch.Tensor:
    """What a network says of the published crop of the box."""
    cut = Crop.around(BOX, size, 1.25).cut(IMAGE).astype(np.float32) / 255
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = torch.from_numpy(((cut - mean) / deviation).astype(np.float32))
    with torch.inference_mode():
        return network(pixels.permute(2, 0, 1)[None])


def test_an_hrnet_is_a_slow_network_with_raw_maps_of_the_published_crop(family, tmp_path):
    network = small_hrnet()
    path = saved(network, tmp_path / "mine.pth")

    net = checkpoints.topdown("slow", "cpu", family, checkpoint=path)

    found = heatmaps(net)
    assert net.skeleton is POSETRACK_17
    assert (net.padding, net.peak) == (1.25, 1.0)
    assert found.crop == Crop.around(BOX, (192, 256), 1.25).sized((48, 64))
    truth = expected(network, (192, 256))[0].numpy()
    np.testing.assert_allclose(truth, found.maps, rtol=1e-3, atol=1e-5)


def test_a_mobilenet_is_a_fast_network_with_soft_maps(family, tmp_path):
    torch.manual_seed(0)
    network = MobileNet().eval()
    path = saved(network, tmp_path / "100epoch.pth")

    net = checkpoints.topdown("fast", "cpu", family, checkpoint=path)

    found = heatmaps(net)
    assert net.skeleton is POSETRACK_17
    assert net.peak == pytest.approx(0.262)
    assert found.crop == Crop.around(BOX, (224, 224), 1.25).sized((56, 56))
    np.testing.assert_allclose(found.maps.sum((1, 2)), 1, rtol=1e-4)
    truth = expected(network, (224, 224)).heatmaps[0].numpy()
    np.testing.assert_allclose(truth, found.maps, rtol=1e-3, atol=1e-6)


def test_a_transfer_network_carries_maps(family, tmp_path):
    path = saved(TransferNet(blocks=1, channels=4), tmp_path / "20epoch.pth")
    maps = np.random.default_rng(0).random((17, 16, 8), np.float32)
    crop = Crop.around(BOX, (8, 16), 1.25)

    warp = checkpoints.warp("cpu", family, POSETRACK_17, checkpoint=path)

    (carried,) = warp([Heatmaps(maps, crop)], [Heatmaps(maps, crop)])
    np.testing.assert_allclose(maps, carried.maps, rtol=1e-5)


def test_without_a_checkpoint_it_is_the_familys(family):
    net = checkpoints.topdown("slow", "cpu", family, checkpoint=None)

    assert net.skeleton is FSPOSE_19
    assert net.padding == 1.5
    checkpoints.warp("cpu", family, FSPOSE_19, checkpoint=None)


def test_a_checkpoint_that_fits_the_family_takes_its_settings(family, tmp_path):
    path = saved(PlainNet(**POSE), tmp_path / "mine.pth")
    transfer = saved(TransferNet(**TRANSFER), tmp_path / "transfer.pth")

    net = checkpoints.topdown("fast", "cpu", family, checkpoint=path)

    assert net.padding == 1.5
    assert net.skeleton is FSPOSE_19
    checkpoints.warp("cpu", family, FSPOSE_19, checkpoint=transfer)


@pytest.mark.parametrize(
    ("name", "size"),
    [("pose_hrnet_w32_256x192.pth", (48, 64)), ("pose_hrnet_w32_384x288.pth", (72, 96))],
)
def test_a_published_files_name_says_its_keypoints_and_its_crop(family, tmp_path, name, size):
    path = saved(small_hrnet(), tmp_path / name)

    net = checkpoints.topdown("slow", "cpu", family, checkpoint=path)

    assert net.skeleton is COCO_17
    assert heatmaps(net).crop.size == size


def test_what_the_user_says_goes_before_the_name(family, tmp_path):
    path = saved(small_hrnet(), tmp_path / "pose_hrnet_w32_256x192.pth")
    known = published.find("mmpose0-hrnet-w32-posetrack18-384x288")

    net = checkpoints.topdown("slow", "cpu", family, checkpoint=path, known=known)

    assert net.skeleton is POSETRACK_17
    assert heatmaps(net).crop.size == (72, 96)


def test_nineteen_keypoints_are_the_familys(family, tmp_path):
    path = saved(small_hrnet(19), tmp_path / "mine.pth")

    assert checkpoints.topdown("slow", "cpu", family, checkpoint=path).skeleton is FSPOSE_19


def test_a_number_of_keypoints_that_nobody_has_is_told(family, tmp_path):
    path = saved(MobileNet(16), tmp_path / "mobilepose.pth")

    with pytest.raises(WeightsError, match=r"16 keypoints; 15, 17, 19 are known\. MobilePose"):
        checkpoints.topdown("fast", "cpu", family, checkpoint=path)


def test_what_the_user_says_must_be_possible(family, tmp_path):
    path = saved(small_hrnet(19), tmp_path / "mine.pth")
    known = published.find("hrnet-w32-coco-256x192")
    with pytest.raises(ConfigError, match="has 19 keypoints, but 'hrnet-w32-coco"):
        checkpoints.topdown("slow", "cpu", family, checkpoint=path, known=known)

    other = replace(known, use="fast")
    with pytest.raises(ConfigError, match="is no slow network"):
        checkpoints.topdown("slow", "cpu", family, checkpoint=path, known=other)


def test_networks_in_each_others_places_are_told(family, tmp_path):
    files = {
        "an HRNet-W4": saved(small_hrnet(), tmp_path / "a.pth"),
        "the MobileNet fast network": saved(MobileNet(), tmp_path / "b.pth"),
        "a transfer network": saved(TransferNet(blocks=1, channels=4), tmp_path / "c.pth"),
    }
    a, b, c = files.values()

    for role, wrong in (("slow", b), ("slow", c), ("fast", a), ("fast", c)):
        words = next(words for words, path in files.items() if path == wrong).removeprefix("an ")
        with pytest.raises(WeightsError, match=rf"does not fit PlainNet.* It looks like {words}"):
            checkpoints.topdown(role, "cpu", family, checkpoint=wrong)
    for wrong in (a, b):
        with pytest.raises(WeightsError, match=r"does not fit TransferNet.* It looks like"):
            checkpoints.warp("cpu", family, FSPOSE_19, checkpoint=wrong)


def test_an_hrnet_with_one_entry_too_few_is_refused(family, tmp_path):
    entries = dict(small_hrnet().state_dict())
    del entries["stage3.0.branches.1.0.bn2.bias"]
    torch.save(entries, tmp_path / "mine.pth")

    with pytest.raises(WeightsError, match=r"HRNet: 1 missing, 0 unexpected.*1\.0\.bn2\.bias"):
        checkpoints.topdown("slow", "cpu", family, checkpoint=tmp_path / "mine.pth")


@pytest.mark.parametrize("checkpoint", [None, TransferNet(keypoints=19, blocks=1, channels=4)])
def test_a_transfer_network_for_other_keypoints_is_told(family, tmp_path, checkpoint):
    path = None if checkpoint is None else saved(checkpoint, tmp_path / "mine.pth")

    with pytest.raises(ConfigError, match=r"transfer network .*19"):
        checkpoints.warp("cpu", family, POSETRACK_17, checkpoint=path)
