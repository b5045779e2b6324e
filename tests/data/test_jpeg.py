"""JPEG files that end too early."""

import cv2
import numpy as np
import PIL.Image
import pytest

from data.jpeg import is_cut_short


def jpeg(*flags: int) -> bytes:
    image = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    return bytes(cv2.imencode(".jpg", image, [*flags])[1])


@pytest.mark.parametrize("flags", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
def test_a_whole_file_is_whole(flags: tuple[int, ...]) -> None:
    assert not is_cut_short(jpeg(*flags))
    assert not is_cut_short(jpeg(*flags) + b"\0" * 5000)  # cameras pad


@pytest.mark.parametrize("kept", [0.02, 0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("flags", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)])
def test_a_part_of_a_file_is_cut_short(flags: tuple[int, ...], kept: float) -> None:
    content = jpeg(*flags)

    assert is_cut_short(content[: int(kept * len(content))])


def test_a_thumbnails_end_is_not_the_pictures() -> None:
    thumbnail = b"Exif\0\0" + jpeg()[:2000] + b"\xff\xd9"
    head = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    content = jpeg()
    with_thumbnail = content[:2] + head + content[2:]

    assert not is_cut_short(with_thumbnail)
    assert is_cut_short(with_thumbnail[: len(head) + 2000])


def test_other_kinds_of_files_are_not_judged(tmp_path) -> None:
    PIL.Image.new("RGB", (4, 4)).save(tmp_path / "a.png")

    assert not is_cut_short((tmp_path / "a.png").read_bytes())
    assert not is_cut_short(b"")
    assert not is_cut_short(b"\xff\xd8 nothing more")
