"""Images and boxes to heatmaps."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from data.crop import Crop
from data.pose import Box
from data.skeleton import FSPOSE_19
from models.decode import decode
from models.networks.mobilenet import MobileNet
from models.topdown import Calibrated, FlipTest, TopDown, ideal_peak, raw_maps, soft_maps

SIZE = (48, 64)
BOXES = [Box(20, 30, 60, 130), Box(90, 10, 130, 90), Box(-30, -20, 40, 70)]


class Brightness(nn.Module):
    """Nineteen maps, each the image's red at a quarter of the size."""

    def forward(self, images: Tensor) -> Tensor:
        self.batch = len(images)
        return nn.functional.avg_pool2d(images[:, :1], 4).expand(-1, len(FSPOSE_19), -1, -1) + 3


def topdown(network: nn.Module, head=raw_maps, size=SIZE) -> TopDown:
    return TopDown(network, size=size, padding=1.25, skeleton=FSPOSE_19, device="cpu", head=head)


def test_no_boxes_give_no_maps():
    assert topdown(Brightness()).heatmaps(np.zeros((8, 8, 3), np.uint8), []) == []


def test_all_people_go_through_in_one_pass_and_come_back_in_order_on_their_own_crops():
    network = Brightness()

    found = topdown(network).heatmaps(np.zeros((150, 200, 3), np.uint8), BOXES)

    assert network.batch == len(BOXES)
    for box, heatmaps in zip(BOXES, found, strict=True):
        assert Crop.around(box, SIZE, 1.25).sized((12, 16)) == heatmaps.crop
        assert heatmaps.maps.shape == (19, 16, 12)
        assert heatmaps.maps.dtype == np.float32


def test_people_of_several_images_go_through_together_and_each_sees_its_own(monkeypatch):
    monkeypatch.setattr("models.topdown.MOST_ACROSS", 4)
    network, generator = Brightness(), np.random.default_rng(0)
    images = [generator.integers(0, 255, (150, 200, 3), dtype=np.uint8) for _ in range(3)]
    looks = [(image, box) for image in images for box in BOXES]

    found = topdown(network).heatmaps_across(looks)

    assert network.batch == 9 - 2 * 4
    alone = [maps for image in images for maps in topdown(network).heatmaps(image, BOXES)]
    for one, other in zip(found, alone, strict=True):
        assert one.crop == other.crop
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-5)
    assert topdown(network).heatmaps_across([]) == []


def test_a_bright_spot_of_the_image_is_decoded_where_it_is():
    image = np.zeros((150, 200, 3), np.uint8)
    image[78:83, 38:43] = 255  # around (40, 80)

    (heatmaps,) = topdown(Brightness()).heatmaps(image, BOXES[:1])

    keypoints, _ = decode([heatmaps])[0]
    cell = heatmaps.crop.inverse()[0, 0]
    np.testing.assert_allclose(keypoints, np.tile([40, 80], (19, 1)), atol=cell)


def test_a_person_is_seen_alike_alone_and_among_others():
    torch.manual_seed(0)
    net = topdown(MobileNet(len(FSPOSE_19)), soft_maps, (64, 64))
    image = np.random.default_rng(0).integers(0, 256, (150, 200, 3), np.uint8)

    together = net.heatmaps(image, BOXES)

    for box, heatmaps in zip(BOXES, together, strict=True):
        (alone,) = net.heatmaps(image, [box])
        np.testing.assert_allclose(alone.maps, heatmaps.maps, rtol=1e-4, atol=1e-7)
        np.testing.assert_allclose(heatmaps.maps.sum((1, 2)), 1, rtol=1e-5)


@pytest.mark.parametrize("sigma", [1.5, 2.0, 3.0])
def test_calibrated_logits_of_an_ideal_gaussian_have_peak_one(sigma):
    y, x = np.mgrid[:64, :48]
    squared = (x - 24) ** 2 + (y - 32) ** 2
    # Logits far above 0, so that nowhere has no part in the map.
    logits = torch.from_numpy(20 - squared / (2 * sigma**2)).float()[None, None]

    maps = Calibrated(sigma)(logits)

    assert float(maps.max()) == pytest.approx(1, abs=1e-3)
    assert maps.argmax() == 32 * 48 + 24


def test_a_keypoint_that_is_nowhere_leaves_a_faint_map():
    logits = torch.full((1, 1, 64, 48), -15.0)

    maps = Calibrated(2)(logits)

    assert float(maps.sum()) * ideal_peak(2) < 0.01
    assert maps.shape == logits.shape


def test_the_densest_place_of_an_undecided_map_wins_over_its_highest_cell():
    logits = torch.full((1, 1, 32, 24), -9.0)
    logits[0, 0, 5, 5] = 3.0  # alone
    logits[0, 0, 20:23, 14:17] = 2.5  # nine that agree

    maps = Calibrated(2)(logits)

    assert maps.argmax() == 21 * 24 + 15


def test_the_ideal_peak_is_a_wide_gaussians_density():
    assert ideal_peak(2) == pytest.approx(1 / (2 * np.pi * 4), rel=1e-4)


def test_the_mobilenets_logits_are_calibrated_too():
    output = MobileNet(3).eval()(torch.zeros(1, 3, 32, 32))

    torch.testing.assert_close(Calibrated(2)(output.logits), Calibrated(2)(output))


def test_a_flip_test_gives_the_mean_of_a_crop_and_its_mirror_image():
    class LeftHalf(nn.Module):
        """Says 1 on the left half for the left wrist, 0 elsewhere, whatever it sees."""

        def forward(self, images: Tensor) -> Tensor:
            maps = torch.zeros(len(images), len(FSPOSE_19), 16, 12)
            maps[:, FSPOSE_19.index("left_wrist"), :, :6] = 1
            return maps

    network = FlipTest(topdown(LeftHalf()), shift=0)

    (maps,) = network.heatmaps(np.zeros((150, 200, 3), np.uint8), BOXES[:1])

    left, right = (maps.maps[FSPOSE_19.index(f"{side}_wrist")] for side in ("left", "right"))
    assert (left[:, :6] == 0.5).all()
    assert not left[:, 6:].any()
    assert (right[:, 6:] == 0.5).all()
    assert not right[:, :6].any()


def test_a_flip_test_of_nobody_is_empty():
    network = FlipTest(topdown(Brightness()), shift=1)

    assert network.heatmaps(np.zeros((8, 8, 3), np.uint8), []) == []
