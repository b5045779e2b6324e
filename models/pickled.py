"""What a pickle holds, read without importing or running anything that it names.

Pickles name Python's classes and functions, which reading them normally imports and calls. Here a
few names are answered by stand-ins that only remember what they are given; every other is refused.
NumPy's arrays become tensors from what their stand-ins remember.
"""

from __future__ import annotations

import collections
import io
import pickle
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

TORCH_MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"
"""Near the beginning of what older torch saved: not one pickle, but several and raw numbers."""

_HEAD = 32  # bytes in which it stands
_BEGINNINGS = (b"\x80", b"(d", b"}q")  # of any protocol's pickle that can hold a dictionary
_NUMBERS = "fiub"  # kinds of NumPy types that a tensor can be made of


class Unread:
    """What takes the place of an object that is not read: takes anything, does nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, _: object) -> None: ...


class _Kind(Unread):
    """numpy.dtype: `f4` and the like, and the order of the bytes."""

    def __init__(self, code: object = "", *_: object) -> None:
        self._code, self._order = str(code), "="

    def __setstate__(self, state: Any) -> None:
        self._order = state[1]

    def kind(self) -> np.dtype[Any]:
        kind = np.dtype(self._code)
        if kind.kind not in _NUMBERS:
            raise ValueError(f"an array of {kind}")
        return kind if self._order == "|" else np.dtype(f"{self._order}{self._code}")


class Array(Unread):
    """A NumPy array as its pickle describes it, bytes and all."""

    _state: tuple[Any, Any, Any, Any] | None = None  # shape, kind, order, bytes

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, fortran, content = state
        self._state = shape, kind, "F" if fortran else "C", content

    def tensor(self) -> Tensor:
        """The same numbers as a tensor; ValueError where they are none."""
        if self._state is None or not isinstance(self._state[1], _Kind):
            raise ValueError("an array without its numbers")
        shape, kind, order, content = self._state
        if isinstance(content, str):  # Python 2's bytes, read as latin1
            content = content.encode("latin1")
        if isinstance(content, Unread):  # how older protocols say that there are none
            content = b""
        array = np.frombuffer(content, kind.kind()).reshape(shape, order=order)
        native = array.astype(array.dtype.newbyteorder("="))
        return torch.from_numpy(native.reshape(shape, order="C"))


class _ArrayOfBuffer(Array):
    """A NumPy array in the newest protocol, which gives all of it at once."""

    def __init__(self, content: Any, kind: Any, shape: Any, order: Any) -> None:
        super().__init__()
        self._state = shape, kind, order, bytes(content)


STAND_INS: Mapping[tuple[str, str], type[Unread]] = {
    # MMPose 1.x keeps its log and the data set's colours beside the tensors, others their scores
    # as NumPy numbers: not read, but the tensors beside them are.
    ("mmengine.logging.history_buffer", "HistoryBuffer"): Unread,
    ("builtins", "getattr"): Unread,
    ("builtins", "bytes"): Unread,
    ("__builtin__", "bytes"): Unread,
    ("collections", "Counter"): Unread,  # a learning rate's milestones; newer torch reads it itself
    ("numpy", "dtype"): _Kind,
    ("numpy", "ndarray"): Unread,
    **{
        (f"numpy.{core}.{module}", name): stand_in
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "scalar", Unread),
            ("multiarray", "_reconstruct", Array),
            ("numeric", "_frombuffer", _ArrayOfBuffer),
        )
    },
}
"""By module and name in the file: the classes that are taken in their place."""


def stand_ins() -> list[type]:
    """Fresh classes that bear the names for which they stand, as torch's own reader wants them."""
    return [type(name, (kind,), {"__module__": mod}) for (mod, name), kind in STAND_INS.items()]


def is_plain(file: BinaryIO) -> bool:
    """Whether a file begins as one pickle, and not as what torch saved; it is read from there."""
    start = file.read(_HEAD)
    file.seek(0)
    return start.startswith(_BEGINNINGS) and TORCH_MAGIC not in start


def load(file: BinaryIO) -> object:
    """What one pickle holds: containers, text, numbers, arrays' stand-ins and tensors.

    Python 2's pickles too. Raises pickle.UnpicklingError for a name that is none of these, and
    almost any of Python's own errors over a damaged file.
    """
    return _Reader(file, encoding="latin1").load()


class _Reader(pickle.Unpickler):
    """Python's reader, which may import nothing."""

    def find_class(self, module: str, name: str) -> Any:
        stand_in = STAND_INS.get((module, name))
        if stand_in is not None:
            return stand_in
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        known = _FUNCTIONS.get((module, name))
        if known is None:
            raise pickle.UnpicklingError(f"Unsupported: GLOBAL {module}.{name}")
        return lambda *args: known(*args)  # a file may set attributes of a function that it names


def _bytes(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes into the older protocols."""
    if encoding not in ("latin1", "latin-1"):
        raise pickle.UnpicklingError(f"bytes as {encoding}")
    return text.encode("latin1")


def _storage(content: bytes) -> Any:
    """A tensor's numbers inside a plain pickle are what torch saved, once more."""
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


_FUNCTIONS: Mapping[tuple[str, str], Any] = {
    ("_codecs", "encode"): _bytes,
    ("torch.storage", "_load_from_bytes"): _storage,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
}
