"""The checked fields of PoseTrack18's `images` and `annotations`, as arrays and boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.json_fields import Doubles, number_rows, numbers, optional, required, shown
from data.pose import Box
from data.skeleton import POSETRACK_17

Entries = list[dict[str, Any]]
"""`annotations`; that they are objects has been checked by whoever asked for a required key."""

# The official files' own list of limbs, from 1.
_LIMBS = "16-14 14-12 17-15 15-13 12-13 6-12 7-13 6-7 6-8 7-9 8-10 9-11 2-3 1-2 1-3 2-4 3-5 4-6 5-7"
CATEGORY = {
    "supercategory": "person",
    "id": 1,
    "name": "person",
    "keypoints": list(POSETRACK_17.keypoints),
    "skeleton": [[int(end) for end in limb.split("-")] for limb in _LIMBS.split()],
}


def keypoint_order(content: dict[str, Any], path: Path) -> list[int]:
    """For each keypoint of the file its place in POSETRACK_17; by name, as the evaluator does."""
    categories = content.get("categories") or [CATEGORY]
    place = f"{path}: categories"
    if not isinstance(categories, list) or len(categories) != 1:
        raise AnnotationError(f"{place}: expected a list of one category, 'person'.")
    names = required(categories[0], "keypoints", list, f"{place}[0]")
    unknown = [name for name in names if name not in POSETRACK_17.keypoints]
    if unknown or len(set(names)) != len(names):
        known = ", ".join(POSETRACK_17.keypoints)
        found = f"found {shown(unknown[0])}" if unknown else "a name occurs twice"
        raise AnnotationError(f"{place}[0].keypoints: {found}, expected names of {known}.")
    return [POSETRACK_17.index(name) for name in names]


def keypoints(entries: Entries, order: list[int], place: str) -> Doubles:
    """The people's keypoints on POSETRACK_17, (N, 17, 3): x, y and visibility, 0 where unnamed."""
    rows = [required(entry, "keypoints", list, f"{place}[{i}]") for i, entry in enumerate(entries)]
    table = number_rows(rows, 3 * len(order), lambda i: f"{place}[{i}].keypoints")
    placed = np.zeros((len(entries), len(POSETRACK_17), 3))
    placed[:, order] = table.reshape(len(entries), len(order), 3)
    return placed


def scores(entries: Entries, order: list[int], place: str) -> dict[int, Doubles]:
    """The keypoints' scores on POSETRACK_17, (17,) each, of the people who have any."""
    return {
        index: _placed(row, order)
        for index, row in _column(entries, "scores", len(order), place).items()
    }


def boxes(entries: Entries, key: str, place: str) -> dict[int, Box]:
    """The boxes `[x, y, width, height]` of the people who have one."""
    column = _column(entries, key, 4, place)
    return {index: Box.from_xywh(*row.tolist()) for index, row in column.items()}


def head_boxes(entries: Entries, place: str) -> dict[int, Box]:
    """`bbox_head`, or the corners `head_box` of PoseTrack17's converter (FSPose, 6.2)."""
    corners = _column(entries, "head_box", 4, place)
    heads = {index: Box(*row.tolist()) for index, row in corners.items()}
    return heads | boxes(entries, "bbox_head", place)


def check_ids(entries: Entries, place: str) -> None:
    """Ids may be missing, and in predictions they mean nothing; in annotations they are unique."""
    seen = set()
    for index, entry in enumerate(entries):
        number = optional(entry, "id", int, f"{place}[{index}]")
        if number in seen and not entry.get("scores"):
            raise AnnotationError(f"{place}[{index}].id: {number} occurs twice.")
        if number is not None:
            seen.add(number)


def _column(entries: Entries, key: str, count: int, place: str) -> dict[int, Doubles]:
    """A key's lists of `count` numbers, by the index of their entry; [] and null are left out."""
    given = [index for index, entry in enumerate(entries) if entry.get(key) not in (None, [])]
    rows = [entries[index][key] for index in given]
    table = number_rows(rows, count, lambda i: f"{place}[{given[i]}].{key}")
    return dict(zip(given, table, strict=True))


def _placed(scores: Doubles, order: list[int]) -> Doubles:
    placed = np.zeros(len(POSETRACK_17))
    placed[order] = scores
    return placed


def image_name(name: str, place: str) -> str:
    """A path that a file system can have, as it is."""
    if not name or not name.isprintable():
        raise AnnotationError(f"{place}: expected an image's path, found {shown(name)}.")
    return name


def image_size(image: dict[str, Any], place: str) -> tuple[int, int] | None:
    """Width and height of an image, or None where it has neither."""
    width, height = (optional(image, key, int, place) for key in ("width", "height"))
    if width is None and height is None:
        return None
    if not (width and height and width > 0 and height > 0):
        raise AnnotationError(f"{place}: expected both width and height, found {width}, {height}.")
    return width, height


def polygons(image: dict[str, Any], place: str) -> tuple[Doubles, ...]:
    """An image's regions to ignore, (N, 2) points each."""
    across, down = (image.get(f"ignore_regions_{axis}") or [] for axis in "xy")
    place = f"{place}.ignore_regions"
    if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
        raise AnnotationError(f"{place}_x, _y: expected two lists with as many polygons each.")
    regions = []
    for index, (xs, ys) in enumerate(zip(across, down, strict=True)):
        x = numbers(xs, None, f"{place}_x[{index}]")
        regions.append(np.stack([x, numbers(ys, len(x), f"{place}_y[{index}]")], 1))
    return tuple(regions)
