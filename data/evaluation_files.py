"""PoseTrack files read for evaluation: a JSON becomes flat arrays, with no object per person.

Both formats are read as the official evaluation reads them (its specification, sections 1 and 2).
`data/posetrack.py` and `data/annolist.py` read the same files into objects that can be changed and
written again; a validation set has fifty thousand people, and scores need only their numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.evaluation_annolist import annolist_sequence
from data.evaluation_fields import (
    Entries,
    PlaceOf,
    RegionList,
    check_name,
    labels,
    objects,
    some_rows,
    tracks,
    wholes,
)
from data.flat_sequence import MISSING_SCORE, FlatSequence, Marks, Wholes, head_sizes
from data.json_fields import Doubles, load_json, number_rows, required, shown
from data.skeleton import POSETRACK_15, POSETRACK_17

JOINTS = len(POSETRACK_15)
_ALIASES = {"neck": "head_bottom"}  # the evaluation's own name of it
_NAMES = frozenset(POSETRACK_17.keypoints)


def read(path: Path) -> FlatSequence:
    """The sequence of a PoseTrack18, 21 or 17 JSON file; AnnotationError names file and place."""
    if path.is_dir():
        raise AnnotationError(f"{path}: this is a folder, expected a JSON file.")
    return parse(load_json(path), f"{path}", path.name.split(".")[0])


def parse(content: Any, place: str, name: str) -> FlatSequence:
    """The sequence in a file's JSON, of either format; `place` is the file's name in messages."""
    if not isinstance(content, dict):
        raise AnnotationError(f"{place}: expected an object, found {type(content).__name__}.")
    if "annolist" in content:
        return annolist_sequence(content, place, name)
    return _posetrack18(content, place, name)


def _posetrack18(content: dict[str, Any], place: str, name: str) -> FlatSequence:
    images, people = objects(content, "images", place), objects(content, "annotations", place)
    ids = wholes([image.get("id") for image in images], lambda i: f"{place}: images[{i}].id")
    names = _image_names(images, place)
    frame = _frames(people, ids, place)
    order = np.argsort(frame, kind="stable")
    people = [people[i] for i in order]

    def where(i: int) -> str:
        return f"{place}: annotations[{order[i]}]"

    joints = _joints(content, place)
    points, present = _points(people, joints, where)
    track, has_track = tracks([person.get("track_id") for person in people], where)
    regions = _regions(images, place)
    return FlatSequence(
        name=name,
        place=place,
        frame_names=tuple(names),
        ids=tuple(ids),
        is_labeled=labels([image.get("is_labeled") for image in images], frame),
        frame=frame[order],
        points=points,
        present=present,
        scores=_scores(people, joints, where),
        track=track,
        has_track=has_track,
        head=_heads(people, where),
        listed=np.ones(len(people), np.bool_),
        regions=regions.joined(),
        notes=regions.notes(),
    )


def _points(people: Entries, joints: Wholes, where: PlaceOf) -> tuple[Doubles, Marks]:
    """Points (N, 15, 2) in pixels and presence (N, 15) of N people."""
    rows = [person.get("keypoints") for person in people]
    table = number_rows(rows, 3 * len(joints), lambda i: f"{where(i)}.keypoints")
    table = table.reshape(len(people), len(joints), 3)
    points, present = np.zeros((len(people), JOINTS, 2)), np.zeros((len(people), JOINTS), np.bool_)
    known = joints >= 0
    points[:, joints[known]] = table[:, known, :2]
    there = (table != 0).any(2)  # absent where x, y and v are all 0
    present[:, joints[known]] = there[:, known]
    return points, present


def _scores(people: Entries, joints: Wholes, where: PlaceOf) -> Doubles:
    """Scores (N, 15) of N people."""
    scores = np.full((len(people), JOINTS), MISSING_SCORE)
    given, rows = some_rows(people, "scores", len(joints), where)
    known = joints >= 0
    scores[np.ix_(given, joints[known])] = rows[:, known]
    return scores


def _heads(people: Entries, where: PlaceOf) -> Doubles:
    """Head sizes (N,) in pixels, NaN without a head box."""
    head = np.full(len(people), np.nan)
    given, boxes = some_rows(people, "bbox_head", 4, where)
    head[given] = head_sizes(boxes[:, 2], boxes[:, 3])
    return head


def _regions(images: Entries, place: str) -> RegionList:
    regions = RegionList(place)
    for index, image in enumerate(images):
        across, down = (image.get(f"ignore_regions_{axis}") or [] for axis in "xy")
        here = f"{place}: images[{index}].ignore_regions_x, _y"
        if not isinstance(across, list) or not isinstance(down, list) or len(across) != len(down):
            raise AnnotationError(f"{here}: expected two lists with as many polygons each.")
        for number, (xs, ys) in enumerate(zip(across, down, strict=True)):
            regions.add(index, xs, ys, f"{here}[{number}]")
    return regions


def _frames(people: Entries, ids: list[int], place: str) -> Wholes:
    """For each annotation the place of its frame (N,)."""
    index = {number: i for i, number in enumerate(ids)}
    if len(index) < len(ids):
        twice = next(number for i, number in enumerate(ids) if index[number] != i)
        raise AnnotationError(f"{place}: images: the id {twice} occurs twice.")
    given = [person.get("image_id") for person in people]
    wanted = wholes(given, lambda i: f"{place}: annotations[{i}].image_id")
    frame = [index.get(number, -1) for number in wanted]
    if -1 in frame:
        i = frame.index(-1)
        raise AnnotationError(
            f"{place}: annotations[{i}].image_id: {wanted[i]} is not the id of an image."
        )
    return np.array(frame, np.int64)


def _image_names(images: Entries, place: str) -> list[str]:
    """The images' file names, which must be of one video."""
    names = [image.get("file_name", f"images[{i}]") for i, image in enumerate(images)]
    for index, name in enumerate(names):
        check_name(name, f"{place}: images[{index}].file_name")
    folders = sorted({name.rpartition("/")[0] for name in names if "/" in name})
    if len(folders) > 1:
        raise AnnotationError(
            f"{place}: holds frames of {folders[0]!r} and {folders[1]!r}, expected one video."
        )
    return names


def _joints(content: dict[str, Any], place: str) -> Wholes:
    """For each keypoint of the file its place in POSETRACK_15 by name, -1 for the ears."""
    names: list[Any] = list(POSETRACK_17.keypoints)
    if content.get("categories"):
        categories = objects(content, "categories", place)
        if len(categories) != 1:
            count = len(categories)
            raise AnnotationError(f"{place}: expected one category, 'person', found {count}.")
        names = required(categories[0], "keypoints", list, f"{place}: categories[0]")
    where = f"{place}: categories[0].keypoints"
    known = [_ALIASES.get(name, name) if isinstance(name, str) else "" for name in names]
    for name, given in zip(known, names, strict=True):
        if name not in _NAMES:
            expected = ", ".join(POSETRACK_17.keypoints)
            raise AnnotationError(f"{where}: found {shown(given)}, expected names of {expected}.")
    if len(set(known)) < len(known):
        raise AnnotationError(f"{where}: a name occurs twice.")
    evaluated = {name: joint for joint, name in enumerate(POSETRACK_15.keypoints)}
    return np.array([evaluated.get(name, -1) for name in known], np.int64)
