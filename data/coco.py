"""COCO keypoint JSON: annotations read as images and people, results written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.draft import Draft
from data.errors import AnnotationError
from data.json_fields import load_json, number, numbers, required
from data.pose import Box, Pose
from data.skeleton import COCO_17, CROWDPOSE_14, SKELETONS, Skeleton

# What CrowdPose's files and MMPose call the keypoints that have other names here.
_OTHER_NAMES = {"head": "head_top", "top_head": "head_top", "neck": "head_bottom"}
RESULTS_HEAD, RESULTS_BETWEEN, RESULTS_TAIL = "[\n", ",\n", "\n]\n"
"""What stands before, between and after the entries of a results file."""


@dataclass(frozen=True, slots=True)
class CocoImage:
    """An image as the file names it; its size is None where the file does not give one."""

    id: int
    file_name: str
    size: tuple[int, int] | None


@dataclass(frozen=True, slots=True, eq=False)
class CocoPerson:
    """An annotated person: `pose` on the file's skeleton, score 1 where a keypoint is labelled.

    `area` is the person's own, in square pixels; CrowdPose's files have none.
    """

    id: int
    image_id: int
    pose: Pose
    is_crowd: bool
    num_keypoints: int
    area: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CocoAnnotations:
    """An annotation file: its images by id, its people in file order, and their skeleton."""

    images: Mapping[int, CocoImage]
    people: tuple[CocoPerson, ...]
    skeleton: Skeleton


def read_coco(path: Path) -> CocoAnnotations:
    """Images and people of an annotation file; other categories than `person` are left out.

    A file without annotations (test images) has no people, a person without keypoints (a box-only
    file) has all scores 0. Raises AnnotationError with the file and the place in it.
    """
    content = _load(path)
    category, skeleton = _person_category(content, path)
    images: dict[int, CocoImage] = {}
    for index, entry in enumerate(required(content, "images", list, f"{path}")):
        image = _image(entry, f"{path}: images[{index}]")
        if image.id in images:
            raise AnnotationError(f"{path}: images[{index}].id: {image.id} occurs twice.")
        images[image.id] = image
    people = []
    entries = required(content, "annotations", list, f"{path}") if "annotations" in content else []
    for index, entry in enumerate(entries):
        place = f"{path}: annotations[{index}]"
        if required(entry, "category_id", int, place) != category:
            continue
        person = _person(entry, skeleton, place)
        if person.image_id not in images:
            raise AnnotationError(f"{place}.image_id: {person.image_id} is no image's id.")
        people.append(person)
    return CocoAnnotations(images, tuple(people), skeleton)


def result_entry(image_id: int, pose: Pose, skeleton: Skeleton) -> str:
    """A pose as an entry of a results file: 17 times x, y, score, after COCO's order.

    CrowdPose's poses keep its 14 keypoints, for they are judged on these.
    """
    own = skeleton.name == CROWDPOSE_14.name
    person = skeleton.convert(pose, skeleton if own else COCO_17)
    columns = np.column_stack([person.keypoints, person.scores]).astype(np.float64)
    keypoints = [value for x, y, s in columns.tolist() for value in (_px(x), _px(y), round(s, 6))]
    entry = {
        "image_id": image_id,
        "category_id": 1,
        "keypoints": keypoints,
        "score": round(float(pose.score), 6),
        "bbox": [_px(side) for side in pose.box.xywh],
    }
    return json.dumps(entry, separators=(",", ":"), allow_nan=False)


def write_coco_results(path: Path, results: Iterable[tuple[int, Pose]], skeleton: Skeleton) -> None:
    """Store poses with their image ids as a results file, one entry a line.

    It gets its name when it is whole. Raises OutputError.
    """
    with Draft(path) as draft:
        draft.write(RESULTS_HEAD)
        for count, (image_id, pose) in enumerate(results):
            between = RESULTS_BETWEEN if count else ""
            draft.write(between + result_entry(image_id, pose, skeleton))
        draft.write(RESULTS_TAIL)


def _px(value: float) -> float:
    return round(float(value), 2) + 0.0  # no minus before a zero


def _load(path: Path) -> dict[str, Any]:
    content = load_json(path)
    if not isinstance(content, dict):
        found = type(content).__name__
        raise AnnotationError(f"{path}: expected an object with 'images', found a {found}.")
    return content


def _person_category(content: dict[str, Any], path: Path) -> tuple[int, Skeleton]:
    """The number of the category `person`, and the skeleton its keypoints' names belong to."""
    categories = content.get("categories", [])
    if not isinstance(categories, list):
        raise AnnotationError(f"{path}: categories: expected a list.")
    for index, category in enumerate(categories):
        place = f"{path}: categories[{index}]"
        if required(category, "name", str, place) != "person":
            continue
        names = category.get("keypoints")
        listed = names if isinstance(names, list) else []
        same = [_OTHER_NAMES.get(n, n) if isinstance(n, str) else n for n in listed]
        known = [skeleton for skeleton in SKELETONS.values() if list(skeleton.keypoints) == same]
        if names and not known:
            raise AnnotationError(
                f"{place}.keypoints: expected the names of one of {', '.join(SKELETONS)}."
            )
        return required(category, "id", int, place), known[0] if known else COCO_17
    return 1, COCO_17


def _image(entry: Any, place: str) -> CocoImage:
    number, name = required(entry, "id", int, place), required(entry, "file_name", str, place)
    width, height = entry.get("width"), entry.get("height")
    has_size = isinstance(width, int) and isinstance(height, int)
    return CocoImage(number, name, (width, height) if has_size else None)


def _person(entry: Any, skeleton: Skeleton, place: str) -> CocoPerson:
    bbox = numbers(required(entry, "bbox", list, place), 4, f"{place}.bbox")
    given = entry.get("keypoints") or [0] * (3 * len(skeleton))
    values = numbers(given, 3 * len(skeleton), f"{place}.keypoints")
    keypoints = values.astype(np.float32).reshape(-1, 3)
    labelled = keypoints[:, 2] > 0  # 1 hidden, 2 seen
    pose = Pose(
        keypoints=keypoints[:, :2],
        scores=labelled.astype(np.float32),
        box=Box.from_xywh(*bbox.tolist()),
        score=1.0,
    )
    return CocoPerson(
        id=required(entry, "id", int, place),
        image_id=required(entry, "image_id", int, place),
        pose=pose,
        is_crowd=bool(entry.get("iscrowd", 0)),
        num_keypoints=int(labelled.sum()),
        area=number(entry, "area", place),
    )
