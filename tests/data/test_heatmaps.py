"""Heatmaps re-drawn on other crops."""

import numpy as np
import pytest

from data.crop import Crop
from data.heatmaps import Heatmaps, crop_to_crop
from data.pose import Box


def drawn(crop: Crop, point: tuple[float, float], sigma: float = 2.0) -> Heatmaps:
    """One map with a Gaussian at a point of the image."""
    width, height = crop.size
    x, y = crop.from_image(np.array(point, np.float32))
    columns, rows = np.arange(width), np.arange(height)[:, None]
    gaussian = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return Heatmaps(gaussian[None].astype(np.float32), crop)


def peak(heatmaps: Heatmaps) -> np.ndarray:
    """The highest cell's place in the image."""
    width = heatmaps.maps.shape[2]
    cell = int(heatmaps.maps[0].argmax())
    return heatmaps.crop.to_image(np.array([cell % width, cell // width], np.float32))


@pytest.mark.parametrize("smooth", [True, False])
def test_a_peak_stays_at_its_place_in_the_image(smooth: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        left, top = rng.uniform(0, 50, 2)
        box = Box(left, top, left + rng.uniform(60, 120), top + rng.uniform(80, 160))
        point = box.center
        fast = drawn(Crop.around(box, (24, 32), 1.25), point, 1.5)

        slow = fast.on(Crop.around(box, (40, 48), 1.4), smooth=smooth)

        cell = slow.crop.scale[0] * 200 / 40 + fast.crop.scale[0] * 200 / 24
        assert np.abs(peak(slow) - point).max() <= cell


def test_maps_are_empty_where_the_old_crop_has_nothing_to_say() -> None:
    near = drawn(Crop.around(Box(0, 0, 40, 60), (24, 32), 1.25), (20, 30))

    far = near.on(Crop.around(Box(500, 500, 540, 560), (24, 32), 1.25), smooth=True)

    assert not far.maps.any()


def cell_by_cell(maps: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """FSPose specification 4.2, for one cell after the other."""
    m = np.linalg.inv(matrix.astype(np.float64))
    padded = np.pad(maps, ((0, 0), (1, 2), (1, 2)))  # zero border; cell -1 is at 0
    drawn = np.zeros((len(maps), size[1], size[0]))
    for row, column in np.ndindex(size[1], size[0]):
        place = []
        for axis, length in ((0, maps.shape[2]), (1, maps.shape[1])):
            whole = np.rint(1024 * (m[axis, 1] * row + m[axis, 2])) + 16
            step = int(whole + np.rint(1024 * m[axis, 0] * column)) >> 5
            place.append((step >> 5, (step & 31) / 32, length))
        (x, right, width), (y, down, height) = place
        if -1 <= x <= width and -1 <= y <= height:
            corner = padded[:, y + 1 : y + 3, x + 1 : x + 3]
            drawn[:, row, column] = (1 - down) * (
                (1 - right) * corner[:, 0, 0] + right * corner[:, 0, 1]
            ) + down * ((1 - right) * corner[:, 1, 0] + right * corner[:, 1, 1])
    return drawn


@pytest.mark.parametrize("rotation", [0.0, 25.0])
def test_smooth_re_drawing_is_that_of_the_specification(rotation: float) -> None:
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(3, 32, 24)).astype(np.float32)
    source = Crop.around(Box(3, 4, 50, 90), (24, 32), 1.25)
    upright = Crop.around(Box(8, 1, 66, 99), (40, 48), 1.25)
    target = Crop(upright.center, upright.scale, upright.size, rotation)

    found = Heatmaps(maps, source).on(target, smooth=True).maps

    wanted = cell_by_cell(maps, crop_to_crop(source, target), target.size)
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_maps_must_have_the_size_of_their_crop() -> None:
    with pytest.raises(ValueError, match="24 x 32"):
        Heatmaps(np.zeros((1, 32, 24), np.float32), Crop((0, 0), (1, 1), (48, 64)))
