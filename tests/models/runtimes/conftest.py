"""What tests of runtimes share: small networks, and the runtimes that are installed here."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from data.pose import Box
from data.skeleton import FSPOSE_19
from models.finder import CheckedFinder, Finder
from models.networks.finder import FinderNet
from models.networks.plain import PlainNet
from models.runtimes.base import Name, installed
from models.runtimes.whole import Picture, Whole, of_finder, of_topdown
from models.topdown import Calibrated, TopDown


def _or_skipped(name: Name) -> object:
    absent = pytest.mark.skipif(not installed(name), reason=f"the extra '{name}' is not installed")
    return pytest.param(name, marks=absent)


@pytest.fixture(params=[_or_skipped("onnx"), _or_skipped("openvino")])
def name(request: pytest.FixtureRequest) -> Name:
    """A runtime that is not torch, and is installed."""
    return request.param


def plain(seed: int = 0) -> nn.Module:
    """A small network of poses, whose maps are anything but flat."""
    torch.manual_seed(seed)
    network = PlainNet(keypoints=19, widths=(8, 8), blocks=1).eval()
    with torch.no_grad():
        network.final_layer.weight.mul_(20)
    return network


def topdown(network: nn.Module) -> TopDown:
    return TopDown(
        network,
        size=(48, 64),
        padding=1.25,
        skeleton=FSPOSE_19,
        device="cpu",
        head=Calibrated(2.0),
    )


@pytest.fixture
def net() -> TopDown:
    """The small network behind its door."""
    return topdown(plain())


@pytest.fixture
def picture() -> Picture:
    """An image and five people on it."""
    return noise(), [Box(5, 5, 60, 90)] * 5


@pytest.fixture
def whole(net: TopDown, picture: Picture) -> Whole:
    """The small network with its head, and five people to try it on."""
    return of_topdown(net, [picture])


@pytest.fixture
def finder(net: TopDown) -> CheckedFinder:
    """A small finder, which sees people everywhere, and a net that checks its boxes."""
    torch.manual_seed(0)
    trunk = {"width": 8, "keypoints": 1, "modules": [1, 1, 1], "blocks": 1, "stem": 8}
    network = FinderNet(trunk=trunk, head=8).eval()
    with torch.no_grad():
        network.quality.weight.mul_(100)
        network.quality.bias.fill_(1)
    bare = Finder(network, side=96, least_score=0.5, overlap=0.6, most=5, device="cpu")
    return CheckedFinder(bare, net, least_score=0.01, overlap=0.6, most=5)


@pytest.fixture
def whole_finder(finder: CheckedFinder) -> Whole:
    """The same with pictures of three sizes to try it on."""
    sizes = ((50, 90), (90, 50), (80, 80), (55, 95))
    return of_finder(finder, [(noise(*size), ()) for size in sizes])


def noise(height: int = 100, width: int = 120) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
