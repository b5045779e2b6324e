"""The tables of a heatmap file, and what SQLite says of it."""

from __future__ import annotations

import sqlite3

from data.heatmap_store import Header
from data.sqlite_file import transaction

_PAGE = 32768  # bytes: small records lie whole in a page, and little of it stays empty
_CHECKPOINT = 128  # pages, 4 MB, in the write-ahead log before they go into the file
_TABLES = (
    "CREATE TABLE header (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE records (id INTEGER PRIMARY KEY, video TEXT NOT NULL, frame TEXT NOT NULL,"
    " track INTEGER NOT NULL, center_x REAL NOT NULL, center_y REAL NOT NULL,"
    " scale_x REAL NOT NULL, scale_y REAL NOT NULL, angle REAL NOT NULL, width INTEGER NOT NULL,"
    " height INTEGER NOT NULL, score REAL NOT NULL, checksum INTEGER NOT NULL,"
    " payload BLOB NOT NULL, UNIQUE (video, frame, track))",
)


def prepare(database: sqlite3.Connection, header: Header) -> None:
    """Make a file ready to be written, with the tables and the header where it has none."""
    database.execute(f"PRAGMA page_size = {_PAGE}")  # of a new file
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
    database.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a kill loses nothing
    with transaction(database):
        if tables(database):
            return
        for table in _TABLES:
            database.execute(table)
        rows = {**header.rows(), "finished": "no"}
        database.executemany("INSERT INTO header VALUES (?, ?)", rows.items())


def tables(database: sqlite3.Connection) -> list[str]:
    """The names of a file's tables: none in a new file."""
    return [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]


def is_finished(database: sqlite3.Connection) -> bool:
    """Whether its header says that everyone is there."""
    query = "SELECT value FROM header WHERE name = 'finished'"
    return bool(database.execute(query).fetchone() == ("yes",))


def is_logged(database: sqlite3.Connection) -> bool:
    """Whether a file is in WAL mode, as an unfinished one is."""
    return bool(database.execute("PRAGMA journal_mode").fetchone() == ("wal",))
