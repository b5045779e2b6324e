"""Readers of annotation files, fed with damaged ones: they read, or say what is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.annolist import read_annolist
from data.coco import read_coco
from data.detected_boxes import read_boxes
from data.errors import AnnotationError
from data.merged import read_merged
from data.posetrack import dumps, read
from data.posetrack_set import read_set

Store = Callable[[str, Any], Path]

ROUNDS = 400
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    3,
    10**30,
    10**400,
    1.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "one",
    "\ud800",
    "a\x00b",
    [],
    [[]],
    [None],
    {},
    {"a": 1},
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) inside a document."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    if isinstance(value, list):
        keys = list(range(len(value)))
    inner = [place for key in keys for place in places(value[key])]
    return [(value, key) for key in keys] + inner


def damaged(document: Any, rng: np.random.Generator) -> Any:
    """A copy in which one to three values are replaced, removed or doubled."""
    changed = copy.deepcopy(document)
    for _ in range(rng.integers(1, 4)):
        found = places(changed)
        if not found:
            return changed
        holder, key = found[rng.integers(len(found))]
        kind = rng.integers(4)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        else:
            holder[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])
    return changed


def message(reader: Callable[[Path], Any], path: Path) -> str:
    """What a reader says of a file it does not take; it may say nothing."""
    try:
        reader(path)
    except AnnotationError as error:
        return str(error)
    return ""


@pytest.fixture
def documents(posetrack18: dict[str, Any], posetrack17: dict[str, Any]) -> list[Any]:
    boxes = [{"image_name": "a/0.jpg", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]
    predicted = copy.deepcopy(posetrack18)
    for person in predicted["annotations"]:
        person |= {"scores": [0.5] * 17, "score": 0.25, "person_id": 4}
    return [posetrack18, predicted, posetrack17, boxes]


@pytest.mark.parametrize(
    "reader", [read, read_annolist, read_merged, read_set, read_coco, read_boxes]
)
def test_damaged_values_are_read_or_told(
    reader: Callable[[Path], Any], documents: list[Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(5)
    path = tmp_path / "x.json"
    told = 0

    for number in range(ROUNDS):
        path.write_text(json.dumps(damaged(documents[number % len(documents)], rng)))
        told += len(message(reader, path)) > 0

    assert told > ROUNDS / 4


def test_what_is_read_can_be_written(documents: list[Any], tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    path = tmp_path / "x.json"
    written = 0

    for number in range(ROUNDS):
        path.write_text(json.dumps(damaged(documents[number % 3], rng)))
        try:
            sequences = read_set(path).sequences
        except AnnotationError:
            continue
        for sequence in sequences:
            written += bool(dumps(sequence))

    assert written > 10


@pytest.mark.parametrize("name", ["x.json", "x.mat"])
def test_damaged_bytes_are_read_or_told(
    stored: Store, posetrack17: dict[str, Any], name: str
) -> None:
    rng = np.random.default_rng(7)
    path = stored(name, posetrack17)
    whole = path.read_bytes()

    for _ in range(ROUNDS):
        content = bytearray(whole[: rng.integers(len(whole)) if rng.random() < 0.3 else None])
        for _ in range(rng.integers(1, 4)):
            if content:
                content[rng.integers(len(content))] = rng.integers(256)
        path.write_bytes(content)
        said = message(read_set, path)

        assert not said or str(path) in said
