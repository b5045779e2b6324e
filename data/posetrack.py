"""PoseTrack18 JSON: a video's frames, its annotated or predicted people, its ignore regions."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.draft import Draft
from data.errors import AnnotationError
from data.pose import Box, Floats, Pose
from data.skeleton import POSETRACK_17

Doubles = NDArray[np.float64]

# Evaluation specification 1.1: an id is T * 10^10 + sequence * 10^4 + frame.
_KINDS = {"mpii": 1, "bonn": 2, "mpiinew": 3}
# The official files' own list of limbs, from 1.
_LIMBS = "16-14 14-12 17-15 15-13 12-13 6-12 7-13 6-7 6-8 7-9 8-10 9-11 2-3 1-2 1-3 2-4 3-5 4-6 5-7"
_CATEGORY = {
    "supercategory": "person",
    "id": 1,
    "name": "person",
    "keypoints": list(POSETRACK_17.keypoints),
    "skeleton": [[int(end) for end in limb.split("-")] for limb in _LIMBS.split()],
}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """An annotated or predicted person of a frame, on POSETRACK_17.

    `keypoints` is (17, 2) in pixels and `visibility` (17,), both float64 as the file has them:
    in annotations 0 unknown, 1 hidden, 2 seen (official files know only 0 and 1), in predictions
    often a score. A keypoint is absent when all three numbers are 0. `scores` is (17,), or None
    in annotations; `head` is the head's box.
    """

    keypoints: Doubles
    visibility: Doubles
    track: int
    box: Box | None = None
    head: Box | None = None
    scores: Doubles | None = None
    score: float | None = None

    @classmethod
    def of(cls, pose: Pose, *, track: int) -> Person:
        """A predicted person from a pose on POSETRACK_17; a keypoint of score 0 is absent."""
        if len(pose.scores) != len(POSETRACK_17):
            raise ValueError(f"{len(pose.scores)} keypoints; convert to POSETRACK_17 first")
        known = pose.scores != 0
        return cls(
            keypoints=np.where(known[:, None], pose.keypoints, 0).astype(np.float64),
            visibility=known.astype(np.float64),
            track=track,
            box=pose.box,
            scores=pose.scores.astype(np.float64),
            score=pose.score,
        )

    @property
    def present(self) -> NDArray[np.bool_]:
        """(17,): which keypoints are annotated or predicted."""
        return np.asarray(self.keypoints.any(1) | (self.visibility != 0))

    @property
    def pose(self) -> Pose:
        """The person as a Pose: scores 1 where annotated, and a box from the keypoints if none."""
        present = self.present
        scores = present if self.scores is None else np.where(present, self.scores, 0)
        return Pose(
            keypoints=self.keypoints.astype(np.float32),
            scores=scores.astype(np.float32),
            box=self.box or box_around(self.keypoints[present].astype(np.float32)),
            score=1.0 if self.score is None else self.score,
            track=self.track,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """What a file says of one frame.

    `frame_name` is the image's path as the file gives it, `id` its number. `ignore` holds polygons
    of (N, 2) points in which nothing is judged. `size` is width and height where the file has it.
    """

    frame_name: str
    people: tuple[Person, ...]
    id: int
    ignore: tuple[Doubles, ...] = ()
    size: tuple[int, int] | None = None
    is_labeled: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """A video's frames in order. `name` is the file's name up to its first dot.

    `nframes` is the length of the whole video where the file holds only some of its frames.
    """

    name: str
    frames: tuple[Annotated, ...]
    nframes: int | None = None


def box_around(points: Floats, grow: float = 1.2) -> Box:
    """The box of (N, 2) points, grown about its centre as PoseTrack's own boxes are."""
    if not len(points):
        return Box(0.0, 0.0, 0.0, 0.0)
    low, high = points.min(0), points.max(0)
    center, reach = (low + high) / 2, (high - low) / 2 * grow
    (left, top), (right, bottom) = center - reach, center + reach
    return Box(float(left), float(top), float(right), float(bottom))


def image_ids(name: str, count: int) -> list[int]:
    """PoseTrack18's numbers for the frames 0.. of a sequence named like `003418_mpii_test`.

    Any other name counts as kind `mpii` with the first digits in it, or 0, as its number.
    """
    kind = re.match(r"\d+_(mpiinew|mpii|bonn)", name)
    number = re.search(r"\d+", name)
    first = _KINDS[kind[1] if kind else "mpii"] * 10**10
    first += int(number[0]) % 10**6 * 10**4 if number else 0
    return list(range(first, first + count))


def read(path: Path) -> Sequence:
    """The sequence of a PoseTrack18 file; AnnotationError names file, place and expectation."""
    content = _load(path)
    if isinstance(content, dict) and "annolist" in content:
        raise AnnotationError(f"{path}: this is a PoseTrack17 annolist, expected PoseTrack18.")
    images = _get(content, "images", list, f"{path}")
    order = _order(content, path)
    people: dict[int, list[Person]] = {}
    for index, image in enumerate(images):
        place = f"{path}: images[{index}]"
        number = _get(image, "id", int, place)
        if number in people:
            raise AnnotationError(f"{place}.id: {number} occurs twice, expected one image per id.")
        people[number] = []
    for index, entry in enumerate(_get(content, "annotations", list, f"{path}")):
        place = f"{path}: annotations[{index}]"
        number = _get(entry, "image_id", int, place)
        if number not in people:
            raise AnnotationError(f"{place}.image_id: {number} is not the id of an image.")
        people[number].append(_person(entry, order, place))
    frames = tuple(
        _frame(image, people[image["id"]], f"{path}: images[{index}]")
        for index, image in enumerate(images)
    )
    folders = {str(Path(frame.frame_name).parent) for frame in frames}
    if len(folders) > 1:
        first, second = sorted(folders)[:2]
        raise AnnotationError(
            f"{path}: holds frames of '{first}' and '{second}', expected one video."
        )
    nframes = images[0].get("nframes") if images else None
    length = nframes if isinstance(nframes, int) and nframes != len(frames) else None
    return Sequence(path.name.split(".")[0], frames, length)


def dumps(sequence: Sequence) -> str:
    """The sequence as the text of a PoseTrack18 file."""
    content = {
        "images": [_image_entry(frame, sequence) for frame in sequence.frames],
        "annotations": [
            _person_entry(person, frame.id, index)
            for frame in sequence.frames
            for index, person in enumerate(frame.people)
        ],
        "categories": [_CATEGORY],
    }
    return json.dumps(content, separators=(",", ":"))


def write(sequence: Sequence, path: Path) -> None:
    """Store a sequence as PoseTrack18 JSON, under its name only when whole; OutputError."""
    with Draft(path) as draft:
        draft.write(dumps(sequence))


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:  # not JSON, or not text at all
        raise AnnotationError(f"{path}: expected JSON ({error}).") from error


def _get(entry: Any, key: str, kind: type, place: str) -> Any:
    """A required value of a known type."""
    if not isinstance(entry, dict):
        raise AnnotationError(f"{place}: expected an object, found {type(entry).__name__}.")
    if key not in entry:
        raise AnnotationError(f"{place}: '{key}' is missing, expected {kind.__name__}.")
    value = entry[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        found = type(value).__name__
        raise AnnotationError(f"{place}.{key}: expected {kind.__name__}, found {found}.")
    return value


def _numbers(values: Any, count: int | None, place: str) -> Doubles:
    """A flat list of finite numbers, of a given length where one is given."""
    expected = "numbers" if count is None else f"{count} numbers"
    if not isinstance(values, list) or (count is not None and len(values) != count):
        found = f"{len(values)}" if isinstance(values, list) else type(values).__name__
        raise AnnotationError(f"{place}: expected a list of {expected}, found {found}.")
    for value in values:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise AnnotationError(f"{place}: expected {expected}, found {value!r}.")
    return np.array(values, np.float64)


def _order(content: Any, path: Path) -> list[int]:
    """For each keypoint of the file its place in POSETRACK_17; by name, as the evaluator does."""
    categories = content.get("categories") or [_CATEGORY]
    place = f"{path}: categories"
    if not isinstance(categories, list) or len(categories) != 1:
        raise AnnotationError(f"{place}: expected a list of one category, 'person'.")
    names = _get(categories[0], "keypoints", list, f"{place}[0]")
    unknown = [name for name in names if name not in POSETRACK_17.keypoints]
    if unknown or len(set(names)) != len(names):
        known = ", ".join(POSETRACK_17.keypoints)
        found = f"found {unknown[0]!r}" if unknown else "a name occurs twice"
        raise AnnotationError(f"{place}[0].keypoints: {found}, expected names of {known}.")
    return [POSETRACK_17.index(name) for name in names]


def _box(entry: Any, key: str, place: str) -> Box | None:
    if not entry.get(key):
        return None
    left, top, width, height = _numbers(entry[key], 4, f"{place}.{key}").tolist()
    return Box.from_xywh(left, top, width, height)


def _person(entry: Any, order: list[int], place: str) -> Person:
    track = _get(entry, "track_id", int, place)
    values = _get(entry, "keypoints", list, place)
    values = _numbers(values, 3 * len(order), f"{place}.keypoints").reshape(-1, 3)
    points = np.zeros((len(POSETRACK_17), 3))
    points[order] = values
    scores = None
    if entry.get("scores"):
        scores = np.zeros(len(POSETRACK_17))
        scores[order] = _numbers(entry["scores"], len(order), f"{place}.scores")
    score = None
    if entry.get("score") is not None:
        score = float(_numbers([entry["score"]], 1, f"{place}.score")[0])
    head = _box(entry, "bbox_head", place)
    box = _box(entry, "bbox", place)
    return Person(points[:, :2], points[:, 2], track, box, head, scores, score)


def _frame(image: Any, people: list[Person], place: str) -> Annotated:
    width, height = image.get("width"), image.get("height")
    return Annotated(
        frame_name=_get(image, "file_name", str, place),
        people=tuple(people),
        id=image["id"],
        ignore=_polygons(image, place),
        size=(width, height) if isinstance(width, int) and isinstance(height, int) else None,
        is_labeled=bool(image.get("is_labeled", True)),
    )


def _polygons(image: Any, place: str) -> tuple[Doubles, ...]:
    across, down = (image.get(f"ignore_regions_{axis}") or [] for axis in "xy")
    place = f"{place}.ignore_regions"
    if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
        raise AnnotationError(f"{place}_x, _y: expected two lists with as many polygons each.")
    polygons = []
    for index, (xs, ys) in enumerate(zip(across, down, strict=True)):
        x = _numbers(xs, None, f"{place}_x[{index}]")
        polygons.append(np.stack([x, _numbers(ys, len(x), f"{place}_y[{index}]")], 1))
    return tuple(polygons)


def _image_entry(frame: Annotated, sequence: Sequence) -> dict[str, Any]:
    digits = re.match(r"\d+", sequence.name)
    entry: dict[str, Any] = {
        "id": frame.id,
        "frame_id": frame.id,
        "vid_id": digits[0] if digits else sequence.name,
        "file_name": frame.frame_name,
        "nframes": sequence.nframes or len(sequence.frames),
        "is_labeled": frame.is_labeled,
        "has_labeled_person": bool(frame.people),
        "ignore_regions_x": [polygon[:, 0].tolist() for polygon in frame.ignore],
        "ignore_regions_y": [polygon[:, 1].tolist() for polygon in frame.ignore],
    }
    if frame.size:
        entry["width"], entry["height"] = frame.size
    return entry


def _person_entry(person: Person, image: int, index: int) -> dict[str, Any]:
    points = np.column_stack([person.keypoints, person.visibility])
    entry: dict[str, Any] = {
        "id": image * 100 + index,
        "image_id": image,
        "category_id": 1,
        "track_id": person.track,
        "keypoints": _short(points.ravel()),
        "scores": [] if person.scores is None else _short(person.scores),
    }
    if person.box:
        entry["bbox"] = _xywh(person.box)
    if person.head:
        entry["bbox_head"] = _xywh(person.head)
    if person.score is not None:
        entry["score"] = person.score
    return entry


def _short(values: Doubles) -> list[float]:
    """Numbers without a needless `.0`, which is a fifth of a file."""
    return [int(value) if value.is_integer() else value for value in values.tolist()]


def _xywh(box: Box) -> list[float]:
    # A width is a difference, and carries float noise in its last digits.
    return _short(np.array(box.xywh, np.float64).round(9))
