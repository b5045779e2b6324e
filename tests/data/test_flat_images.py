"""Decoded images in one flat file: a cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from data.errors import OutputError, SourceError
from data.flat_images import is_there, lend, read_flat, write_flat
from data.frame import Image

IMAGES = [np.full((2, 3, 3), 7, np.uint8), np.full((4, 1, 3), 9, np.uint8)]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_flat(IMAGES, tmp_path / "deep" / "people")

    pixels, places = read_flat(tmp_path / "deep" / "people", 2)

    assert is_there(tmp_path / "deep" / "people")
    assert places.tolist() == [[0, 2, 3], [18, 4, 1]]
    assert pixels.tolist() == [7] * 18 + [9] * 12
    names = {path.name for path in (tmp_path / "deep").iterdir()}
    assert names == {"people.npy", "people.u8"}


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Image]:
        yield IMAGES[0]
        raise SourceError("the second one is none")

    with pytest.raises(SourceError, match="the second one"):
        write_flat(broken(), tmp_path / "people")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match=r"people\.u8 cannot be written"):
        write_flat(IMAGES, tmp_path / "file" / "people")


def test_other_images_than_wanted_are_told(tmp_path: Path) -> None:
    write_flat(IMAGES, tmp_path / "people")

    with pytest.raises(SourceError, match="hold other images than the 3 that are wanted"):
        read_flat(tmp_path / "people", 3)


@pytest.mark.parametrize(
    ("name", "content"), [("people.npy", b"none"), ("people.npy", b""), ("people.u8", b"")]
)
def test_a_damaged_cache_is_told(name: str, content: bytes, tmp_path: Path) -> None:
    write_flat(IMAGES, tmp_path / "people")
    (tmp_path / name).write_bytes(content)

    with pytest.raises(SourceError, match=r"people\.npy and \.u8 are damaged. Remove both"):
        read_flat(tmp_path / "people", 2)


def test_a_flat_file_that_was_cut_short_is_told(tmp_path: Path) -> None:
    write_flat(IMAGES, tmp_path / "people")
    (tmp_path / "people.u8").write_bytes(bytes(29))

    with pytest.raises(SourceError, match="Name another folder"):
        read_flat(tmp_path / "people", 2)


def test_a_whole_cache_is_lent_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write_flat(IMAGES, tmp_path / "people")

    for name in ("people", "pictures"):
        lend(tmp_path / name, tmp_path / "other" / name)

    assert len(read_flat(tmp_path / "other" / "people", 2)[0]) == 30
    assert not is_there(tmp_path / "other" / "pictures")
