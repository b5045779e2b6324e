"""MATLAB files: read as scipy reads them, and told where they are damaged, however deep."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.errors import AnnotationError
from data.matlab import load_struct

fuzzed = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=250,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def people(count: int) -> NDArray[np.void]:
    """A struct array as PoseTrack17's files have it, struct in struct."""
    points = np.empty((1, 2), [("id", object), ("x", object)])
    points["id"], points["x"] = np.uint8(3), 10.25
    array = np.empty((1, count), [("track_id", object), ("annopoints", object), ("name", object)])
    for index in range(count):
        one = array[0, index]
        one["track_id"], one["name"] = float(index), f"Jos\u00e9 {index}"
        one["annopoints"] = {"point": points} if index else np.zeros((0, 0))
    return array


VALUES: dict[str, Any] = {
    "numbers": {"a": 1.5, "b": -3, "c": np.int16(-7), "d": np.uint64(2**53), "e": np.float32(0.5)},
    "arrays": {"row": [1.0, 2.0, 3.5], "table": np.arange(6.0).reshape(2, 3), "none": []},
    "texts": {"word": "word", "two": np.array(["ab", "cd"]), "other": "\u00e9\u4e16"},
    "cells": {"cell": np.array([1.0, "a", np.array([1.0, 2.0])], object)},
    "structs": people(3),
    "one struct": people(1),
}


@pytest.fixture
def stored(tmp_path: Path) -> Any:
    """Writes a variable `s`, between two others."""

    def store(value: Any, *, packed: bool = True) -> Path:
        path = tmp_path / "x.mat"
        content = {"before": np.zeros(3), "s": value, "z": "after"}
        scipy.io.savemat(path, content, do_compression=packed, oned_as="row")
        return path

    return store


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


@pytest.mark.parametrize("what", VALUES)
@pytest.mark.parametrize("packed", [True, False])
def test_values_are_as_scipy_reads_them(what: str, packed: bool, stored: Any) -> None:
    path = stored(VALUES[what], packed=packed)
    wanted = plain(scipy.io.loadmat(path, simplify_cells=True)["s"])

    found = load_struct(path, "s")

    assert found == (wanted if isinstance(wanted, list) else [wanted])


def element(kind: int, content: bytes) -> bytes:
    """An element of a file whose highest bytes come first, as on old machines."""
    return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind: int, *parts: bytes, name: bytes = b"") -> bytes:
    head = element(6, struct.pack(">II", kind, 0)) + element(5, struct.pack(">ii", 1, 1))
    return element(14, head + element(1, name) + b"".join(parts))


def written(path: Path, *variables: bytes) -> Path:
    path.write_bytes(b"".ljust(124) + b"\x01\x00MI" + b"".join(variables))
    return path


def test_the_bytes_may_be_in_the_other_order(tmp_path: Path) -> None:
    number = matrix(6, element(9, struct.pack(">d", 2.5)))
    text = matrix(4, element(4, "h".encode("utf-16-be")))
    fields = element(5, struct.pack(">i", 4)) + element(1, b"one\0two\0")

    path = written(tmp_path / "x.mat", matrix(2, fields, number, text, name=b"s"))

    assert load_struct(path, "s") == [{"one": 2.5, "two": "h"}]


def test_structs_in_structs_without_end_are_told(tmp_path: Path) -> None:
    field = element(5, struct.pack(">i", 4)) + element(1, b"one\0")
    inner = matrix(6, element(9, struct.pack(">d", 2.5)))
    for _ in range(3000):
        inner = matrix(2, field, inner)

    path = written(tmp_path / "x.mat", matrix(2, field, inner, name=b"s"))

    with pytest.raises(AnnotationError, match="'s' is nested too deeply"):
        load_struct(path, "s")


def test_a_struct_without_fields_or_elements_is_empty(stored: Any) -> None:
    assert load_struct(stored(np.empty((1, 0), [("a", object)])), "s") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected a MATLAB file"),
        (b"no MATLAB file at all" * 20, "expected a MATLAB file"),
        (b"".ljust(124) + b"\x00\x02IM" + bytes(400), "version 7.3. Save it as version 7"),
        (b"".ljust(124) + b"\x00\x01IM", "'s' is missing, expected a struct"),
        (b"".ljust(124) + b"\x00\x01IM" + b"\x0e\0\0\0\xff\xff\xff\xff", "it is cut short"),
    ],
    ids=["empty", "text", "newest", "nothing in it", "longer than itself"],
)
def test_what_is_no_such_file_is_told(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.mat").write_bytes(content)

    with pytest.raises(AnnotationError, match=rf"x\.mat: .*{words}"):
        load_struct(tmp_path / "x.mat", "s")


def test_complex_numbers_are_told(stored: Any) -> None:
    with pytest.raises(AnnotationError, match="expected real numbers"):
        load_struct(stored({"a": 1 + 2j}), "s")


def test_a_shape_of_many_and_no_numbers_takes_no_time(stored: Any) -> None:
    path = stored({"a": np.zeros((0, 3))}, packed=False)
    shape = struct.pack("<ii", 0, 3)
    assert path.read_bytes().count(shape) == 1
    path.write_bytes(path.read_bytes().replace(shape, struct.pack("<ii", 0, 2**31 - 1)))

    assert load_struct(path, "s") == [{"a": []}]


@pytest.mark.parametrize("packed", [True, False])
def test_a_file_cut_anywhere_is_told(packed: bool, stored: Any) -> None:
    path = stored(people(2), packed=packed)
    whole = path.read_bytes()

    for end in range(0, len(whole) - 200, 7):
        path.write_bytes(whole[:end])
        with pytest.raises(AnnotationError, match=r"x\.mat: "):
            load_struct(path, "s")


@fuzzed
@given(data=st.data())
def test_damaged_bytes_are_read_or_told(data: st.DataObject, stored: Any) -> None:
    """Not packed, so that no checksum keeps damage from the inner structs."""
    path = stored(people(2), packed=False)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        tags = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 14, 15, 16, 127, 255])
        at = data.draw(st.integers(128, len(raw) - 1))
        raw[at] = data.draw(tags | st.integers(0, 255))
    path.write_bytes(raw)

    found = outcome(path)

    assert isinstance(found, list) or str(path) in found


def outcome(path: Path) -> list[Any] | str:
    """What was read, or what was told instead."""
    try:
        return load_struct(path, "s")
    except AnnotationError as error:
        return str(error)
