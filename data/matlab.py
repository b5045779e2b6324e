"""Structs of MATLAB files as what JSON would have in their place.

The format is MathWorks' "MAT-File Format" of level 5, in which MATLAB saves by default. scipy reads
it too, but trusts the lengths that a file tells: a damaged one ends the whole process.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.json_fields import load_bytes

_HEADER = 128  # bytes
_TAG = 8  # bytes of an element's type and length, or of a whole element of at most 4 bytes
_HDF5 = 0x0200  # the version of files that are none of level 5
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4  # classes of matrices; 6 to 15 are numbers
_CLASSES = range(6, 16)
_COMPLEX = 0x0800
_MOST = 2**28  # bytes that a compressed variable may unpack to; PoseTrack's have some 2**20

_CODES = {1: "b", 2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "f", 9: "d", 12: "q", 13: "Q"}
"""Of the module struct, for each type of element that holds numbers."""

_LETTERS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
"""The encoding of each type of element that holds text."""


def load_struct(path: Path, name: str) -> list[Any]:
    """The struct array `name`, one dictionary per element, with lists and plain numbers in it.

    An array of one element is that element, an empty one an empty list; text is a string. Raises
    AnnotationError for a file that is damaged, none, or lacks the struct.
    """
    raw = load_bytes(path)
    order = {b"IM": "<", b"MI": ">"}.get(raw[126:_HEADER])
    if order is None:
        raise AnnotationError(f"{path}: expected a MATLAB file (of version 5 to 7).")
    if struct.unpack_from(f"{order}H", raw, 124)[0] == _HDF5:
        raise AnnotationError(
            f"{path}: is a MATLAB file of version 7.3. Save it as version 7 (`save -v7`)."
        )
    try:
        found = [value for own, value in _variables(raw, order, name) if own == name]
    except RecursionError as error:
        raise AnnotationError(f"{path}: '{name}' is nested too deeply.") from error
    except (ValueError, zlib.error) as error:
        raise AnnotationError(f"{path}: expected a MATLAB file ({error}).") from error
    if not found:
        raise AnnotationError(f"{path}: '{name}' is missing, expected a struct.")
    return found[0] if isinstance(found[0], list) else [found[0]]


@dataclass
class _Elements:
    """Elements one after another in some bytes, and the place of the next."""

    content: memoryview
    order: str
    place: int = 0

    def left(self) -> int:
        """Bytes from the next element on."""
        return len(self.content) - self.place

    def next(self) -> tuple[int, memoryview]:
        """The next element's type and content."""
        if self.left() < _TAG:
            raise ValueError("it is cut short")
        begin = self.place + _TAG
        kind, size = struct.unpack_from(f"{self.order}II", self.content, self.place)
        if kind >> 16:  # a small one: type and length share four bytes, the content has the others
            kind, size, end = kind & 0xFFFF, kind >> 16, begin
            begin -= 4
        else:
            end = begin + (size if kind == _COMPRESSED else size + -size % _TAG)
        if begin + size > min(end, len(self.content)):
            raise ValueError("it is cut short")
        self.place = end
        return kind, self.content[begin : begin + size]

    def numbers(self) -> tuple[float, ...]:
        """The next element's numbers."""
        kind, content = self.next()
        if kind not in _CODES:
            raise ValueError(f"numbers of unknown type {kind}")
        code = _CODES[kind]
        count = len(content) // struct.calcsize(f"={code}")
        return struct.unpack_from(f"{self.order}{count}{code}", content)

    def wholes(self) -> tuple[int, ...]:
        """The next element's numbers, which must be whole ones."""
        numbers = self.numbers()
        if not set(map(type, numbers)) <= {int}:
            raise ValueError("expected whole numbers")
        return tuple(map(int, numbers))

    def text(self) -> str:
        """The next element's text."""
        kind, content = self.next()
        if kind not in _LETTERS:
            raise ValueError(f"text of unknown type {kind}")
        encoding = _LETTERS[kind]
        ends = {"<": "-le", ">": "-be"}[self.order] if encoding in ("utf-16", "utf-32") else ""
        return bytes(content).decode(encoding + ends)


def _variables(raw: bytes, order: str, name: str) -> Iterator[tuple[str, Any]]:
    """Names of a file's variables; values of those of one name, None of the others."""
    elements = _Elements(memoryview(raw)[_HEADER:], order)
    while elements.left() > 0:
        kind, content = elements.next()
        if kind == _COMPRESSED:
            kind, content = _Elements(_unpacked(content), order).next()
        if kind != _MATRIX:
            raise ValueError(f"a variable of unknown type {kind}")
        parts = _Elements(content, order)
        flags, shape, own = _head(parts)
        yield own, _value(parts, flags, shape) if own == name else None


def _unpacked(content: memoryview) -> memoryview:
    packed = zlib.decompressobj()
    whole = packed.decompress(content, _MOST)
    if not packed.eof:
        raise ValueError(f"it is cut short, or unpacks to more than {_MOST >> 20} MB")
    return memoryview(whole)


def _head(parts: _Elements) -> tuple[int, tuple[int, ...], str]:
    """A matrix's flags, shape and name; its content is what follows."""
    flags, shape = parts.wholes(), parts.wholes()
    if len(flags) != 2 or not shape or min(shape) < 0:
        raise ValueError("a matrix without class or shape")
    return flags[0], shape, parts.text()


def _value(parts: _Elements, flags: int, shape: tuple[int, ...]) -> Any:
    kind, count = flags & 0xFF, math.prod(shape)
    if flags & _COMPLEX:
        raise ValueError("expected real numbers, found complex ones")
    if kind == _STRUCT:
        return _alone(_structs(parts, count))
    if kind == _CELL:
        _check_room(parts, count)
        return _alone([_nested(parts) for _ in range(count)])
    if kind == _CHAR:
        return _texts(parts.text(), shape)
    if kind not in _CLASSES:
        raise ValueError(f"a matrix of unknown class {kind}")
    numbers = parts.numbers()
    if len(numbers) != count:
        raise ValueError(f"expected {count} numbers, found {len(numbers)}")
    if count < 2:
        return float(numbers[0]) if count else []
    return np.array(numbers, np.float64).reshape(shape, order="F").squeeze().tolist()


def _structs(parts: _Elements, count: int) -> list[Any]:
    widths, joined = parts.wholes(), parts.text()
    if len(widths) != 1 or widths[0] < 1:
        raise ValueError("a struct without names of its fields")
    (step,) = widths
    names = [joined[at : at + step].partition("\0")[0] for at in range(0, len(joined), step)]
    _check_room(parts, count * max(1, len(names)))
    return [{name: _nested(parts) for name in names} for _ in range(count)]


def _check_room(parts: _Elements, count: int) -> None:
    """Whether so many elements can follow at all."""
    if count * _TAG > parts.left():
        raise ValueError("it is cut short")


def _nested(parts: _Elements) -> Any:
    """The value of the matrix that comes next; one without content is empty."""
    kind, content = parts.next()
    if kind != _MATRIX:
        raise ValueError(f"expected a matrix, found type {kind}")
    if not len(content):
        return []
    own = _Elements(content, parts.order)
    flags, shape, _ = _head(own)
    return _value(own, flags, shape)


def _texts(letters: str, shape: tuple[int, ...]) -> Any:
    """A row of letters as one string, several as a list of them."""
    rows = shape[0]
    if rows < 2:
        return letters or []
    return [letters[row::rows] for row in range(min(rows, len(letters)))]


def _alone(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
