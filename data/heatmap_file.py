"""HeatmapFile: a heatmap store in one SQLite file, a row per person and frame.

The file is written a transaction at a time in WAL mode: it can be read meanwhile, and whatever
ends the writer, the records written before are whole and the next run goes on after them.
"""

from __future__ import annotations

import re
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
from data.heatmap_tables import is_finished, is_logged, prepare, tables
from data.heatmaps import Heatmaps
from data.packing import PackingError, Precision, pack, unpack
from data.skeleton import SKELETONS
from data.sqlite_file import connect, explained, transaction, translated

_MAPPED = 2**40  # bytes of a file that are read in place: all of them, or as many as SQLite can
_INSERT = (
    "INSERT INTO records (video, frame, track, center_x, center_y, scale_x, scale_y,"
    " angle, width, height, score, checksum, payload) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"
    " ON CONFLICT (video, frame, track) DO NOTHING"
)
_NUMBERS = struct.Struct("<5d2qd")  # center, scale, angle, width, height, score
_WHERE = "FROM records WHERE video = ? AND frame = ? AND track = ?"
_SELECT = (
    "SELECT center_x, center_y, scale_x, scale_y, angle, width, height, score, checksum, payload "
    + _WHERE
)


class HeatmapFile:
    """Heatmaps in one SQLite file, a row per person and frame; made by `read` or `append`."""

    def __init__(
        self, path: Path, database: sqlite3.Connection, header: Header, *, is_new: bool = False
    ) -> None:
        self.path = path
        self._is_new = is_new
        self.header = header
        self._database = database
        self._cursor = database.cursor()  # for all reads: a new one each time takes longer
        self._keypoints = len(SKELETONS[header.skeleton])

    @classmethod
    def read(cls, path: Path) -> HeatmapFile:
        """An existing database, also one that another process is writing. Raises StoreError."""
        if not path.is_file():
            raise StoreError(f"{path}: there is no such heatmap database.")
        database = connect(path, "ro")
        try:
            with translated(path):
                database.execute(f"PRAGMA mmap_size = {_MAPPED}")
                # Nobody writes a finished file: a lock that is kept spares one for each record.
                database.execute("BEGIN")
                header = _header(path, database)
                if not is_finished(database) or is_logged(database):
                    database.execute("COMMIT")
            return cls(path, database, header)
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
                is_new = not tables(database)
                if not is_new:
                    _compare(path, _header(path, database), header)
                if is_new or not is_finished(database):  # to a finished one nothing is added
                    prepare(database, header)
                    _compare(path, _header(path, database), header)  # somebody may be quicker
            return cls(path, database, header, is_new=is_new)
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
        return self._read(key)[0]

    def record(self, key: Key) -> Record:
        """One person's maps and score; StoreError where they are not there or damaged."""
        return Record(key, *self._read(key))

    def _read(self, key: Key) -> tuple[Heatmaps, float]:
        try:
            row = self._cursor.execute(_SELECT, (key.video, key.frame, key.track)).fetchone()
        except sqlite3.Error as error:
            raise explained(self.path, error) from error
        if row is None:
            raise StoreError(f"{self.path} holds no heatmaps of {key}.")
        x, y, scale_x, scale_y, angle, width, height, score, checksum, payload = row
        try:
            if _checksum(key, row[:8], payload) != checksum:
                raise PackingError("wrong checksum")
            maps = unpack(payload, (self._keypoints, height, width), self.header.precision)
        except (PackingError, struct.error, TypeError) as error:
            raise StoreError(f"{self.path}: the record of {key} is damaged ({error}).") from error
        crop = Crop((x, y), (scale_x, scale_y), (width, height), angle)
        return Heatmaps(maps, crop), score

    def has(self, key: Key) -> bool:
        """Whether one person's maps are there."""
        try:
            with translated(self.path):
                row = self._database.execute("SELECT 1 " + _WHERE, _place(key)).fetchone()
        except (OverflowError, UnicodeEncodeError):  # no number or text of any database
            return False
        return row is not None

    def keys(self) -> list[Key]:
        """Everyone whose maps are there, by video, frame and track."""
        query = "SELECT video, frame, track FROM records ORDER BY video, frame, track"
        with translated(self.path):
            rows = self._database.execute(query).fetchall()
        for row in rows:
            if tuple(map(type, row)) != (str, str, int):  # SQLite keeps anything in any column
                raise StoreError(f"{self.path}: {row!r} is no video, frame and track.")
        return [Key(*row) for row in rows]

    def __len__(self) -> int:
        with translated(self.path):
            return int(self._database.execute("SELECT count(*) FROM records").fetchone()[0])

    @property
    def is_finished(self) -> bool:
        """Whether everyone is there for whom there were a box and an image."""
        with translated(self.path):
            return is_finished(self._database)

    def finish(self) -> None:
        """Say that everyone is there, and leave WAL mode: the file can then lie read-only."""
        with translated(self.path):
            if not is_finished(self._database):  # readers of a finished file keep a lock on it
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
        useless = False
        with suppress(StoreError):  # whatever is wrong now, the error that led here is told
            useless = self._is_new and isinstance(error, StoreError) and not len(self)
        self.close()
        if useless:  # its header would only stand in the way of the next run
            for end in ("", "-wal", "-shm"):
                with suppress(OSError):
                    self.path.with_name(self.path.name + end).unlink(missing_ok=True)

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
    return zlib.crc32(payload, zlib.crc32(place + _NUMBERS.pack(*numbers)))


def _header(path: Path, database: sqlite3.Connection) -> Header:
    """The header of a database; StoreError where it has none or one of another kind."""
    if not {"header", "records"} <= set(tables(database)):
        raise StoreError(f"{path} is no heatmap database of fspose.")
    rows: dict[object, object] = dict(database.execute("SELECT name, value FROM header"))
    if rows.get("schema") != SCHEMA:
        found = rows.get("schema")
        raise StoreError(
            f"{path} is a heatmap database of kind {found!r}, expected {SCHEMA!r}. "
            "Make it anew, or read it with the fspose that made it."
        )
    # SQLite keeps anything in any column.
    values: dict[str, Any] = {field.name: rows.get(field.name) for field in fields(Header)}
    faulty = [name for name, value in values.items() if not isinstance(value, str)]
    size = None if faulty else re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", values["size"])
    if size is None:
        raise StoreError(f"{path}: its header is damaged ({', '.join(faulty) or 'size'}).")
    header = Header(**{**values, "size": (int(size[1]), int(size[2]))})
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
