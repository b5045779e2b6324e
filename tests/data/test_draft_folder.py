from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from data.draft_folder import draft_folder
from data.errors import OutputError


def test_a_folder_gets_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "place"

    with draft_folder(target) as folder:
        (folder / "a").write_text("a")
        assert not target.exists()

    assert [path.name for path in target.iterdir()] == ["a"]
    assert list(target.parent.iterdir()) == [target]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with draft_folder(tmp_path / "empty") as folder:
        (folder / "a").write_text("a")

    assert (tmp_path / "empty" / "a").is_file()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_is_not_finished_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    def begin() -> None:
        with draft_folder(tmp_path / "x") as folder:
            (folder / "a").write_text("a")
            raise error

    with pytest.raises(error):
        begin()

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "x.partial").mkdir()
    (tmp_path / "x.partial" / "old").write_text("old")

    with draft_folder(tmp_path / "x"):
        pass

    assert list((tmp_path / "x").iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")

    with pytest.raises(OutputError, match="not empty"), draft_folder(tmp_path):
        pass
    with pytest.raises(OutputError, match="there already"), draft_folder(tmp_path / "a"):
        pass

    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be made"), draft_folder(tmp_path / "file" / "x"):
        pass


def test_an_error_of_the_disk_is_told(tmp_path: Path) -> None:
    def begin() -> None:
        with draft_folder(tmp_path / "x"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="x cannot be written: No space"):
        begin()


def test_links_that_lead_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")

    with pytest.raises(OutputError, match="cannot be made"), draft_folder(tmp_path / "loop"):
        pass
