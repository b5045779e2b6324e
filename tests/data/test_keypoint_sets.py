"""Whose keypoints a file has: by their names, else by their number."""

from __future__ import annotations

from typing import Any

import pytest

from data.errors import AnnotationError
from data.keypoint_sets import COCO, CROWDPOSE, person_category, set_by_length


def where(index: int) -> str:
    return f"annotations[{index}]"


def category(names: Any, **more: Any) -> dict[str, Any]:
    return {"categories": [{"id": 4, "name": "person", "keypoints": names, **more}]}


def test_crowdpose_has_cocos_limbs_and_a_head() -> None:
    assert len(CROWDPOSE) == 14
    assert CROWDPOSE.keypoints[:12] == COCO.keypoints[5:]
    assert CROWDPOSE.index("neck") == 13


@pytest.mark.parametrize("head", ["top_head", "head", "head_top"])
@pytest.mark.parametrize("neck", ["neck", "head_bottom"])
def test_crowdposes_head_goes_by_several_names(head: str, neck: str) -> None:
    names = [*CROWDPOSE.keypoints[:12], head, neck]

    assert person_category(category(names), "a.json") == (4, frozenset({4}), CROWDPOSE)


def test_the_person_is_found_among_other_categories() -> None:
    dog = {"id": 18, "name": "dog"}
    content = category(list(COCO.keypoints))
    content["categories"].insert(0, dog)

    assert person_category(content, "a.json") == (4, frozenset({4, 18}), COCO)


@pytest.mark.parametrize("categories", [None, []])
def test_without_categories_a_person_is_number_one(categories: Any) -> None:
    found = person_category({"categories": categories}, "a.json")

    assert found == (1, frozenset({1}), None)


@pytest.mark.parametrize(
    "names", [["nose"], list(COCO.keypoints[::-1]), 3, [[]] * 17, [*COCO.keypoints, "tail"]]
)
def test_other_names_are_told(names: Any) -> None:
    with pytest.raises(AnnotationError, match=r"categories\[0\]\.keypoints: expected the names of"):
        person_category(category(names), "a.json")


def test_several_categories_need_a_person() -> None:
    content = {"categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]}

    with pytest.raises(AnnotationError, match="none is called 'person'"):
        person_category(content, "a.json")


@pytest.mark.parametrize(("count", "known"), [(51, COCO), (42, CROWDPOSE)])
def test_without_names_the_number_tells(count: int, known: Any) -> None:
    people = [{}, {"keypoints": []}, {"keypoints": [0] * count}]

    assert set_by_length(people, "a.json", where) is known


def test_another_number_is_told() -> None:
    with pytest.raises(AnnotationError, match=r"annotations\[1\]\.keypoints: .*, found 45"):
        set_by_length([{}, {"keypoints": [0] * 45}], "a.json", where)

    with pytest.raises(AnnotationError, match="no person has keypoints"):
        set_by_length([{}, {"keypoints": []}], "a.json", where)
