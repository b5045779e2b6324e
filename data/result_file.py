"""The result file read back: a header, then frames' records, each checked as it is asked for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import ResultError
from data.result import ORIGINS, SCHEMA, Record
from data.skeleton import SKELETONS

_HEADER = (
    *("schema", "source", "width", "height", "fps"),
    *("skeleton", "models", "settings", "version"),
)


class Records:
    """The frames' records of a file, read and checked one by one as they are asked for.

    Only the places of the lines are held, so a film's records take no memory to speak of.
    Iterating raises ResultError at a line that is not what it should be.
    """

    def __init__(self, path: Path, header: Record, lines: Sequence[int]) -> None:
        self._path = path
        self._joints = len(header["skeleton"]["keypoints"])
        self._lines = lines

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Record]:
        with self._path.open("rb") as file:
            for index, start in enumerate(self._lines):
                file.seek(start)
                place = f"{self._path}, line {index + 2}"
                record = _parsed(file.readline(), place)
                flaw = _flaw(record, index, self._joints)
                if flaw:
                    raise ResultError(f"{place}: {flaw}.")
                yield record


def read_result(path: Path) -> tuple[Record, Records]:
    """Header and records of a finished file. Raises ResultError: not there, not one, or cut off."""
    partial = path.with_name(path.name + ".partial")
    if path.suffix == ".partial" or (partial.exists() and not path.exists()):
        whole = path.with_suffix("") if path.suffix == ".partial" else path
        raise ResultError(
            f"{whole} is unfinished: its run was interrupted. Finish it with fspose track --resume."
        )
    header, records, torn = _opened(path)
    if torn is not None:
        raise ResultError(f"{path}, line {len(records) + 2}: is cut off.")
    return header, records


def read_partial(path: Path) -> tuple[Record, Records]:
    """Header and whole records of an unfinished file; a torn last line does not count."""
    header, records, _ = _opened(path)
    return header, records


def line_starts(path: Path) -> tuple[list[int], int]:
    """Where each whole line of a file starts, and where the last of them ends."""
    starts, end = [], 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                starts.append(end)
                end += len(line)
    return starts, end


def _opened(path: Path) -> tuple[Record, Records, int | None]:
    """Header, records, and where a torn last line starts, if there is one."""
    try:
        starts, end = line_starts(path)
        with path.open("rb") as file:
            first = file.readline()
        torn = end if end < path.stat().st_size else None
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not first:
        raise ResultError(f"{path} is empty, expected a result file of fspose.")
    header = _parsed(first, f"{path}, line 1")
    flaw = _header_flaw(header)
    if flaw:
        raise ResultError(f"{path}, line 1: {flaw}, expected the header of a result file.")
    return header, Records(path, header, starts[1:]), torn


def _parsed(line: bytes, place: str) -> Record:
    try:
        record = json.loads(line)
    except ValueError as error:  # not JSON, or not text at all
        raise ResultError(f"{place}: is not JSON, expected a line of a result file.") from error
    if not isinstance(record, dict):
        raise ResultError(f"{place}: is a {type(record).__name__}, expected an object.")
    return record


def _header_flaw(header: Record) -> str | None:
    """What is wrong with a header."""
    if header.get("schema") != SCHEMA:
        return f"schema is {header.get('schema')!r} instead of '{SCHEMA}'"
    missing = [name for name in _HEADER if name not in header]
    if missing:
        return f"'{missing[0]}' is missing"
    if not all(isinstance(header[side], int) and header[side] > 0 for side in ("width", "height")):
        return "width and height are not numbers of pixels"
    given = header["skeleton"]
    known = SKELETONS.get(str(given.get("name"))) if isinstance(given, dict) else None
    if known is None or given.get("keypoints") != list(known.keypoints):
        return f"the skeleton is none of {', '.join(SKELETONS)}"
    return None


def _flaw(record: Record, index: int, joints: int) -> str | None:
    """What is wrong with the record of frame `index`."""
    if record.get("frame") != index:
        return f"frame is {record.get('frame')!r}, expected {index}"
    if not _are_numbers([record.get("time")], 1) or not isinstance(record.get("keyframe"), bool):
        return "expected a number as time, and true or false as keyframe"
    people = record.get("people")
    if not isinstance(people, list):
        return "expected a list of people"
    for place, person in enumerate(people):
        flaw = _person_flaw(person, joints)
        if flaw:
            return f"people[{place}]: {flaw}"
    return None


def _person_flaw(person: Any, joints: int) -> str | None:
    if not isinstance(person, dict):
        return "expected an object"
    track = person.get("track", 0)
    if track is not None and (not isinstance(track, int) or track < 1):
        return f"track is {track!r}, expected a number from 1, or null"
    if not _are_numbers(person.get("box"), 4) or not _are_numbers([person.get("score")], 1):
        return "expected four numbers as box and one as score"
    keypoints = person.get("keypoints")
    if not isinstance(keypoints, list) or len(keypoints) != joints:
        found = len(keypoints) if isinstance(keypoints, list) else "no"
        return f"{found} keypoints, expected {joints}"
    if not all(_are_numbers(keypoint, 3) for keypoint in keypoints):
        return "expected three numbers per keypoint"
    raw = person.get("raw", [])
    if not isinstance(raw, list) or len(raw) not in (0, joints):
        return f"expected {joints} places, or none, as raw"
    if not all(_are_numbers(place, 2) for place in raw):
        return "expected two numbers per place of raw"
    return None if person.get("from") in ORIGINS else f"from is none of {', '.join(ORIGINS)}"


def _are_numbers(values: Any, count: int) -> bool:
    if not isinstance(values, list) or len(values) != count:
        return False
    are = (isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
    return all(are) and all(map(math.isfinite, values))
