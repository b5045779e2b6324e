from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import AnnotationError
from data.json_fields import load_json, number, number_rows, numbers, optional, required


def rows(values: list[Any], count: int) -> np.ndarray:
    return number_rows(values, count, lambda index: f"row {index}")


def nested(times: int) -> list[Any]:
    """Lists in lists, more than Python turns into text."""
    value: list[Any] = []
    for _ in range(times):
        value = [value]
    return value


def test_many_rows_become_one_table() -> None:
    np.testing.assert_array_equal(rows([[1, 2.5], [3, 4]], 2), [[1, 2.5], [3, 4]])
    assert rows([], 3).shape == (0, 3)
    assert rows([[], []], 0).shape == (2, 0)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ([3], "row 1: expected a list of 2 numbers, found 1"),
        ("ab", "row 1: expected a list of 2 numbers, found str"),
        ([3, "4"], "row 1: expected 2 numbers, found '4'"),
        ([3, True], "row 1: expected 2 numbers, found True"),
        ([3, None], "row 1: expected 2 numbers, found None"),
        ([3, [4]], r"row 1: expected 2 numbers, found \[4\]"),
        ([3, float("nan")], "row 1: expected 2 numbers, found nan"),
        ([3, float("-inf")], "row 1: expected 2 numbers, found -inf"),
        ([3, 1e31], r"row 1: expected 2 numbers, found 1e\+31"),
        ([3, 10**400], r"row 1: expected 2 numbers, found 10+\.\.\."),
        ([3, 10**5000], "row 1: expected 2 numbers, found int"),
        ([3, nested(2000)], "row 1: expected 2 numbers, found list"),
    ],
)
def test_the_row_that_is_wrong_is_named(wrong: Any, told: str) -> None:
    with pytest.raises(AnnotationError, match=told):
        rows([[1, 2], wrong], 2)


def test_numbers_of_any_length_are_read_where_none_is_given() -> None:
    np.testing.assert_array_equal(numbers([1, 2.5, -3], None, "x"), [1, 2.5, -3])
    with pytest.raises(AnnotationError, match="x: expected a list of numbers, found dict"):
        numbers({}, None, "x")


def test_null_is_as_good_as_missing() -> None:
    assert (optional({"a": None}, "a", int, "x"), optional({}, "a", int, "x")) == (None, None)
    assert (number({"a": None}, "a", "x"), number({"a": 2}, "a", "x")) == (None, 2.0)
    with pytest.raises(AnnotationError, match=r"x\.a: expected int, found str"):
        optional({"a": "1"}, "a", int, "x")


def test_true_is_no_number() -> None:
    with pytest.raises(AnnotationError, match=r"x\.a: expected int, found bool"):
        required({"a": True}, "a", int, "x")


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**400])
def test_a_whole_number_beyond_64_bits_is_told(value: int) -> None:
    assert required({"a": 2**63 - 1}, "a", int, "x") == 2**63 - 1
    with pytest.raises(AnnotationError, match=r"x\.a: expected int, found a number too large"):
        required({"a": value}, "a", int, "x")


@pytest.mark.parametrize("content", [b"", b'{"a": ', b'{"a": "b', b'{"a": 1, '])
def test_a_file_that_ends_too_early_seems_to_be_cut_off(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)

    with pytest.raises(AnnotationError, match=r"x\.json: expected JSON .* seems to be cut off"):
        load_json(tmp_path / "x.json")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe\x00", b"[" * 200_000, b'{"a": ' + b"1" * 5000 + b"}"],
    ids=["empty", "cut short", "no text", "too deep", "too many digits"],
)
def test_what_is_no_json_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.json").write_bytes(content)

    with pytest.raises(AnnotationError, match=r"x\.json: expected JSON"):
        load_json(tmp_path / "x.json")


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="cannot be read"):
        load_json(tmp_path)
