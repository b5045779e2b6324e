"""The catalogue of published checkpoints, and how a user's file is recognised."""

from __future__ import annotations

import hashlib
import re
import string
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from data.errors import ConfigError
from data.skeleton import SKELETONS
from models import published
from models.published import CATALOGUE, File, Published


def known_by(path: Path, use: published.Use, content: bytes = b"something") -> str | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    item = published.of_file(path, use)
    return None if item is None else item.name


def test_names_are_unique():
    names = [item.name for item in CATALOGUE]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: item.name)
def test_an_entry_is_whole(item):
    assert item.licence
    assert urlsplit(item.page).scheme == "https"
    assert item.fetchable != bool(item.by_hand)
    assert item.use == "start" or item.skeleton in SKELETONS
    for file in item.files:
        for mirror in file.mirrors:
            assert urlsplit(mirror).scheme == "https"
            assert urlsplit(mirror).path.endswith(f"/{file.name}")
        if file.sha256 is not None:
            assert set(file.sha256) <= set(string.hexdigits.lower())
            assert len(file.sha256) in (8, 64)


@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: item.name)
def test_a_hash_in_a_files_name_is_the_recorded_one(item):
    """torchvision and OpenMMLab put the first eight digits there, GluonCV those of a SHA-1."""
    if "gluon-cv" in item.page:
        assert [file.sha256 for file in item.files] == [None]
        return
    for file in item.files:
        found = re.search(r"-([0-9a-f]{8})(_\d{8})?\.pth$", file.name)
        if found:
            assert (file.sha256 or "").startswith(found[1])


@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: item.name)
def test_a_size_in_a_files_name_is_the_recorded_one(item):
    for file in item.files:
        found = re.search(r"(256|384)x(192|288)", file.name)
        if found:
            assert (int(found[2]), int(found[1])) == item.size


def test_every_file_of_the_seed_is_there():
    seed = [item for item in CATALOGUE if item.name.startswith("fspose-published-")]

    assert [item.use for item in seed] == ["slow", "fast", "transfer", "light-transfer"]
    assert [file.name for item in seed for file in item.files] == [
        *("final_state.zip.001", "final_state.zip.002"),
        *("100epoch.pth", "20epoch.pth", "20epoch.pth"),
    ]


def test_an_unknown_name_is_answered_with_the_nearest():
    assert published.find("hrnet-w32-coco-256x192").network == "HRNet-W32"
    with pytest.raises(ConfigError, match="did you mean hrnet-w32-coco-256x192"):
        published.find("hrnet-w32-coco-256x19")
    with pytest.raises(ConfigError, match="fspose models list"):
        published.find("@")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("final_state.pth", "fspose-published-slow"),
        ("w32/final_state.zip", "fspose-published-slow"),
        ("final_state.zip.002", "fspose-published-slow"),
        ("pose_hrnet_w48_384x288.pth", "hrnet-w48-coco-384x288"),
        ("mine.pth", None),
        ("100epoch.pth", None),  # a fast network's name
    ],
)
def test_a_slow_network_is_known_by_its_files_name(tmp_path, path, name):
    assert known_by(tmp_path / path, "slow") == name


def test_the_parts_of_a_split_archive_are_known_by_its_own_name(tmp_path):
    for number in (1, 2):
        (tmp_path / f"final_state.zip.00{number}").write_bytes(b"part")

    found = published.of_file(tmp_path / "final_state.zip", "slow")

    assert found is not None
    assert found.name == "fspose-published-slow"


def test_a_renamed_file_is_known_by_its_hash(tmp_path, monkeypatch):
    digest = hashlib.sha256(b"a network").hexdigest()
    items = [
        Published(name, "slow", "N", "coco-17", (192, 256), "-", "-", (File(f"{name}.pth", (), h),))
        for name, h in (("whole", digest), ("other", "0" * 64), ("open", None))
    ]
    monkeypatch.setattr(published, "CATALOGUE", items)

    assert known_by(tmp_path / "mine.pth", "slow", b"a network") == "whole"
    assert known_by(tmp_path / "mine.pth", "fast", b"a network") is None
    assert known_by(tmp_path / "mine.pth", "slow", b"another") is None


def test_the_first_digits_of_a_hash_are_enough(monkeypatch):
    digest = hashlib.sha256(b"a network").hexdigest()
    file = File("a.pth", (), digest[:8])
    item = Published("first", "slow", "N", "coco-17", (192, 256), "-", "-", (file,))
    monkeypatch.setattr(published, "CATALOGUE", [item])

    assert published.of_digest(digest) is item
    assert published.of_digest("f" * 64) is None


def test_fetched_models_lie_in_the_named_home_or_in_the_users_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("FSPOSE_HOME", str(tmp_path / "home"))
    assert published.models_folder() == tmp_path / "home" / "models"

    monkeypatch.delenv("FSPOSE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setattr("sys.platform", "linux")
    assert published.home() == tmp_path / "caches" / "fspose"

    monkeypatch.setattr("sys.platform", "darwin")
    assert published.home() == Path.home() / "Library" / "Caches" / "fspose"

    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert published.home() == tmp_path / "local" / "fspose"


def test_a_checkpoint_lies_in_a_folder_of_its_name(tmp_path):
    item = published.find("fspose-published-slow")

    assert item.path(tmp_path) == tmp_path / "fspose-published-slow" / "final_state.zip.001"
