"""Structs of MATLAB files as what JSON would have in their place."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from data.errors import AnnotationError
from data.json_fields import load_bytes

_HEADER = 128  # bytes
_COMPRESSED = 15  # the type of an element as MATLAB has written them since version 7

# What scipy's reader is known to raise on files that are damaged or none.
_DAMAGED = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MatReadError,
    MemoryError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


def load_struct(path: Path, name: str) -> list[Any]:
    """The struct array `name`, one dictionary per element, with lists and plain numbers in it.

    Raises AnnotationError for a file that is damaged, none, or lacks the struct.
    """
    raw = load_bytes(path)
    try:
        _check(raw)
        stream = io.BytesIO(raw)
        content = scipy.io.loadmat(stream, simplify_cells=True, variable_names=[name])
    except NotImplementedError as error:
        raise AnnotationError(
            f"{path}: is a MATLAB file of version 7.3. Save it as version 7 (`save -v7`)."
        ) from error
    except _DAMAGED as error:
        raise AnnotationError(f"{path}: expected a MATLAB file ({error}).") from error
    if name not in content:
        raise AnnotationError(f"{path}: '{name}' is missing, expected a struct.")
    value = _plain(content[name])
    return value if isinstance(value, list) else [value]


def _check(raw: bytes) -> None:
    """Check the lengths and checksums of a file's elements, since scipy's reader trusts them.

    On damaged content it may crash the process. EOFError or zlib.error where something is wrong.
    """
    order = "<" if raw[126:128] == b"IM" else ">"
    place = _HEADER
    while place < len(raw):
        if len(raw) < place + 8:
            raise EOFError("it is cut short")
        kind, length = struct.unpack_from(f"{order}II", raw, place)
        place += 8 + length
        if place > len(raw):
            raise EOFError("it is cut short")
        if kind == _COMPRESSED:
            zlib.decompress(raw[place - length : place])


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value
