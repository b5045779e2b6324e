"""Where uploads lie: private, and gone with the server, also with one that was killed."""

import stat
import subprocess
import sys

import pytest

from data.errors import OutputError
from fspose_app.live.serve.folder import PREFIX, job_folder

KILLED = """
import os, sys
from pathlib import Path
from fspose_app.live.serve.folder import job_folder
with job_folder(Path(sys.argv[1])) as folder:
    (folder / "upload").write_text("a film")
    os._exit(9)
"""


def test_a_folder_is_private_and_goes_at_the_end(tmp_path):
    with job_folder(tmp_path) as folder:
        (folder / "job").mkdir()
        (folder / "job" / "upload").write_text("a film")
        modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folder.parents[:1]}

    assert modes == {0}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_goes_after_an_error_too(tmp_path):
    with pytest.raises(ZeroDivisionError), job_folder(tmp_path):
        raise ZeroDivisionError

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_what_a_killed_server_left_goes_with_the_next_and_a_running_one_keeps_its_own(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    (left,) = tmp_path.glob(PREFIX + "*")
    (tmp_path / "another-folder").mkdir()
    (tmp_path / (PREFIX + "link")).symlink_to(tmp_path / "another-folder")

    with job_folder(tmp_path) as first, job_folder(tmp_path) as second:
        found = {path.name for path in tmp_path.iterdir()}

    assert left.name not in found
    assert {first.parent.name, second.parent.name, "another-folder", PREFIX + "link"} == found


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"), job_folder(tmp_path / "none"):
        pass
