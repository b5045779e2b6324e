"""PoseTrack18 and 21 JSON: a video's frames, annotated or predicted people, ignore regions."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import posetrack_fields as fields
from data.draft import Draft
from data.errors import AnnotationError
from data.json_fields import Doubles, load_json, number, optional, required
from data.pose import Box, Floats, Pose
from data.skeleton import POSETRACK_17

# Evaluation specification 1.1: an id is T * 10^10 + sequence * 10^4 + frame.
_KINDS = {"mpii": 1, "bonn": 2, "mpiinew": 3}


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """An annotated or predicted person of a frame, on POSETRACK_17.

    `keypoints` is (17, 2) in pixels and `visibility` (17,), both float64 as the file has them:
    in annotations 0 unknown, 1 hidden, 2 seen (official files know only 0 and 1), in predictions
    often a score. A keypoint is absent when all three numbers are 0. `scores` is (17,), or None
    in annotations; `head` is the head's box. `person_id` is PoseTrack21's number of a person over
    several videos. `has_points` is False for PoseTrack17's people without a list of points, whom
    its evaluation does not count, unlike those whose list is empty.
    """

    keypoints: Doubles
    visibility: Doubles
    track: int
    box: Box | None = None
    head: Box | None = None
    scores: Doubles | None = None
    score: float | None = None
    person_id: int | None = None
    has_points: bool = True

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
    """The sequence of a PoseTrack18 or 21 file; AnnotationError names file, place, expectation."""
    return sequence_of(load_json(path), path)


def sequence_of(content: Any, path: Path) -> Sequence:
    """The sequence in a file's JSON, which must be one video's; `path` is for name and messages."""
    frames = frames_of(content, path)
    folders = {str(Path(frame.frame_name).parent) for frame in frames}
    if len(folders) > 1:
        first, second = sorted(folders)[:2]
        raise AnnotationError(
            f"{path}: holds frames of {first!r} and {second!r}, expected one video."
        )
    nframes = content["images"][0].get("nframes") if frames else None
    return Sequence(path.name.split(".")[0], frames, length_of(frames, nframes))


def length_of(frames: tuple[Annotated, ...], nframes: Any) -> int | None:
    """A sequence's `nframes` after the entry of a file, which may be missing."""
    return nframes if isinstance(nframes, int) and nframes != len(frames) else None


def frames_of(content: Any, path: Path) -> tuple[Annotated, ...]:
    """The frames of PoseTrack18's `images` and `annotations`, of one video or of many."""
    if isinstance(content, dict) and "annolist" in content:
        raise AnnotationError(f"{path}: this is a PoseTrack17 annolist, expected PoseTrack18.")
    images = required(content, "images", list, f"{path}")
    entries = required(content, "annotations", list, f"{path}")
    people: dict[int, list[Person]] = {}
    for index, image in enumerate(images):
        place = f"{path}: images[{index}]"
        image_id = required(image, "id", int, place)
        if image_id in people:
            raise AnnotationError(
                f"{place}.id: {image_id} occurs twice, expected one image per id."
            )
        people[image_id] = []
    for index, person in enumerate(_people(content, entries, path)):
        place = f"{path}: annotations[{index}]"
        image_id = required(entries[index], "image_id", int, place)
        if image_id not in people:
            raise AnnotationError(f"{place}.image_id: {image_id} is not the id of an image.")
        people[image_id].append(person)
    return tuple(
        _frame(image, people[image["id"]], f"{path}: images[{index}]")
        for index, image in enumerate(images)
    )


def dumps(sequence: Sequence) -> str:
    """The sequence as the text of a PoseTrack18 file."""
    content = {
        "images": [image_entry(frame, sequence) for frame in sequence.frames],
        "annotations": [
            person_entry(person, frame.id, index)
            for frame in sequence.frames
            for index, person in enumerate(frame.people)
        ],
        "categories": [fields.CATEGORY],
    }
    return json.dumps(content, separators=(",", ":"))


def write(sequence: Sequence, path: Path) -> None:
    """Store a sequence as PoseTrack18 JSON, under its name only when whole; OutputError."""
    with Draft(path) as draft:
        draft.write(dumps(sequence))


def _people(content: dict[str, Any], entries: list[Any], path: Path) -> list[Person]:
    """The people of `annotations`, in file order; their arrays are views of the whole file's."""
    place = f"{path}: annotations"
    tracks = [required(entry, "track_id", int, f"{place}[{i}]") for i, entry in enumerate(entries)]
    fields.check_ids(entries, place)
    order = fields.keypoint_order(content, path)
    points = fields.keypoints(entries, order, place)
    positions, visibility = points[..., :2].copy(), points[..., 2].copy()
    scores = fields.scores(entries, order, place)
    boxes, heads = fields.boxes(entries, "bbox", place), fields.head_boxes(entries, place)
    return [
        Person(
            positions[i],
            visibility[i],
            track,
            boxes.get(i),
            heads.get(i),
            scores.get(i),
            number(entries[i], "score", f"{place}[{i}]"),
            optional(entries[i], "person_id", int, f"{place}[{i}]"),
        )
        for i, track in enumerate(tracks)
    ]


def _frame(image: Any, people: list[Person], place: str) -> Annotated:
    return Annotated(
        frame_name=fields.image_name(
            required(image, "file_name", str, place), f"{place}.file_name"
        ),
        people=tuple(people),
        id=image["id"],
        ignore=fields.polygons(image, place),
        size=fields.image_size(image, place),
        is_labeled=bool(image.get("is_labeled", True)),
    )


def image_entry(frame: Annotated, sequence: Sequence) -> dict[str, Any]:
    """A frame as an entry of `images`."""
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


def person_entry(person: Person, image: int, index: int) -> dict[str, Any]:
    """The `index`-th person of a frame as an entry of `annotations`; `image` is the frame's id."""
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
    if person.person_id is not None:
        entry["person_id"] = person.person_id
    return entry


def _short(values: Doubles) -> list[float]:
    """Numbers without a needless `.0`, which is a fifth of a file."""
    return [int(value) if value.is_integer() else value for value in values.tolist()]


def _xywh(box: Box) -> list[float]:
    # A width is a difference, and carries float noise in its last digits.
    return _short(np.array(box.xywh, np.float64).round(9))
