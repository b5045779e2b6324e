"""Readers of annotation files, fed with damaged ones: they read, or say what is wrong."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scipy.io.matlab import MatWriteWarning

from data.annolist import read_annolist
from data.coco import read_coco
from data.detected_boxes import read_boxes
from data.errors import AnnotationError
from data.flat_sequence import flat
from data.merged import read_merged
from data.posetrack import dumps, read
from data.posetrack_set import read_set

Store = Callable[[str, Any], Path]
Damaged = Callable[[Any], st.SearchStrategy[Any]]

fuzzed = settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def outcome(reader: Callable[[Path], Any], path: Path) -> tuple[Any, str]:
    """What was read, or what was told instead; any other error is the reader's fault."""
    try:
        return reader(path), ""
    except AnnotationError as error:
        return None, str(error)


def assert_told(said: str, path: Path) -> None:
    assert str(path) in said
    assert len(said) < 1000


@pytest.fixture
def documents(posetrack18: dict[str, Any], posetrack17: dict[str, Any]) -> dict[str, Any]:
    """Annotations and predictions with every field that is read."""
    predicted = copy.deepcopy(posetrack18)
    for person in predicted["annotations"]:
        person |= {"scores": [0.5] * 17, "score": 0.25, "person_id": 4, "head_box": [1, 2, 8, 9]}
        person |= {"iscrowd": 0, "area": 12.5, "num_keypoints": 3}
    older = copy.deepcopy(posetrack17)
    for frame in older["annolist"]:
        for person in frame["annorect"]:
            person["score"] = [0.5]
            for points in person["annopoints"]:
                for point in points["point"]:
                    point |= {"score": [0.25], "is_visible": [1]}
    boxes = [{"image_name": "a/0.jpg", "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]
    return {"18": posetrack18, "predicted": predicted, "17": posetrack17, "older": older} | {
        "boxes": boxes
    }


@pytest.mark.parametrize(
    ("reader", "kinds"),
    [
        (read, ["18", "predicted"]),
        (read_merged, ["18", "predicted"]),
        (read_coco, ["18", "predicted"]),
        (read_annolist, ["17", "older"]),
        (read_set, ["18", "predicted", "17", "older", "boxes"]),
        (read_boxes, ["boxes"]),
    ],
)
@fuzzed
@given(data=st.data())
def test_damaged_values_are_read_or_told(
    reader: Callable[[Path], Any],
    kinds: list[str],
    data: st.DataObject,
    documents: dict[str, Any],
    damaged: Damaged,
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.json"
    kind = data.draw(st.sampled_from(kinds))
    path.write_text(json.dumps(data.draw(damaged(documents[kind]))))

    found, said = outcome(reader, path)

    if found is None:
        assert_told(said, path)


@fuzzed
@given(data=st.data())
def test_what_is_read_can_be_written_and_scored(
    data: st.DataObject, documents: dict[str, Any], damaged: Damaged, tmp_path: Path
) -> None:
    path = tmp_path / "x.json"
    kind = data.draw(st.sampled_from(["18", "predicted", "17", "older"]))
    path.write_text(json.dumps(data.draw(damaged(documents[kind]))))

    found, said = outcome(read_set, path)

    if found is None:
        assert_told(said, path)
        return
    for sequence in found.sequences:
        assert dumps(sequence)
        assert len(flat(sequence)) == len(sequence.frames)
        assert (tmp_path / f"{sequence.name}.json").parent == tmp_path


@fuzzed
@given(data=st.data())
def test_damaged_structs_of_matlab_are_read_or_told(
    data: st.DataObject, documents: dict[str, Any], damaged: Damaged, stored: Store
) -> None:
    frames = data.draw(damaged(documents[data.draw(st.sampled_from(["17", "older"]))]["annolist"]))

    path = written(stored, frames)
    found, said = outcome(read_set, path)

    if found is None:
        assert_told(said, path)


def written(stored: Store, frames: Any) -> Path:
    """The frames as a MATLAB file; hypothesis draws others where MATLAB has no such values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", MatWriteWarning)
            return stored("x.mat", {"annolist": frames})
    except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, MatWriteWarning):
        assume(False)
        raise


@pytest.mark.parametrize("name", ["x.json", "x.mat"])
@fuzzed
@given(data=st.data())
def test_damaged_bytes_are_read_or_told(
    name: str, data: st.DataObject, stored: Store, posetrack17: dict[str, Any]
) -> None:
    path = stored(name, posetrack17)
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    for _ in range(data.draw(st.integers(0, 3))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)

    found, said = outcome(read_set, path)

    if found is None:
        assert_told(said, path)
