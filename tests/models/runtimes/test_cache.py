"""Compiled networks on the disk: found again, made again where they are damaged, few enough."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from models.runtimes import cache as module
from models.runtimes.cache import Cache


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, told: list[str]) -> Cache:
    return Cache(tmp_path / "compiled", told.append)


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "compiled").iterdir())


def test_what_was_kept_is_found_under_its_own_key(cache, told, tmp_path):
    cache.save("a", b"first")
    cache.save("b", b"second")

    assert (cache.load("a"), cache.load("b"), cache.load("c")) == (b"first", b"second", None)
    assert len(entries(tmp_path)) == 2
    assert told == []


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 100])
def test_a_damaged_entry_is_told_in_a_line_and_replaced(cache, told, tmp_path, damage):
    cache.save("a", b"content")
    (path,) = entries(tmp_path)
    path.write_bytes(damage)

    assert cache.load("a") is None
    (line,) = told
    assert str(path) in line
    assert "damaged; the network is compiled again" in line

    cache.save("a", b"content")
    assert cache.load("a") == b"content"


def test_a_folder_that_cannot_be_written_is_told_and_no_more(told, tmp_path):
    (tmp_path / "compiled").write_text("a file")
    cache = Cache(tmp_path / "compiled", told.append)

    assert cache.load("a") is None
    cache.save("a", b"content")

    assert "cannot be read" in told[0]
    assert "cannot be written" in told[1]


def test_the_least_lately_used_are_removed(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2)
    for age, key in enumerate("ab"):
        cache.save(key, key.encode())
        newest = max(entries(tmp_path), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (age, age))
    assert cache.load("a") == b"a"  # used, so that b is the one to go

    cache.save("c", b"c")

    assert [cache.load(key) for key in "abc"] == [b"a", None, b"c"]
