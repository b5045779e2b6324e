from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.detected_boxes import read_boxes
from data.errors import AnnotationError
from data.pose import Box

Store = Callable[[str, Any], Path]


def entry(name: str = "a/0.jpg", score: float = 0.5, **more: Any) -> dict[str, Any]:
    rest = {"image_name": name, "category_id": 1, "bbox": [1, 2, 3, 4.5], "score": score}
    return {**rest, "nframes": 9, "frame_id": 0, **more}


def test_sure_boxes_of_people_are_kept_by_image(stored: Store) -> None:
    entries = [
        entry(score=0.2),
        entry(score=0.19),
        entry("a/1.jpg", category_id=2),
        entry(score=0.9),
        entry("a/2.jpg"),
    ]

    boxes = read_boxes(stored("boxes.json", entries))

    assert boxes == {
        "a/0.jpg": (Box(1, 2, 4, 6.5, 0.2), Box(1, 2, 4, 6.5, 0.9)),
        "a/2.jpg": (Box(1, 2, 4, 6.5, 0.5),),
    }


def test_the_least_score_can_be_chosen(stored: Store) -> None:
    assert len(read_boxes(stored("boxes.json", [entry(score=0.1)]), 0.05)) == 1
    assert read_boxes(stored("boxes.json", [])) == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({}, "expected a list, found dict"),
        ([3], r"\[0\]: expected an object, found int"),
        ([entry(), {"category_id": 1}], r"\[1\]: 'image_name' is missing"),
        ([entry(bbox=[1])], r"\[0\].bbox: expected 4 numbers, found 1"),
        ([entry(bbox=[1, 2, 3, "4"])], r"\[0\].bbox and score: expected 5 numbers, found '4'"),
        ([entry(score=None)], r"\[0\].bbox and score: expected 5 numbers, found None"),
        ([entry(score=float("nan"))], r"\[0\].bbox and score: expected 5 numbers, found nan"),
    ],
)
def test_a_malformed_file_is_told(stored: Store, content: Any, told: str) -> None:
    with pytest.raises(AnnotationError, match=r"boxes\.json: " + told):
        read_boxes(stored("boxes.json", content))
