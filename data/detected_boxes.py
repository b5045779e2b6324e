"""Boxes of a person detector for a whole set, as HRNet and PoseWarper read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from data.errors import AnnotationError
from data.json_fields import load_json, number_rows, required
from data.pose import Box

PERSON = 1  # the category
LEAST_SCORE = 0.2  # TEST.IMAGE_THRE of the published experiments (FSPose specification 6.2)


def read_boxes(path: Path, least_score: float = LEAST_SCORE) -> Mapping[str, tuple[Box, ...]]:
    """People's boxes by image name, in file order, without those that score below `least_score`.

    An image of which nothing is left is not a key. Raises AnnotationError.
    """
    entries = load_json(path)
    if not isinstance(entries, list):
        raise AnnotationError(f"{path}: expected a list, found {type(entries).__name__}.")
    names = []
    rows = []
    for index, entry in enumerate(entries):
        place = f"{path}: [{index}]"
        is_person = required(entry, "category_id", int, place) == PERSON
        names.append(required(entry, "image_name", str, place) if is_person else None)
        bbox = required(entry, "bbox", list, place)
        if len(bbox) != 4:
            raise AnnotationError(f"{place}.bbox: expected 4 numbers, found {len(bbox)}.")
        rows.append([*bbox, entry.get("score")])
    table = number_rows(rows, 5, lambda i: f"{path}: [{i}].bbox and score")
    boxes: dict[str, list[Box]] = {}
    for name, (left, top, width, height, score) in zip(names, table.tolist(), strict=True):
        if name is not None and score >= least_score:
            box = Box(left, top, left + width, top + height, score)
            boxes.setdefault(name, []).append(box)
    return {name: tuple(found) for name, found in boxes.items()}
