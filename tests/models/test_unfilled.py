"""Published designs stand behind the doors of the others; their answers mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Box
from models import cost, unfilled
from models.metering import Meter


@pytest.mark.parametrize(("name", "gmacs"), [("slow", 7.65), ("fast", 0.49)])
def test_a_network_reads_a_person_at_its_published_price(name: str, gmacs: float) -> None:
    meter = Meter()
    net = getattr(unfilled, name)("cpu").placed(meter.placing(name, lambda network, _: network))
    image = np.full((120, 160, 3), 90, np.uint8)

    (maps,) = net.heatmaps(image, [Box(20, 20, 80, 110)])

    assert np.isfinite(maps.maps).all()
    assert meter.passes()[name].macs / cost.GIGA == pytest.approx(gmacs, abs=0.006)


def test_a_network_runs_in_int8_so_that_times_can_be_compared() -> None:
    pytest.importorskip("onnxruntime")
    net = unfilled.fast("cpu")

    ranges = net.ranges() if net.ranges is not None else None

    assert ranges is not None
    assert len(ranges.tensors) > 30


def test_the_weights_are_the_same_every_time() -> None:
    first, second = (unfilled.fast("cpu").network.state_dict() for _ in range(2))

    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
def test_the_transfer_network_carries_maps_unchanged() -> None:
    keypoints, height, width = unfilled.MAPS
    crop = Crop.around(Box(0, 0, width, height), (width, height), 1.0)
    maps = Heatmaps(np.random.default_rng(1).random(unfilled.MAPS, np.float32), crop)

    (carried,) = unfilled.transfer("cpu")([maps], [maps])

    assert carried.maps.shape == (keypoints, height, width)
    np.testing.assert_allclose(carried.maps, maps.maps, atol=1e-5)
