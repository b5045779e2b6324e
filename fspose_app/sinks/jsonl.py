"""JsonlSink: the result file; readable while it grows, whole when it has its name, resumable."""

from __future__ import annotations

import contextlib
import json
import os
from io import FileIO
from pathlib import Path

from data.draft import output_error
from data.errors import ResultError
from data.frame import FrameResult
from data.result import Record, line_of, record_of
from data.result_file import line_starts


class JsonlSink:
    """Writes a frame's line the moment it is known, to `<name>.partial`; `close` gives the name.

    `abandon` leaves the partial file, with whole lines only: after Ctrl-C it is an honest result
    of the frames so far, and `resume` goes on from it. Raises OutputError when the file cannot be
    made or written.
    """

    def __init__(self, path: Path, file: FileIO, end: int) -> None:
        """Use `open_new` or `resume`. `end` is where the last whole line of `file` ends."""
        self.path = path
        self._file = file
        self._end = end

    @classmethod
    def open_new(cls, path: Path, header: Record) -> JsonlSink:
        """A new partial file that holds the header; one that was there before is replaced."""
        try:
            sink = cls(path, partial_of(path).open("wb", buffering=0), 0)
        except OSError as error:
            raise output_error(path, error) from error
        sink._append(line_of(header))
        return sink

    @classmethod
    def resume(cls, path: Path, header: Record, frames: int) -> JsonlSink:
        """The partial file again, cut after its first `frames` frames.

        Raises ResultError when it is not there, holds fewer frames, or was begun with another
        header than `header`, whose first differing field is named.
        """
        partial = partial_of(path)
        try:
            starts, end = line_starts(partial)
            with partial.open("rb") as begun:
                _compare(begun.readline(), header, partial)
            if len(starts) - 1 < frames:
                raise ResultError(
                    f"{partial} holds {len(starts) - 1} frames where the run had done {frames}. "
                    "Start again with --overwrite."
                )
            end = starts[frames + 1] if frames + 1 < len(starts) else end
            file = partial.open("r+b", buffering=0)
            file.truncate(end)
            file.seek(end)
        except OSError as error:
            raise ResultError(f"{partial} cannot be resumed: {error.strerror}.") from error
        return cls(path, file, end)

    def write(self, result: FrameResult) -> None:
        self._append(line_of(record_of(result)))

    def close(self) -> None:
        """Give the whole file its name; nothing where it is closed already."""
        if self._file.closed:
            return
        try:
            self._file.close()
            os.replace(partial_of(self.path), self.path)
        except OSError as error:
            raise output_error(self.path, error) from error

    def abandon(self) -> None:
        """Release the partial file as it is, without a torn line; nothing where it is closed."""
        if not self._file.closed:
            self._cut()
            self._file.close()

    def _append(self, line: bytes) -> None:
        """All of a line, unbuffered: a kill then loses nothing that was written."""
        rest = memoryview(line)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.abandon()
            raise output_error(self.path, error) from error
        self._end += len(line)

    def _cut(self) -> None:
        """Drop what an error or a signal left of a line. A device that cannot be cut is let be."""
        with contextlib.suppress(OSError):
            self._file.truncate(self._end)


def partial_of(path: Path) -> Path:
    """Where a result is written until it is whole."""
    return path.with_name(path.name + ".partial")


def _compare(line: bytes, header: Record, partial: Path) -> None:
    """Raises ResultError unless a partial file's first line is the header's."""
    if line == line_of(header):
        return
    try:
        begun = json.loads(line)
    except ValueError as error:
        raise ResultError(f"{partial}, line 1: is not JSON, expected a header.") from error
    if not isinstance(begun, dict):
        raise ResultError(f"{partial}, line 1: expected the header of a result file.")
    name, before, now = _difference(begun, json.loads(line_of(header)))
    raise ResultError(
        f"{partial} was begun with {name} {before}, this run has {now}. "
        "Start again with --overwrite, or give what was given then."
    )


def _difference(before: Record, now: Record) -> tuple[str, str, str]:
    """The first field in which two headers differ, and its two values, as far as lists go."""
    for name in {**now, **before}:
        one, other = before.get(name), now.get(name)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            inner, *values = _difference(one, other)
            return f"{name}.{inner}", values[0], values[1]
        return name, json.dumps(one), json.dumps(other)
    return "its fields", "in another order", "its own"
