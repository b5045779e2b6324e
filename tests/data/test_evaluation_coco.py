"""COCO files read for evaluation: what counts as there, and one line for whatever is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import AnnotationError
from data.evaluation_coco import (
    CocoResults,
    CocoTruth,
    parse_results,
    parse_truth,
    read_results,
    read_truth,
)
from data.keypoint_sets import COCO, CROWDPOSE, KeypointSet

Document = dict[str, Any]


def flat(size: int, flag: float = 2) -> list[float]:
    return [value for k in range(size) for value in (10 + k, 20 + 2 * k, flag)]


def person(number: int, known: KeypointSet = COCO, **changes: Any) -> Document:
    content = {
        "id": number,
        "image_id": 7,
        "category_id": 1,
        "keypoints": flat(len(known)),
        "num_keypoints": len(known),
        "bbox": [5, 6, 40, 50],
        "area": 900.5,
        "iscrowd": 0,
    }
    return {k: v for k, v in (content | changes).items() if v is not ...}


def annotations(*people: Document, known: KeypointSet = COCO) -> Document:
    category = {"id": 1, "name": "person", "keypoints": list(known.keypoints)}
    images = [{"id": 7, "crowdIndex": 0.5}, {"id": 3}]
    return {"images": images, "annotations": list(people), "categories": [category]}


def result(**changes: Any) -> Document:
    content = {"image_id": 7, "category_id": 1, "keypoints": flat(17, 0.5), "score": 0.25}
    return {k: v for k, v in (content | changes).items() if v is not ...}


def parsed(*people: Document, known: KeypointSet = COCO) -> CocoTruth:
    return parse_truth(annotations(*people, known=known), "a.json")


def test_the_numbers_are_the_files() -> None:
    hidden = person(4, keypoints=flat(17, 1), num_keypoints=9, iscrowd=1, bbox_head=[0, 0, 3, 4])

    truth = parsed(person(9, image_id=3), hidden)

    assert truth.keypoint_set is COCO
    assert truth.images.tolist() == [7, 3]
    np.testing.assert_array_equal(truth.crowding, [0.5, np.nan])
    assert truth.image.tolist() == [3, 7]
    assert truth.keypoints[1, 2].tolist() == [12, 24, 1]
    assert truth.labelled.tolist() == [17, 9]
    assert truth.area.tolist() == [900.5, 900.5]
    assert truth.boxes[0].tolist() == [5, 6, 40, 50]
    assert truth.is_crowd.tolist() == [False, True]
    assert truth.counts.tolist() == [True, False]
    np.testing.assert_allclose(truth.head, [np.nan, 3.0], rtol=1e-15)
    assert truth.notes == ()


def test_what_a_person_lacks_has_a_rule() -> None:
    bare = person(1, num_keypoints=..., iscrowd=..., area=..., keypoints=[0] * 30 + flat(7))
    boxed = person(2, keypoints=..., num_keypoints=5)

    truth = parsed(bare, boxed, person(3))

    assert truth.labelled.tolist() == [7, 0, 17]
    assert truth.area.tolist() == [0.53 * 40 * 50, 900.5, 900.5]
    assert not truth.is_crowd.any()
    assert truth.counts.tolist() == [True, False, True]
    assert truth.notes == ("people without an area have 0.53 of their box's (1)",)


def test_crowdposes_areas_go_by_the_box_whatever_the_file_says() -> None:
    truth = parsed(person(1, CROWDPOSE), person(2, CROWDPOSE, area=...), known=CROWDPOSE)

    assert truth.area.tolist() == [0.53 * 40 * 50] * 2
    assert truth.notes == ()


def test_other_categories_are_left_out() -> None:
    content = annotations(person(1), {"category_id": 18, "id": 1})
    content["categories"].append({"id": 18, "name": "dog"})
    truth = parse_truth(content, "a.json")

    found = parse_results([result(), {"category_id": 18}], "r.json", truth)

    assert len(truth.image) == len(found.image) == 1
    assert found.notes == ("results of other categories than person were left out (1)",)


def test_results_are_the_files() -> None:
    found = parse_results([result(score=3), result(image_id=3)], "r.json", parsed(person(1)))

    assert found.image.tolist() == [7, 3]
    assert found.keypoints[0, 16].tolist() == [26, 52, 0.5]
    assert found.score.tolist() == [3, 0.25]
    assert found.notes == ()


def test_nobody_found_is_noted() -> None:
    found = parse_results([], "r.json", parsed(person(1)))

    assert found.keypoints.shape == (0, 17, 3)
    assert found.notes == ("there are no results, so every score is 0",)


@pytest.mark.parametrize(
    ("people", "told"),
    [
        ([person(1, keypoints=flat(14))], r"annotations\[0\]\.keypoints: expected .* 51 numbers"),
        ([person(1, bbox=...)], r"annotations\[0\]\.bbox: expected a list of 4 numbers"),
        ([person(1), person(1)], r"the annotation id 1 occurs 2 times"),
        ([person(1), person("2")], r"annotations\[1\]\.id: expected a whole number, found '2'"),
        ([person(1, image_id=5)], r"image_id: 5 is no image of a\.json itself \(1 of 1 entries\)"),
        ([person(1, area=-1)], r"annotations\[0\]\.area: an area of -1"),
        ([person(1, area=..., bbox=[0, 0, -5, 5])], r"annotations\[0\]\.bbox: an area of -13"),
        ([person(1, iscrowd=2)], r"annotations\[0\]\.iscrowd: expected 0 or 1, found 2"),
        ([person(1, num_keypoints=1.5)], r"num_keypoints: expected a whole number, found 1\.5"),
        ([person(1, category_id=None)], r"category_id: expected a whole number, found None"),
        ([person(1, keypoints=[*flat(16), 1, float("nan"), 2])], r"found nan"),
        ([person(1, iscrowd=1), person(2, num_keypoints=0)], r"no person has a labelled keypoint"),
        ([], r"no person has a labelled keypoint"),
    ],
)
def test_wrong_annotations_are_told_with_their_place(people: list[Document], told: str) -> None:
    with pytest.raises(AnnotationError, match=r"^a\.json: .*" + told):
        parsed(*people)


def test_an_image_id_that_occurs_twice_is_told() -> None:
    content = annotations(person(1))
    content["images"].append({"id": 7})

    with pytest.raises(AnnotationError, match="the image id 7 occurs 2 times"):
        parse_truth(content, "a.json")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([result(keypoints=flat(14))], r"\[0\]\.keypoints \(COCO's 17\): .* 51 numbers, found 42"),
        ([result(keypoints=...)], r"\[0\]\.keypoints \(COCO's 17\): expected a list of 51 numbers"),
        ([result(), result(score=...)], r"\[1\]\.score: missing, and results are ranked by it\."),
        ([result(score=float("nan"))], r"\[0\]\.score: expected 1 numbers, found nan"),
        ([result(image_id=8)], r"\[0\]\.image_id: 8 is no image of a\.json \(1 of 1 entries\)"),
        ([result(category_id=0)], r"\[0\]\.category_id: 0 is no category of a\.json, .* is 1"),
        ([result(), 3], r"\[1\]: expected an object, found int"),
        ({"annotations": []}, "expected a list of results, found a dict. It looks like an annot"),
        (None, "expected a list of results, found a NoneType"),
    ],
)
def test_wrong_results_are_told_with_their_place(content: Any, told: str) -> None:
    with pytest.raises(AnnotationError, match=r"^r\.json: " + told):
        parse_results(content, "r.json", parsed(person(1)))


@pytest.mark.parametrize("content", [[], 3, {}, {"images": []}, {"images": [], "annotations": 1}])
def test_other_documents_are_told(content: Any) -> None:
    with pytest.raises(AnnotationError, match=r"^a\.json"):
        parse_truth(content, "a.json")


def test_files_are_read_and_folders_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(annotations(person(1))))
    (tmp_path / "r.json").write_text(json.dumps([result()]))

    truth = read_truth(tmp_path / "a.json")

    assert len(read_results(tmp_path / "r.json", truth).score) == 1
    with pytest.raises(AnnotationError, match="this is a folder, expected a JSON file"):
        read_truth(tmp_path)
    with pytest.raises(AnnotationError, match="this is a folder, expected a JSON file"):
        read_results(tmp_path, truth)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from([10**30, 10**400, 2**63, -(2**63) - 1, 1e308, 7, 1, "person", "keypoints"]),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
quiet = settings(database=None, derandomize=True, deadline=None, max_examples=200)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) inside a document."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    if isinstance(value, list):
        keys = list(range(len(value)))
    return [(value, key) for key in keys] + [p for key in keys for p in places(value[key])]


def outcome(reader: Callable[[], Any]) -> Any:
    """What a reader returns, or its words; anything else it raises fails the test."""
    try:
        return reader()
    except AnnotationError as error:
        return str(error)


def damage(document: Any, data: st.DataObject) -> Any:
    """A copy in which one to three values are others."""
    changed = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        spots = places(changed)
        if spots:
            holder, key = spots[data.draw(st.integers(0, len(spots) - 1))]
            holder[key] = data.draw(ANYTHING)
    return changed


@quiet
@given(data=st.data(), known=st.sampled_from([COCO, CROWDPOSE]))
def test_damaged_annotations_are_read_or_told(data: st.DataObject, known: KeypointSet) -> None:
    whole = annotations(person(1, known), person(2, known, bbox_head=[1, 2, 3, 4]), known=known)

    found = outcome(lambda: parse_truth(damage(whole, data), "a.json"))

    if isinstance(found, str):
        assert found.startswith("a.json")
        assert "\n" not in found
    else:
        assert np.isfinite(found.keypoints).all()
        assert (found.area >= 0).all()
        assert len(found.image) == len(found.labelled) == len(found.head) == len(found.is_crowd)


@quiet
@given(data=st.data())
def test_damaged_results_are_read_or_told(data: st.DataObject) -> None:
    found = outcome(
        lambda: parse_results(damage([result(), result()], data), "r.json", parsed(person(1)))
    )

    if isinstance(found, str):
        assert found.startswith("r.json")
    else:
        assert np.isfinite(found.score).all()
        assert found.keypoints.shape == (len(found.image), 17, 3)


@quiet
@given(document=ANYTHING)
def test_any_document_is_read_or_told(document: Any) -> None:
    truth = outcome(lambda: parse_truth(document, "a.json"))
    results = outcome(lambda: parse_results(document, "r.json", parsed(person(1))))

    assert isinstance(truth, CocoTruth) or truth.startswith("a.json")
    assert isinstance(results, CocoResults) or results.startswith("r.json")


@quiet
@given(data=st.data())
def test_damaged_bytes_are_read_or_told(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged_coco.json"
    raw = bytearray(json.dumps(annotations(person(1))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])

    found = outcome(lambda: read_truth(path))

    assert isinstance(found, CocoTruth) or str(path) in found
