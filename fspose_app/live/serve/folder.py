"""job_folder: where uploads and results lie while the server runs; it goes when the server ends.

A server that was killed leaves its folder. The next one takes it away: each holds a lock on its
own, and what can be locked is nobody's any more.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from data.draft import output_error

if sys.platform != "win32":  # there, what a killed server left stays
    import fcntl

PREFIX = "fspose-serve-"
_LOCK = "lock"


@contextmanager
def job_folder(parent: Path | None = None) -> Iterator[Path]:
    """A new folder in `parent` (the system's for such files), which only this user may read.

    Raises OutputError where none can be made.
    """
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    _take_away_what_is_left(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        lock = (folder / _LOCK).open("wb")
    except OSError as error:
        raise output_error(parent, error) from error
    with lock:
        if sys.platform != "win32":
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            jobs = folder / "jobs"
            jobs.mkdir()
            yield jobs
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _take_away_what_is_left(parent: Path) -> None:
    """Folders of this user's servers that are no more."""
    if sys.platform == "win32":
        return
    for folder in parent.glob(PREFIX + "*"):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.getuid():
            continue
        try:
            with (folder / _LOCK).open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # locked by a server that runs, or just being made
            continue
