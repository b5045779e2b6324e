"""The finder's door, on a network that answers what the test says."""

import numpy as np
import pytest
import torch
from torch import nn

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box
from models.finder import CheckedFinder, Finder
from models.networks.finder import Found


class Says(nn.Module):
    """Answers the same quality and boxes for every image, and remembers the image's size."""

    def __init__(self, scores: list[float], boxes: list[list[float]]) -> None:
        super().__init__()
        self.quality = torch.logit(torch.tensor([scores]))
        self.boxes = torch.tensor([boxes])
        self.size: tuple[int, ...] = ()

    def forward(self, images: torch.Tensor) -> Found:
        self.size = tuple(images.shape[2:])
        return Found(self.quality, self.boxes)


def finder(network: nn.Module, least_score: float = 0.3) -> Finder:
    return Finder(network, side=320, least_score=least_score, overlap=0.6, most=5, device="cpu")


def image(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


def test_boxes_come_back_in_pixels_of_the_image_and_clipped_to_it() -> None:
    network = Says([0.9], [[-10.0, 20.0, 160.0, 500.0]])

    (box,) = finder(network).find(image(640, 360))

    assert (box.left, box.top, box.right, box.bottom) == pytest.approx((0, 40, 320, 360))
    assert box.score == pytest.approx(0.9)


def test_the_network_sees_the_longer_side_and_multiples_of_32() -> None:
    network = Says([0.9], [[0.0, 0.0, 10.0, 10.0]])

    finder(network).find(image(1000, 610))

    assert network.size == (224, 320)


def test_doubles_and_doubtful_boxes_are_dropped_and_the_best_comes_first() -> None:
    boxes = [[0.0, 0.0, 100.0, 100.0], [2.0, 2.0, 100.0, 100.0], [150.0, 0.0, 250.0, 99.0]]
    network = Says([0.5, 0.6, 0.9], boxes)

    found = finder(network).find(image(320, 320))

    assert [round(box.score, 2) for box in found] == [0.9, 0.6]
    assert finder(network, least_score=0.7).find(image(320, 320))[0].left == pytest.approx(150)


@pytest.mark.parametrize("shape", [(0, 0), (5, 0), (0, 5)])
def test_an_empty_image_holds_nobody(shape: tuple[int, int]) -> None:
    assert finder(Says([0.9], [[0.0, 0.0, 1.0, 1.0]])).find(image(*shape)) == []


class Bodies:
    """A pose net that sees sure keypoints in boxes right of x = 100, and none elsewhere."""

    peak = 1.0

    def __init__(self) -> None:
        self.looks = 0

    def heatmaps(self, image: np.ndarray, boxes: list[Box]) -> list[Heatmaps]:
        self.looks += len(boxes)
        return [self._maps(box) for box in boxes]

    def _maps(self, box: Box) -> Heatmaps:
        maps = np.zeros((19, 16, 12), np.float32)
        if box.left > 100:
            maps[:, 8, 6] = 0.81
        return Heatmaps(maps, Crop.around(box, (48, 64), 1.25).sized((12, 16)))


def checked(network: nn.Module, least_score: float = 0.1) -> CheckedFinder:
    return CheckedFinder(finder(network), Bodies(), least_score=least_score, overlap=0.5, most=5)


def test_a_box_without_a_body_loses_its_score_and_one_with_a_body_moves_toward_it() -> None:
    network = Says([0.9, 0.8], [[0.0, 0.0, 90.0, 90.0], [150.0, 0.0, 250.0, 100.0]])

    (box,) = checked(network).find(image(320, 320))

    assert box.score == pytest.approx(0.8 * 0.9, rel=1e-4)
    assert 150 < box.left < 175
    assert 225 < box.right < 250


def test_checked_boxes_below_the_least_score_are_dropped() -> None:
    network = Says([0.8], [[150.0, 0.0, 250.0, 100.0]])

    assert checked(network, least_score=0.73).find(image(320, 320)) == []
    assert checked(network).find(image(0, 0)) == []


def test_no_look_is_spent_on_a_box_whose_score_is_below_the_least_already() -> None:
    network = Says([0.8, 0.5], [[150.0, 0.0, 250.0, 100.0], [150.0, 150.0, 250.0, 250.0]])
    bodies = Bodies()
    careful = CheckedFinder(finder(network), bodies, least_score=0.6, overlap=0.5, most=5)

    (box,) = careful.find(image(320, 320))

    assert bodies.looks == 1
    assert box.score == pytest.approx(0.8 * 0.9, rel=1e-4)
