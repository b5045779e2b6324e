"""HeatmapFile: a heatmap store in one SQLite file, a row per person and frame.

The file is written a transaction at a time in WAL mode: it can be read meanwhile, and whatever
ends the writer, the records written before are whole and the next run goes on after them.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

from data.crop import Crop
from data.errors import StoreError
from data.heatmap_store import SCHEMA, Header, Key, Record
from data.heatmaps import Heatmaps
from data.packing import PackingError, Precision, pack, unpack
from data.skeleton import SKELETONS
from data.sqlite_file import connect, transaction, translated

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
_INSERT = (
    "INSERT INTO records (video, frame, track, center_x, center_y, scale_x, scale_y,"
    " angle, width, height, score, checksum, payload) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (video, frame, track) DO NOTHING"
)
_WHERE = "FROM records WHERE video = ? AND frame = ? AND track = ?"
_SELECT = (
    "SELECT center_x, center_y, scale_x, scale_y, angle, width, height, score, checksum, payload "
    + _WHERE
)


class HeatmapFile:
    """Heatmaps in one SQLite file, a row per person and frame; made by `read` or `append`."""

    def __init__(self, path: Path, database: sqlite3.Connection, header: Header) -> None:
        self.path = path
        self.header = header
        self._database = database
        self._keypoints = len(SKELETONS[header.skeleton])

    @classmethod
    def read(cls, path: Path) -> HeatmapFile:
        """An existing database, also one that another process is writing. Raises StoreError."""
        if not path.is_file():
            raise StoreError(f"{path}: there is no such heatmap database.")
        database = connect(path, "ro")
        try:
            with translated(path):
                return cls(path, database, _header(path, database))
        except BaseException:
            database.close()
            raise

    @classmethod
    def append(cls, path: Path, header: Header) -> HeatmapFile:
        """A database to write to: a new one, or an unfinished one with the same header.

        Raises StoreError where it was made otherwise, with another network for instance.
        """
        database = connect(path, "rwc")
        try:
            with translated(path):
                if _tables(database):
                    _compare(path, _header(path, database), header)
                database.execute(f"PRAGMA page_size = {_PAGE}")  # of a new file
                database.execute("PRAGMA journal_mode = WAL")
                database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
                database.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a kill loses nothing
                with transaction(database):
                    if not _tables(database):  # nobody was quicker
                        for table in _TABLES:
                            database.execute(table)
                        rows = {**header.rows(), "finished": "no"}
                        database.executemany("INSERT INTO header VALUES (?, ?)", rows.items())
                _compare(path, _header(path, database), header)
            return cls(path, database, header)
        except BaseException:
            database.close()
            raise

    def put(self, records: Iterable[Record]) -> None:
        """Add records, all or none of them; one that is there already stays. Raises StoreError."""
        rows = [self._row(record) for record in records]
        with translated(self.path), transaction(self._database):
            self._database.executemany(_INSERT, rows)

    def get(self, key: Key) -> Heatmaps:
        """One person's maps; StoreError where they are not there or damaged."""
        return self.record(key).heatmaps

    def record(self, key: Key) -> Record:
        """One person's maps and score; StoreError where they are not there or damaged."""
        with translated(self.path):
            row = self._database.execute(_SELECT, _place(key)).fetchone()
        if row is None:
            raise StoreError(f"{self.path} holds no heatmaps of {key}.")
        *numbers, checksum, payload = row
        try:
            if _checksum(key, numbers, payload) != checksum:
                raise PackingError("wrong checksum")
            x, y, scale_x, scale_y, angle, width, height, score = numbers
            shape = (self._keypoints, height, width)
            maps = unpack(payload, shape, self.header.precision)
        except (PackingError, struct.error, TypeError) as error:
            raise StoreError(f"{self.path}: the record of {key} is damaged ({error}).") from error
        crop = Crop((x, y), (scale_x, scale_y), (width, height), angle)
        return Record(key, Heatmaps(maps, crop), score)

    def has(self, key: Key) -> bool:
        """Whether one person's maps are there."""
        with translated(self.path):
            row = self._database.execute("SELECT 1 " + _WHERE, _place(key)).fetchone()
        return row is not None

    def keys(self) -> list[Key]:
        """Everyone whose maps are there, by video, frame and track."""
        query = "SELECT video, frame, track FROM records ORDER BY video, frame, track"
        with translated(self.path):
            return [Key(*row) for row in self._database.execute(query)]

    def __len__(self) -> int:
        with translated(self.path):
            return int(self._database.execute("SELECT count(*) FROM records").fetchone()[0])

    @property
    def is_finished(self) -> bool:
        """Whether everyone is there for whom there were a box and an image."""
        with translated(self.path):
            query = "SELECT value FROM header WHERE name = 'finished'"
            return bool(self._database.execute(query).fetchone() == ("yes",))

    def finish(self) -> None:
        """Say that everyone is there, and leave WAL mode: the file can then lie read-only."""
        with translated(self.path):
            self._database.execute("UPDATE header SET value = 'yes' WHERE name = 'finished'")
        self._database.execute("PRAGMA busy_timeout = 0")
        with suppress(sqlite3.OperationalError):  # someone reads just now
            self._database.execute("PRAGMA journal_mode = DELETE")

    def flaws(self) -> list[str]:
        """What SQLite itself finds wrong with the file's structure."""
        with translated(self.path):
            found = [str(row[0]) for row in self._database.execute("PRAGMA integrity_check(10)")]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> HeatmapFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _row(self, record: Record) -> tuple[Any, ...]:
        key, maps, crop = record.key, record.heatmaps.maps, record.heatmaps.crop
        if len(maps) != self._keypoints:
            found = f"{len(maps)} maps, and {self.header.skeleton} has {self._keypoints}"
            raise StoreError(f"{key} cannot be stored: it has {found} keypoints.")
        try:
            payload = pack(maps, self.header.precision)
        except PackingError as error:
            raise StoreError(f"{key} cannot be stored: {error}. Check the weights.") from error
        numbers = (*crop.center, *crop.scale, crop.rotation, *crop.size, record.score)
        return (*_place(key), *numbers, _checksum(key, numbers, payload), payload)


def _place(key: Key) -> tuple[str, str, int]:
    return key.video, key.frame, key.track


def _checksum(key: Key, numbers: Iterable[float], payload: bytes) -> int:
    """CRC-32 of everything that a record says."""
    place = f"{key.video}\0{key.frame}\0{key.track}".encode()
    return zlib.crc32(payload, zlib.crc32(place + struct.pack("<5d2qd", *numbers)))


def _tables(database: sqlite3.Connection) -> list[str]:
    return [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type='table'")]


def _header(path: Path, database: sqlite3.Connection) -> Header:
    """The header of a database; StoreError where it has none or one of another kind."""
    if not {"header", "records"} <= set(_tables(database)):
        raise StoreError(f"{path} is no heatmap database of fspose.")
    rows = dict(database.execute("SELECT name, value FROM header"))
    if rows.get("schema") != SCHEMA:
        found = rows.get("schema")
        raise StoreError(f"{path} is a heatmap database of kind {found!r}, expected {SCHEMA!r}.")
    try:
        width, height = rows["size"].split("x")
        values = {field.name: rows[field.name] for field in fields(Header)}
        header = Header(**{**values, "size": (int(width), int(height))})
    except (KeyError, ValueError) as error:
        raise StoreError(f"{path}: its header is damaged ({error}).") from error
    if header.skeleton not in SKELETONS or header.precision not in get_args(Precision):
        raise StoreError(f"{path}: its skeleton or precision is not known to this fspose.")
    return header


def _compare(path: Path, found: Header, wanted: Header) -> None:
    """StoreError unless a database was made as this run would make it."""
    there, here = found.rows(), wanted.rows()
    # Weights are known by their checksum: their file may have been renamed since.
    names = [name for name in there if name != "network" and there[name] != here[name]]
    if not names:
        return
    what = {"annotations": "annotation set", "weights": "network", "size": "input size"}
    name = names[0]
    old, new = told(there[name]), told(here[name])
    if name == "weights":
        old, new = f"{found.network} ({old})", f"{wanted.network} ({new})"
    raise StoreError(
        f"{path} was made with another {what.get(name, name)}: {old}, and this run has {new}. "
        "Name another file with -o."
    )


def told(value: str) -> str:
    """A header's value for people, a checksum cut short."""
    return f"{value[:12]}…" if len(value) == 64 else value
