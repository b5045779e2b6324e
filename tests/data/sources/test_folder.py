from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from data.errors import SourceError
from data.sources.folder import Images, images_among, read_image


def save(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def test_numbers_in_names_count_as_numbers(tmp_path):
    in_order = ["a3b3.png", "a3b20.png", "a10b1.png", "img1.png", "img2.png", "img10.png"]
    for name in sorted(in_order):
        (tmp_path / name).touch()

    assert [path.name for path in images_among(tmp_path.iterdir())] == in_order


def test_only_visible_images_are_taken(tmp_path):
    for name in ("b.PNG", "a.jpg", "notes.txt", "._a.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()

    assert [path.name for path in images_among(tmp_path.iterdir())] == ["a.jpg", "b.PNG"]


def test_each_image_is_a_frame_of_its_own_size(tmp_path):
    paths = [
        save(tmp_path / "1.png", np.zeros((20, 30, 3), np.uint8)),
        save(tmp_path / "2.png", np.zeros((25, 15, 3), np.uint8)),
    ]

    with Images("pictures", paths) as source:
        frames = list(source)

    assert (
        source.info.name,
        source.info.width,
        source.info.height,
        source.info.fps,
        source.info.count,
    ) == ("pictures", 30, 20, 0.0, 2)
    assert [frame.size for frame in frames] == [(30, 20), (15, 25)]
    assert [frame.index for frame in frames] == [0, 1]
    assert [str(path) for path in paths] == [frame.name for frame in frames]
    assert [frame.seconds for frame in frames] == [0.0, 0.0]


BLUE_GREEN_RED = (30, 60, 200)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.full((4, 6, 3), BLUE_GREEN_RED, np.uint8), (200, 60, 30)),
        (np.full((4, 6, 4), (*BLUE_GREEN_RED, 128), np.uint8), (200, 60, 30)),
        (np.full((4, 6), 77, np.uint8), (77, 77, 77)),
        (np.full((4, 6, 3), np.multiply(BLUE_GREEN_RED, 257), np.uint16), (200, 60, 30)),
        (np.full((4, 6), 77 * 257, np.uint16), (77, 77, 77)),
    ],
    ids=["colour", "transparent", "grey", "16 bits", "16 bits grey"],
)
def test_every_kind_of_png_becomes_rgb_bytes(tmp_path, image, expected):
    read = read_image(save(tmp_path / "image.png", image))

    assert read.shape == (4, 6, 3)
    assert np.uint8 == read.dtype
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read[1, 2], expected)


def test_exif_orientation_is_applied(tmp_path):
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:, 16:] = 255
    path = save(tmp_path / "photo.jpg", stored)
    content = path.read_bytes()
    # One entry of an EXIF directory: orientation (0x0112), 6: turn right.
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + bytes(4)
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path.write_bytes(content[:2] + segment + content[2:])

    upright = read_image(path)

    assert upright.shape == (32, 16, 3)
    assert upright[:16].max() < 20
    assert upright[16:].min() > 235


def test_an_image_that_is_none_is_named(tmp_path):
    good = save(tmp_path / "1.png", np.zeros((4, 4, 3), np.uint8))
    bad = tmp_path / "2.png"
    bad.write_text("no image")

    with pytest.raises(SourceError, match=r"2\.png: cannot be read as an image"):
        list(Images("pictures", [good, bad]))


def test_a_first_image_that_is_none_is_told_at_once(tmp_path, capfd):
    bad = tmp_path / "1.jpg"
    bad.touch()

    with pytest.raises(SourceError, match=r"1\.jpg: cannot be read as an image"):
        Images("pictures", [bad])
    assert capfd.readouterr() == ("", "")
