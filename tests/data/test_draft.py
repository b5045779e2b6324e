"""A text file gets its name only when it is whole."""

import os
from pathlib import Path

import pytest

from data.draft import Draft
from data.errors import OutputError


def test_a_draft_gets_its_name_at_the_end(tmp_path: Path) -> None:
    with Draft(tmp_path / "a.txt") as draft:
        draft.write("one\n")
        assert not (tmp_path / "a.txt").exists()

    assert (tmp_path / "a.txt").read_bytes() == b"one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_an_error_leaves_the_older_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("older")

    def fail() -> None:
        with Draft(tmp_path / "a.txt") as draft:
            draft.write("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "older"


@pytest.mark.parametrize("name", ["device", "folder", "pipe"])
def test_what_is_no_file_is_not_replaced(name: str, tmp_path: Path) -> None:
    (tmp_path / "device").symlink_to("/dev/null")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OutputError, match="cannot be written: it is there and no file"):
        Draft(tmp_path / name)

    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.txt cannot be written: No such file"):
        Draft(tmp_path / "missing" / "a.txt")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("size", [10, 100_000], ids=["at the end", "while writing"])
def test_a_full_disk_is_an_output_error_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.txt.partial").symlink_to("/dev/full")

    def fill() -> None:
        with Draft(tmp_path / "a.txt") as draft:
            draft.write("x" * size)

    with pytest.raises(OutputError, match=r"a\.txt cannot be written: No space left"):
        fill()
    assert list(tmp_path.iterdir()) == []
