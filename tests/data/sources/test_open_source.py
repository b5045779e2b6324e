from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.errors import SourceError
from data.sources import open_source
from data.sources.folder import Images
from data.sources.video import VideoFile


@pytest.fixture
def pictures(tmp_path):
    """A folder with img1, img2 and img10, and a file that is no image."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in (10, 2, 1):
        image = np.full((4, 6, 3), number, np.uint8)
        assert cv2.imwrite(str(folder / f"img{number}.png"), image)
    (folder / "notes.txt").touch()
    return folder


def numbers(source):
    return [int(frame.image[0, 0, 0]) for frame in source]


def test_a_folder_is_read_in_name_order(pictures):
    with open_source(str(pictures)) as source:
        assert numbers(source) == [1, 2, 10]
        assert str(pictures) == source.info.name


def test_a_glob_is_read_in_name_order(pictures):
    with open_source(f"{pictures}/img1*.png") as source:
        assert numbers(source) == [1, 10]


def test_a_single_image_is_one_frame(pictures):
    with open_source(str(pictures / "img2.png")) as source:
        assert isinstance(source, Images)
        assert numbers(source) == [2]


def test_a_file_is_a_video(write_video, greys):
    with open_source(str(write_video(greys(4)))) as source:
        assert isinstance(source, VideoFile)
        assert len(list(source)) == 4


def test_a_name_that_looks_like_a_glob_but_exists_is_taken_as_it_is(write_video, greys):
    with open_source(str(write_video(greys(4), "clip[1].mp4"))) as source:
        assert len(list(source)) == 4


@pytest.mark.parametrize("address", ["97", "webcam:97"])
def test_a_number_is_a_camera(address):
    with pytest.raises(SourceError, match="webcam:97: there is no such camera"):
        open_source(address)


def test_an_address_is_a_stream():
    with pytest.raises(SourceError, match="streams of the kind 'gopher'"):
        open_source("gopher://example.org/film")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("missing.mp4", r"missing\.mp4: no such file or folder"),
        ("empty", "empty: a folder without images"),
        ("nothing/*.png", r"nothing/\*\.png: matches no image"),
        ("", "name is empty"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(tmp_path, monkeypatch, address, words):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SourceError, match=words) as caught:
        open_source(address)
    assert "\n" not in str(caught.value)
