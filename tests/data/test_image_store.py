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


def record(name, size, kind=b"0", link=b"", content=b""):
    """An archive's member, byte for byte; `size` is the field of 12 bytes."""
    block = bytearray(512)
    for place, field in ((0, name), (100, b"0000644"), (124, size), (156, kind), (157, link)):
        block[place : place + len(field)] = field
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + content.ljust(-len(content) // 512 * -512, b"\0")


def octal(number):
    return b"%011o\0" % number


END = bytes(1024)
BACK, FAR = b"\xff" * 10 + b"\xfe\x00", b"\x80" + (2**86).to_bytes(11, "big")
LARGE = b"\x80" + (2**62).to_bytes(11, "big")
LOOP = record(b"a", octal(14), b"x", content=b"14 size=-1536\n") + record(b"a.png", octal(0))
LONG = record(b"a", octal(4), b"L", content=b"abc\0")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        record(b"a.png", BACK) + END,
        record(b"a.png", FAR) + END,
        record(b"a.png", LARGE) + END,
        record(b"a", LARGE, b"L") + END,
        record(b"a", BACK, b"x") + END,
        LOOP + END,
        LONG * 3000 + record(b"a.png", octal(0)) + END,
    ],
    ids=["empty", "back", "far", "large", "large-name", "back-pax", "loop", "chain"],
)
def test_an_archive_made_to_harm_is_told(content, tmp_path):
    (tmp_path / "a.tar").write_bytes(content)

    with pytest.raises(SourceError, match=r"a\.tar: cannot be read as an uncompressed tar file"):
        open_images(tmp_path)


def test_links_and_devices_are_no_images_and_names_lead_nowhere(tmp_path):
    members = [
        record(b"link.png", octal(0), b"2", b"/etc/passwd"),
        record(b"hard.png", octal(0), b"1", b"/etc/passwd"),
        record(b"device.png", octal(0), b"3"),
        record(b"sparse.png", octal(512), b"S", content=b"x" * 512),
        record(b"../../up.png", octal(3), content=b"abc"),
        record(b"/etc/root.png", octal(3), content=b"abc"),
    ]
    (tmp_path / "a.tar").write_bytes(b"".join(members) + END)

    images = open_images(tmp_path)

    assert set(images.members) == {"../../up.png", "/etc/root.png"}
    with pytest.raises(SourceError, match="cannot be read as an image"):
        images.read("../../up.png")
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_a_picture_of_absurd_size_is_told(tmp_path):
    (tmp_path / "a.pgm").write_bytes(b"P5 60000 60000 255\n" + bytes(100))
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "a.pgm", "a.pgm")

    with pytest.raises(SourceError, match="cannot be read as an image"):
        open_images(tmp_path / "a.tar").read("a.pgm")


def test_a_member_that_is_no_image_is_told(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "a.png", "a.png")

    with pytest.raises(SourceError, match=r"a\.png in the shards of .* cannot be read as an image"):
        open_images(tmp_path / "a.tar").read("a.png")


def test_a_path_that_is_not_there_is_told(tmp_path):
    with pytest.raises(SourceError, match="no such folder or tar file"):
        open_images(tmp_path / "nowhere")
