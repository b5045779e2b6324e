"""Checked values out of JSON: every fault is an AnnotationError with its place and expectation."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from data.errors import AnnotationError

Doubles = NDArray[np.float64]

GREATEST = 1e30
"""A number beyond it is as wrong as one that is not finite: float32 could hardly hold it."""

LEAST_WHOLE, GREATEST_WHOLE = -(2**63), 2**63 - 1
"""What a whole number of 64 bits can be."""


def load_json(path: Path) -> Any:
    """The content of a JSON file; AnnotationError where it cannot be read or is none."""
    return parse_json(load_bytes(path), path)


def load_bytes(path: Path) -> bytes:
    """The bytes of a file; AnnotationError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror or error}).") from error


def parse_json(content: bytes, path: Path) -> Any:
    """The content of a JSON file whose bytes are there already; `path` is for the message."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        # The standard library takes NaN too, whose place is told later, and tells faults better.
        return _slowly_parsed(content, path)


def _slowly_parsed(content: bytes, path: Path) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        hint = " The file seems to be cut off." if is_cut else ""
        raise AnnotationError(f"{path}: expected JSON ({error}).{hint}") from error
    except UnicodeDecodeError as error:
        raise AnnotationError(f"{path}: expected JSON ({error}).") from error
    except ValueError as error:  # Python reads whole numbers of 4300 digits
        raise AnnotationError(f"{path}: expected JSON (a number has too many digits).") from error
    except RecursionError as error:
        raise AnnotationError(f"{path}: expected JSON (nested too deeply).") from error


def required(entry: Any, key: str, kind: type, place: str) -> Any:
    """A value that must be there, of a known type; whole numbers are of 64 bits."""
    if not isinstance(entry, dict):
        raise AnnotationError(f"{place}: expected an object, found {type(entry).__name__}.")
    if key not in entry:
        raise AnnotationError(f"{place}: '{key}' is missing, expected {kind.__name__}.")
    value = entry[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        found = type(value).__name__
        raise AnnotationError(f"{place}.{key}: expected {kind.__name__}, found {found}.")
    if isinstance(value, int) and not LEAST_WHOLE <= value <= GREATEST_WHOLE:
        raise AnnotationError(f"{place}.{key}: expected int, found a number too large.")
    return value


def optional(entry: dict[str, Any], key: str, kind: type, place: str) -> Any:
    """A value of a known type, or None where the key is missing or null."""
    return None if entry.get(key) is None else required(entry, key, kind, place)


def numbers(values: Any, count: int | None, place: str) -> Doubles:
    """A flat list of finite numbers, (count,), of any length where `count` is None."""
    expected = "numbers" if count is None else f"{count} numbers"
    if not isinstance(values, list) or (count is not None and len(values) != count):
        found = f"{len(values)}" if isinstance(values, list) else type(values).__name__
        raise AnnotationError(f"{place}: expected a list of {expected}, found {found}.")
    for value in values:
        if not _is_number(value):
            raise AnnotationError(f"{place}: expected {expected}, found {shown(value)}.")
    return np.array(values, np.float64)


def number(entry: dict[str, Any], key: str, place: str) -> float | None:
    """A finite number, or None where the key is missing or null."""
    value = entry.get(key)
    return None if value is None else float(numbers([value], 1, f"{place}.{key}")[0])


def number_rows(rows: Sequence[Any], count: int, place: Callable[[int], str]) -> Doubles:
    """Many flat lists of `count` finite numbers at once, (N, count); `place(i)` names the i-th.

    A file holds millions of numbers: they are judged by their set of types and as one array, and
    one by one only to tell which is wrong.
    """
    if set(map(type, rows)) <= {list} and set(map(len, rows)) <= {count}:
        flat = chain.from_iterable(rows)
        if set(map(type, flat)) <= {int, float}:
            try:
                table = np.array(rows, np.float64).reshape(len(rows), count)
            except OverflowError:  # an integer beyond every float
                table = np.full((1, 1), np.inf)
            if (np.abs(table) <= GREATEST).all():  # False of NaN
                return table
    checked = [numbers(row, count, place(index)) for index, row in enumerate(rows)]
    return np.array(checked, np.float64).reshape(len(rows), count)


def _is_number(value: Any) -> bool:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return abs(value) <= GREATEST  # False of NaN


def shown(value: Any) -> str:
    """A value for a message, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # more digits or brackets than Python turns into text
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."
