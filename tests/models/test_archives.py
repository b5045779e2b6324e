"""Checkpoints in zip archives, whole and split."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from data.errors import WeightsError
from models import archives
from models.weights import load, read


def tiny(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(2, 300, 3), nn.BatchNorm2d(300))


def packed(folder: Path, members: dict[str, bytes]) -> bytes:
    whole = folder / "whole"
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    content = whole.read_bytes()
    whole.unlink()
    return content


def checkpoint(folder: Path, *, new_form: bool = False) -> bytes:
    """As FSPose's authors saved theirs: in torch's old form."""
    path = folder / "saved"
    torch.save(tiny().state_dict(), path, _use_new_zipfile_serialization=new_form)
    content = path.read_bytes()
    path.unlink()
    return content


def split(content: bytes, stem: Path, count: int) -> list[Path]:
    size = -(-len(content) // count)
    paths = [stem.with_name(f"{stem.name}.{number:03}") for number in range(1, count + 1)]
    for number, path in enumerate(paths):
        path.write_bytes(content[number * size : (number + 1) * size])
    return paths


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    """`final_state.zip.001` and `.002`, the second with a part of the first's member."""
    content = packed(tmp_path, {"final_state.pth": checkpoint(tmp_path)})
    return split(content, tmp_path / "final_state.zip", 2)


def message_of(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", ["final_state.zip", "final_state.zip.001", "final_state.zip.002"])
def test_a_split_checkpoint_is_read_by_any_of_its_names(two, name):
    network = tiny(1)

    load(network, two[0].with_name(name))

    torch.testing.assert_close(tiny(0)[0].weight, network[0].weight)
    assert sorted(two) == sorted(two[0].parent.iterdir())  # nothing was unpacked beside them


@pytest.mark.parametrize("new_form", [True, False])
@pytest.mark.parametrize("count", [1, 7])
def test_both_forms_and_any_number_of_parts_are_read(tmp_path, new_form, count):
    member = checkpoint(tmp_path, new_form=new_form)
    content = packed(tmp_path, {"w32/": b"", "w32/final_state.pth": member})
    split(content, tmp_path / "a.zip", count)

    assert list(tiny().state_dict()) == list(read(tmp_path / "a.zip"))


def test_an_archive_that_was_joined_is_read(tmp_path):
    content = packed(tmp_path, {"final_state.pth": checkpoint(tmp_path)})
    (tmp_path / "final_state.zip").write_bytes(content)

    assert list(tiny().state_dict()) == list(read(tmp_path / "final_state.zip"))


@pytest.mark.parametrize("gone", [0, 1])
@pytest.mark.parametrize("asked", ["final_state.zip", "final_state.zip.001", "final_state.zip.002"])
def test_a_missing_part_is_named(two, gone, asked):
    two[gone].unlink()

    message = message_of(two[0].with_name(asked))

    assert f"final_state.zip.00{gone + 1} is missing" in message
    assert "one folder" in message


def test_a_gap_between_the_parts_is_named(tmp_path):
    content = packed(tmp_path, {"a.pth": checkpoint(tmp_path)})
    paths = split(content, tmp_path / "a.zip", 5)
    paths[2].unlink()

    assert "a.zip.003 is missing" in message_of(paths[4])


def test_no_part_at_all_is_a_missing_file(tmp_path):
    assert "no such checkpoint" in message_of(tmp_path / "final_state.zip")
    assert "no such checkpoint" in message_of(tmp_path / "final_state.zip.001")
    assert "no such checkpoint" in message_of(tmp_path / "nowhere" / "final_state.zip.001")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "holds nothing"),
        ({"readme.txt": b"hello"}, "holds readme.txt"),
        ({"a.pth": b"1", "b.pth": b"2"}, "holds a.pth, b.pth"),
    ],
)
def test_an_archive_of_something_else_is_told(tmp_path, members, words):
    (tmp_path / "a.zip").write_bytes(packed(tmp_path, members))

    message = message_of(tmp_path / "a.zip")

    assert "should hold one checkpoint" in message
    assert words in message


def test_a_damaged_archive_is_told(two):
    content = bytearray(two[0].read_bytes())
    content[len(content) // 2] ^= 255
    two[0].write_bytes(content)

    assert "cannot be unpacked" in message_of(two[0])


def test_parts_in_the_wrong_order_are_told(two):
    first, second = two[0].read_bytes(), two[1].read_bytes()
    two[0].write_bytes(second)
    two[1].write_bytes(first)

    assert "final_state.zip" in message_of(two[0])


def test_an_archive_whose_member_is_no_checkpoint_is_told(tmp_path):
    (tmp_path / "a.zip").write_bytes(packed(tmp_path, {"a.pth": b"hello"}))

    assert "is no checkpoint" in message_of(tmp_path / "a.zip")


def test_an_encrypted_archive_is_told(tmp_path):
    content = bytearray(packed(tmp_path, {"a.pth": checkpoint(tmp_path)}))
    central = content.rindex(b"PK\x01\x02")
    content[6] |= 1  # the flag of encryption, in both headers
    content[central + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)

    assert "encrypted" in message_of(tmp_path / "a.zip")


def test_the_hash_of_parts_is_that_of_the_whole(two):
    whole = hashlib.sha256(b"".join(path.read_bytes() for path in two)).hexdigest()

    assert {whole} == {archives.sha256(path) for path in [*two, two[0].with_suffix("")]}
    with pytest.raises(WeightsError, match="no such checkpoint"):
        archives.sha256(two[0].with_name("other.pth"))
