"""Crops there and back; their numbers are proved in tests/parity."""

import numpy as np
import pytest

from data.crop import Crop
from data.pose import Box


@pytest.mark.parametrize("rotation", [0.0, 30.0, -75.0])
def test_points_go_into_the_crop_and_back(rotation: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        left, top, width, height = rng.uniform(5, 300, 4)
        upright = Crop.around(Box.from_xywh(left, top, width, height), (96, 128), 1.25)
        crop = Crop(upright.center, upright.scale, upright.size, rotation)
        points = rng.uniform(-50, 400, (7, 2)).astype(np.float32)

        back = crop.to_image(crop.from_image(points))

        np.testing.assert_allclose(back, points, atol=0.02)


def test_the_whole_padded_box_is_in_the_crop() -> None:
    box = Box(100, 50, 160, 250)
    crop = Crop.around(box, (96, 128), 1.25)

    corners = crop.from_image(np.array([[100, 50], [160, 250]], np.float32))

    assert corners.min() >= 0
    assert (corners <= [96, 128]).all()
    np.testing.assert_allclose(corners[1, 1] - corners[0, 1], 128 / 1.25, rtol=1e-4)


def test_another_raster_shows_the_same_region() -> None:
    crop = Crop.around(Box(10, 20, 50, 90), (96, 128), 1.25)
    point = np.array([33, 44], np.float32)

    small = crop.sized((24, 32)).from_image(point)

    np.testing.assert_allclose(small * 4, crop.from_image(point), atol=1e-3)


def test_a_cut_shows_the_picture_and_black_outside() -> None:
    image = np.full((50, 40, 3), 200, np.uint8)

    cut = Crop.around(Box(20, 10, 60, 50), (32, 32), 1.0).cut(image)

    assert cut.shape == (32, 32, 3)
    assert cut[16, 4].tolist() == [200, 200, 200]
    assert cut[16, 28].tolist() == [0, 0, 0]


def test_a_box_without_size_still_makes_a_crop() -> None:
    crop = Crop.around(Box(5, 5, 5, 5), (96, 128), 1.25)

    assert np.isfinite(crop.matrix()).all()
