"""What both PoseTrack formats share when they are read for evaluation: lists, ids, regions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.flat_sequence import FEW_CORNERS, LEAST_CORNERS, Marks, Regions, Wholes
from data.json_fields import (
    GREATEST_WHOLE,
    LEAST_WHOLE,
    Doubles,
    number_rows,
    required,
    shown,
)

Entries = list[dict[str, Any]]
PlaceOf = Callable[[int], str]


def objects(holder: dict[str, Any], key: str, place: str) -> Entries:
    """The list of objects that must stand under a key."""
    found: list[Any] = required(holder, key, list, place)
    if not set(map(type, found)) <= {dict}:
        index = next(i for i, entry in enumerate(found) if type(entry) is not dict)
        kind = type(found[index]).__name__
        raise AnnotationError(f"{place}: {key}[{index}]: expected an object, found {kind}.")
    return found


def check_name(name: Any, place: str) -> None:
    """Names of images are told in messages and reports: AnnotationError where one cannot be."""
    if not isinstance(name, str) or not name.isprintable():
        raise AnnotationError(f"{place}: expected an image's path, found {shown(name)}.")


def wholes(values: list[Any], place_of: PlaceOf) -> list[int]:
    """Whole numbers of 64 bits; 3.0 counts as 3."""
    if not values or (set(map(type, values)) == {int} and _fit(min(values), max(values))):
        return values
    for index, value in enumerate(values):
        if not _is_whole(value):
            found = "a number too large" if type(value) is int else shown(value)
            raise AnnotationError(f"{place_of(index)}: expected a whole number, found {found}.")
    return [int(value) for value in values]


def _is_whole(value: Any) -> bool:
    if type(value) is float:
        return value.is_integer() and abs(value) < 2**63
    return type(value) is int and _fit(value, value)


def _fit(least: int, most: int) -> bool:
    return least >= LEAST_WHOLE and most <= GREATEST_WHOLE


def tracks(values: list[Any], place_of: PlaceOf) -> tuple[Wholes, Marks]:
    """Track ids (N,), and where there is one (N,)."""
    has = np.array([value is not None for value in values], np.bool_)
    given, at = [value for value in values if value is not None], np.flatnonzero(has)
    track = np.full(len(values), -1, np.int64)
    track[has] = wholes(given, lambda i: f"{place_of(int(at[i]))}.track_id")
    return track, has


def some_rows(people: Entries, key: str, count: int, where: PlaceOf) -> tuple[Wholes, Doubles]:
    """Who has a list of `count` numbers under a key (M,), and the lists (M, count)."""
    values = [person.get(key) for person in people]
    given = [i for i, value in enumerate(values) if value is not None and value != []]
    rows = [values[i] for i in given]
    table = number_rows(rows, count, lambda i: f"{where(given[i])}.{key}")
    return np.array(given, np.int64), table


def labels(values: list[Any], frame: Wholes) -> Marks:
    """(F,): which frames are labelled; where a file does not say, those with people."""
    has_people = np.zeros(len(values), np.bool_)
    has_people[frame] = True
    said = [bool(has) if v is None else bool(v) for v, has in zip(values, has_people, strict=True)]
    return np.array(said, np.bool_)


class RegionList:
    """Ignore regions under way; those of fewer than three points are left out, with a note."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._frame: list[int] = []
        self._xs: list[list[Any]] = []
        self._ys: list[list[Any]] = []
        self._skipped = False

    def add(self, frame: int, xs: Any, ys: Any, place: str) -> None:
        """A polygon by the lists of its vertices' x and y, in pixels."""
        if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
            raise AnnotationError(f"{place}: expected two lists of as many numbers, x and y.")
        if len(xs) < LEAST_CORNERS:
            self._skipped = True
            return
        self._frame.append(frame)
        self._xs.append(xs)
        self._ys.append(ys)

    def joined(self) -> Regions:
        """All of them; AnnotationError where a vertex is not of numbers."""
        place = f"{self._place}: ignore regions"
        count = sum(map(len, self._xs))
        rows = [list(chain.from_iterable(lists)) for lists in (self._xs, self._ys)]
        sides = number_rows(rows, count, lambda i: f"{place}, {'xy'[i]}")
        size = np.array([len(xs) for xs in self._xs], np.int64)
        return Regions(np.array(self._frame, np.int64), size, sides.T.copy())

    def notes(self) -> tuple[str, ...]:
        """What to tell of the file."""
        if not self._skipped:
            return ()
        return (FEW_CORNERS,)
