"""SQLite files: opened, written all or nothing, and their errors in words for people."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from data.errors import StoreError

PATIENCE = 30.0  # seconds to wait for another process that writes

_TOLD = (
    ("disk is full", "the disk is full. What was written is kept; make room and run it again"),
    ("disk I/O", "the disk failed (disk I/O error). What was written is kept; check the disk"),
    ("readonly", "it may not be written; check its permissions and its folder's"),
    ("unable to open", "it cannot be opened; check its folder and its permissions"),
    ("not a database", "this is no heatmap database of fspose"),
    ("malformed", "it is damaged or cut short; copy it again or make it anew"),
    ("locked", "it is in use by another process; wait for its end"),
)
"""What SQLite's messages hold, and what they mean for whoever is told."""


def connect(path: Path, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
    """An open file, for one thread at a time. Raises StoreError."""
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    with translated(path):
        return sqlite3.connect(
            address,
            uri=True,
            isolation_level=None,
            timeout=PATIENCE,
            check_same_thread=False,  # one thread may open what another one writes
        )


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing of what happens inside."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.OperationalError):  # a full disk has rolled back already
            database.execute("ROLLBACK")
        raise


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """SQLite's errors as StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from error


def explained(path: Path, error: sqlite3.Error) -> StoreError:
    """An error of SQLite's in words for people."""
    known = (told for sign, told in _TOLD if sign in str(error))
    return StoreError(f"{path}: {next(known, str(error))}.")
