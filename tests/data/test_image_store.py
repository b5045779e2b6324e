"""Images by name, in folders and in tar shards."""

import tarfile

import cv2
import numpy as np
import pytest

from data.errors import SourceError
from data.image_store import open_images, require


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((6, 8, 3), value, np.uint8))


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("a.png", "deep/b.png"), 1):
        write(tmp_path / "images" / name, 50 * number)
    return tmp_path / "images"


@pytest.fixture
def shards(folder, tmp_path):
    out = tmp_path / "shards"
    out.mkdir()
    for name in ("a.png", "deep/b.png"):
        with tarfile.open(out / f"{name[-5]}.tar", "w") as archive:
            archive.add(folder / name, name)
    return out


@pytest.mark.parametrize("kind", ["folder", "shards"])
def test_images_are_read_by_their_names(kind, folder, shards):
    images = open_images(folder if kind == "folder" else shards)

    assert images.read("deep/b.png").tolist() == np.full((6, 8, 3), 100).tolist()
    assert images.has("a.png")
    assert not images.has("c.png")


def test_one_shard_is_enough(shards):
    assert open_images(shards / "a.tar").has("a.png")


@pytest.mark.parametrize("kind", ["folder", "shards"])
def test_missing_images_are_counted_and_the_first_is_named(kind, folder, shards):
    path = folder if kind == "folder" else shards

    with pytest.raises(SourceError, match=r"2 of 3 images are missing, the first is .*x\.png"):
        require(open_images(path), ["a.png", "x.png", "y.png", "x.png"])


def test_a_name_in_two_shards_is_told(shards):
    (shards / "c.tar").write_bytes((shards / "a.tar").read_bytes())

    with pytest.raises(SourceError, match=r"c\.tar: a\.png is also in a\.tar"):
        open_images(shards)


@pytest.mark.parametrize("content", [b"no archive", b"x" * 2000])
def test_what_is_no_tar_file_is_told(content, tmp_path):
    (tmp_path / "a.tar").write_bytes(content)

    with pytest.raises(SourceError, match=r"a\.tar: cannot be read as an uncompressed tar file"):
        open_images(tmp_path)


def test_a_shard_that_was_cut_short_is_told(shards):
    whole = (shards / "a.tar").read_bytes()
    (shards / "a.tar").write_bytes(whole[:530])

    with pytest.raises(SourceError, match=r"a\.png in the shards|cannot be read"):
        open_images(shards).read("a.png")


def test_a_member_that_is_no_image_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "a.png", "a.png")

    with pytest.raises(SourceError, match=r"a\.png in the shards of .* cannot be read as an image"):
        open_images(tmp_path / "a.tar").read("a.png")


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SourceError, match="no such folder or tar file"):
        open_images(tmp_path / "nowhere")
