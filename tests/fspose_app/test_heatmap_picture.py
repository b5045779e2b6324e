"""The picture of a person's maps."""

from __future__ import annotations

import numpy as np
import pytest

from data.crop import Crop
from data.errors import OutputError
from data.heatmaps import Heatmaps
from data.skeleton import POSETRACK_17
from data.sources.folder import read_image
from fspose_app.heatmap_picture import COLUMNS, MARGIN, STRIP, picture, write_png

ZOOM = 15  # 240 pixels over 16 cells


def drawn(x: int, y: int) -> Heatmaps:
    maps = np.zeros((17, 16, 12), np.float32)
    maps[:, y, x] = 1.0
    maps[3] = 0.0
    return Heatmaps(maps, Crop((60.0, 80.0), (0.6, 0.8), (12, 16)))


def test_every_keypoint_has_a_panel_and_heat_lies_where_its_map_is_high():
    image = np.zeros((200, 160, 3), np.uint8)

    drawn_picture = picture(drawn(4, 9), image, POSETRACK_17, "slow")

    height, width = 16 * ZOOM + STRIP, 12 * ZOOM
    assert drawn_picture.shape == (4 * (height + MARGIN) + MARGIN, 5 * (width + MARGIN) + MARGIN, 3)
    for place in range(18):
        top = MARGIN + place // COLUMNS * (height + MARGIN) + STRIP
        left = MARGIN + place % COLUMNS * (width + MARGIN)
        panel = drawn_picture[top : top + 16 * ZOOM, left : left + width].sum(2)
        y, x = np.unravel_index(panel.argmax(), panel.shape)
        if place == 4:  # the empty map: nothing over the crop, no cross
            assert panel.max() == 0
        else:
            assert abs(x - 4 * ZOOM) <= ZOOM
            assert abs(y - 9 * ZOOM) <= ZOOM


def test_the_crop_shines_through():
    image = np.full((200, 160, 3), (200, 100, 0), np.uint8)

    drawn_picture = picture(drawn(4, 9), image, POSETRACK_17, "slow")

    corner = drawn_picture[MARGIN + STRIP + 3, MARGIN + 3]
    assert corner[0] > corner[1] > corner[2]


def test_a_written_picture_is_the_same_picture(tmp_path):
    image = np.random.default_rng(1).integers(0, 255, (20, 30, 3)).astype(np.uint8)

    write_png(tmp_path / "a.png", image)

    np.testing.assert_array_equal(image, read_image(tmp_path / "a.png"))
    with pytest.raises(OutputError, match="cannot be written"):
        write_png(tmp_path / "a.png" / "b.png", image)


def test_a_device_is_not_replaced(tmp_path):
    (tmp_path / "device").symlink_to("/dev/null")

    with pytest.raises(OutputError, match="it is there and no file"):
        write_png(tmp_path / "device", np.zeros((4, 4, 3), np.uint8))

    assert (tmp_path / "device").is_char_device()
