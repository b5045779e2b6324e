"""PoseTrack17's annolist, as JSON or MATLAB file, read and written as PoseTrack18's objects."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from data.draft import Draft
from data.errors import AnnotationError
from data.json_fields import GREATEST_WHOLE, load_json, numbers, required, shown
from data.matlab import load_struct
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence
from data.posetrack_fields import image_name
from data.skeleton import POSETRACK_15, POSETRACK_17

JOINTS = tuple(POSETRACK_17.index(name) for name in POSETRACK_15.keypoints)
"""For each joint id of an annolist its place in POSETRACK_17; the neck is head_bottom."""

NO_SCORE = -9999.0  # of a joint without one, as the evaluation takes it (its section 2, rule 2)
HIDDEN, SEEN = 1.0, 2.0
_EDGES = ("x1", "y1", "x2", "y2")


def read_annolist(path: Path) -> Sequence:
    """The sequence of an annolist, `.mat` or else JSON; AnnotationError.

    Points are placed on POSETRACK_17, with visibility 1 where hidden and 2 elsewhere. In MATLAB
    files images bear their older names; they become `00000001.jpg`, ... in the order of the
    numbers in them, as the published converter renames them (FSPose specification 6.5).
    """
    if path.suffix.lower() != ".mat":
        return annolist_of(load_json(path), path)
    sequence = annolist_of({"annolist": load_struct(path, "annolist")}, path)
    return replace(sequence, frames=_renamed(sequence.frames))


def annolist_of(content: Any, path: Path) -> Sequence:
    """The sequence in an annolist's JSON; `path` is for its name and messages."""
    entries = required(content, "annolist", list, f"{path}")
    frames = tuple(
        _frame(entry, index, f"{path}: annolist[{index}]") for index, entry in enumerate(entries)
    )
    return Sequence(path.name.split(".")[0], frames)


def dumps_annolist(sequence: Sequence) -> str:
    """The sequence as the text of an annolist: every joint as it is, the neck is head_bottom."""
    seen = [p.visibility.max(initial=0) for frame in sequence.frames for p in frame.people]
    # Official PoseTrack18 files say 1 of what is seen, files that know hidden points say 2.
    least = min(SEEN, max(seen, default=SEEN))
    records = [_record(frame, index, least) for index, frame in enumerate(sequence.frames)]
    return json.dumps({"annolist": records}, separators=(",", ":"))


def write_annolist(sequence: Sequence, path: Path) -> None:
    """Store a sequence as an annolist, under its name only when whole; OutputError."""
    with Draft(path) as draft:
        draft.write(dumps_annolist(sequence))


def frame_number(frame_name: str) -> int | None:
    """The number in an image's name, the last one: 17 of `000017.jpg`; None where there is none."""
    digits = re.findall(r"\d+", PurePosixPath(frame_name).stem)
    return int(digits[-1][-18:]) if digits else None


def _renamed(frames: tuple[Annotated, ...]) -> tuple[Annotated, ...]:
    names = [PurePosixPath(frame.frame_name) for frame in frames]
    if all(re.fullmatch(r"\d{8}", name.stem) for name in names):
        return frames
    places = range(len(frames))
    order = sorted(places, key=lambda i: (frame_number(str(names[i])) or 0, i))
    rank = {place: number for number, place in enumerate(order, 1)}
    return tuple(
        replace(frame, frame_name=str(names[i].with_name(f"{rank[i]:08d}.jpg")))
        for i, frame in enumerate(frames)
    )


def _frame(entry: Any, index: int, place: str) -> Annotated:
    if not isinstance(entry, dict):
        raise AnnotationError(f"{place}: expected an object, found {type(entry).__name__}.")
    image = _one(entry, "image", place)
    name = _one(image, "name", f"{place}.image")
    if not isinstance(name, str) or not PurePosixPath(name).name:
        raise AnnotationError(f"{place}.image.name: expected an image's path, found {shown(name)}.")
    imgnum = _whole(entry, "imgnum", place)
    is_labeled = _one(entry, "is_labeled", place)
    return Annotated(
        frame_name=image_name(name, f"{place}.image.name"),
        people=tuple(
            _person(person, f"{place}.annorect[{i}]")
            for i, person in enumerate(_many(entry, "annorect", place))
            if person != {}
        ),
        id=index + 1 if imgnum is None else imgnum,
        ignore=tuple(
            _points(region, f"{place}.ignore_regions[{i}]")
            for i, region in enumerate(_many(entry, "ignore_regions", place))
        ),
        is_labeled=is_labeled is None or bool(is_labeled),
    )


def _person(entry: Any, place: str) -> Person:
    track = _whole(entry, "track_id", place)
    if track is None:
        raise AnnotationError(f"{place}: 'track_id' is missing, expected int.")
    keypoints, visibility = np.zeros((len(POSETRACK_17), 2)), np.zeros(len(POSETRACK_17))
    scores: dict[int, float | None] = {}
    container = _one(entry, "annopoints", place)
    points = [] if container is None else _many(container, "point", f"{place}.annopoints")
    for index, point in enumerate(points):
        spot = f"{place}.annopoints.point[{index}]"
        joint = _whole(point, "id", spot)
        if joint is None or not 0 <= joint < len(JOINTS):
            raise AnnotationError(f"{spot}.id: expected 0 to {len(JOINTS) - 1}, found {joint}.")
        if JOINTS[joint] in scores:  # the first one counts (evaluation specification 1.2)
            continue
        keypoints[JOINTS[joint]] = _position(point, spot)
        visibility[JOINTS[joint]] = HIDDEN if _one(point, "is_visible", spot) in (0, "0") else SEEN
        scores[JOINTS[joint]] = _number(point, "score", spot)
    return Person(
        keypoints,
        visibility,
        track,
        head=_head(entry, place),
        scores=_scores(scores),
        score=_number(entry, "score", place),
        has_points=container is not None,
    )


def _scores(given: dict[int, float | None]) -> Any:
    """(17,), or None where no joint has a score."""
    if all(score is None for score in given.values()):
        return None
    scores = np.zeros(len(POSETRACK_17))
    for joint, score in given.items():
        scores[joint] = NO_SCORE if score is None else score
    return scores


def _head(entry: Any, place: str) -> Box | None:
    edges = [_number(entry, edge, place) for edge in _EDGES]
    known = [edge for edge in edges if edge is not None]
    if known and len(known) < len(edges):
        raise AnnotationError(f"{place}: expected all of x1, y1, x2 and y2, found {len(known)}.")
    return Box(*known) if known else None


def _points(region: Any, place: str) -> Any:
    """A polygon's points, (N, 2)."""
    points = _many(region, "point", place)
    positions = [_position(point, f"{place}.point[{i}]") for i, point in enumerate(points)]
    return np.array(positions, np.float64).reshape(-1, 2)


def _position(point: Any, place: str) -> tuple[float, float]:
    x, y = _number(point, "x", place), _number(point, "y", place)
    if x is None or y is None:
        raise AnnotationError(f"{place}: '{'x' if x is None else 'y'}' is missing.")
    return x, y


def _one(entry: Any, key: str, place: str) -> Any:
    """A value, alone or in a list of its own; None where it is missing or its list is empty."""
    if not isinstance(entry, dict):
        raise AnnotationError(f"{place}: expected an object, found {type(entry).__name__}.")
    value = entry.get(key)
    if not isinstance(value, list):
        return value
    if len(value) > 1:
        raise AnnotationError(f"{place}.{key}: expected one value, found {len(value)}.")
    return value[0] if value else None


def _many(entry: Any, key: str, place: str) -> list[Any]:
    """A list of objects; MATLAB files have an only one without its list."""
    if not isinstance(entry, dict):
        raise AnnotationError(f"{place}: expected an object, found {type(entry).__name__}.")
    value = entry.get(key)
    if value is None:
        return []
    values = [value] if isinstance(value, dict) else value
    if not isinstance(values, list):
        raise AnnotationError(f"{place}.{key}: expected list, found {type(value).__name__}.")
    return values


def _number(entry: Any, key: str, place: str) -> float | None:
    value = _one(entry, key, place)
    return None if value is None else float(numbers([value], 1, f"{place}.{key}")[0])


def _whole(entry: Any, key: str, place: str) -> int | None:
    """A whole number; MATLAB files hold it as a float."""
    value = _number(entry, key, place)
    if value is not None and not (value.is_integer() and abs(value) < GREATEST_WHOLE):
        raise AnnotationError(f"{place}.{key}: expected int, found {value:g}.")
    return None if value is None else int(value)


def _record(frame: Annotated, index: int, least: float) -> dict[str, Any]:
    number = frame_number(frame.frame_name)
    record: dict[str, Any] = {
        "image": [{"name": frame.frame_name}],
        "imgnum": [index + 1 if number is None else number],
        "annorect": [_annorect(person, least) for person in frame.people],
        "is_labeled": [int(frame.is_labeled)],
    }
    if frame.ignore:
        record["ignore_regions"] = [
            {"point": [{"x": [x], "y": [y]} for x, y in polygon.tolist()]}
            for polygon in frame.ignore
        ]
    return record


def _annorect(person: Person, least: float) -> dict[str, Any]:
    entry: dict[str, Any] = {"track_id": [person.track]}
    if person.head:
        head = person.head
        edges = head.left, head.top, head.right, head.bottom
        entry |= {name: [edge] for name, edge in zip(_EDGES, edges, strict=True)}
    if person.score is not None:
        entry["score"] = [person.score]
    if person.has_points:
        points = [_point(person, joint, least) for joint in _present_joints(person)]
        entry["annopoints"] = [{"point": points}]
    return entry


def _present_joints(person: Person) -> list[int]:
    return [joint for joint, place in enumerate(JOINTS) if person.present[place]]


def _point(person: Person, joint: int, least: float) -> dict[str, Any]:
    place = JOINTS[joint]
    x, y = person.keypoints[place].tolist()
    is_visible = int(person.visibility[place] >= least)
    point = {"id": [joint], "x": [x], "y": [y], "is_visible": [is_visible]}
    if person.scores is None:
        return point
    return point | {"score": [float(person.scores[place])]}
