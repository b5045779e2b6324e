"""PoseTrack17's annolist read for evaluation, as flat arrays."""

from __future__ import annotations

from contextlib import suppress
from itertools import chain
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.evaluation_fields import (
    Entries,
    PlaceOf,
    RegionList,
    check_name,
    labels,
    objects,
    tracks,
)
from data.flat_sequence import MISSING_SCORE, FlatSequence, Marks, head_sizes
from data.json_fields import Doubles, number_rows
from data.skeleton import POSETRACK_15

JOINTS = len(POSETRACK_15)
_EDGES = ("x1", "y1", "x2", "y2")  # of the head box


def annolist_sequence(content: dict[str, Any], place: str, name: str) -> FlatSequence:
    """The sequence of an annolist (evaluation specification 1.2); AnnotationError."""
    records = objects(content, "annolist", place)
    people: Entries = []
    frames: list[int] = []
    places: list[str] = []
    regions = RegionList(place)
    for index, record in enumerate(records):
        here = f"{place}: annolist[{index}]"
        for number, person in enumerate(_objects_if_any(record, "annorect", here)):
            people.append(person)
            frames.append(index)
            places.append(f"{here}.annorect[{number}]")
        for number, region in enumerate(_objects_if_any(record, "ignore_regions", here)):
            spot = f"{here}.ignore_regions[{number}]"
            corners = objects(region, "point", spot)
            xs, ys = ([_one(corner.get(axis)) for corner in corners] for axis in "xy")
            regions.add(index, xs, ys, spot)
    lists = [_points(person, places[i]) for i, person in enumerate(people)]
    points, present, scores = _placed(lists, places)
    track, has_track = tracks([_one(p.get("track_id")) for p in people], places.__getitem__)
    frame = np.array(frames, np.int64)
    return FlatSequence(
        name=name,
        place=place,
        frame_names=tuple(_image_name(record, i, place) for i, record in enumerate(records)),
        ids=None,
        is_labeled=labels([_one(record.get("is_labeled")) for record in records], frame),
        frame=frame,
        points=points,
        present=present,
        scores=scores,
        track=track,
        has_track=has_track,
        head=_heads(people, places),
        listed=np.array([found is not None for found in lists], np.bool_),
        regions=regions.joined(),
        notes=regions.notes(),
    )


def _placed(lists: list[Entries | None], places: list[str]) -> tuple[Doubles, Marks, Doubles]:
    """Points (N, 15, 2), presence (N, 15) and scores (N, 15) of N people's lists of points."""
    points, present = np.zeros((len(lists), JOINTS, 2)), np.zeros((len(lists), JOINTS), np.bool_)
    scores = np.full((len(lists), JOINTS), MISSING_SCORE)
    counts = [len(found or ()) for found in lists]
    owner = np.repeat(np.arange(len(lists)), counts)[::-1]
    every = list(chain.from_iterable(found or () for found in lists))

    def column(key: str, instead: object = None) -> Doubles:
        def where(point: int) -> str:
            return f"{places[owner[::-1][point]]}.annopoints: a point's {key}"

        return _column([point.get(key) for point in every], instead, where)

    values = [column("id"), column("x"), column("y"), column("score", MISSING_SCORE)]
    table = np.stack(values, 1)[::-1]  # of two points with one id the first counts
    wrong = np.flatnonzero(~np.isin(table[:, 0], np.arange(JOINTS)))
    if len(wrong):
        place, found = places[owner[wrong[-1]]], table[wrong[-1], 0]
        raise AnnotationError(
            f"{place}.annopoints: expected ids 0 to {JOINTS - 1}, found {found:g}."
        )
    joint = table[:, 0].astype(np.int64)
    points[owner, joint], scores[owner, joint] = table[:, 1:3], table[:, 3]
    present[owner, joint] = True
    return points, present, scores


def _column(values: list[Any], instead: object, where: PlaceOf) -> Doubles:
    """The number in each one-element list or bare value (n,); `instead` where there is none."""
    if set(map(type, values)) == {list} and set(map(len, values)) == {1}:
        bare = list(chain.from_iterable(values))
    else:
        bare = [_one(value, instead) for value in values]
    # All at once, for there are many, and one by one where that fails, to name the place.
    if set(map(type, bare)) <= {int, float}:
        with suppress(AnnotationError):
            return number_rows([bare], len(bare), where).ravel()
    return number_rows([[value] for value in bare], 1, where).ravel()


def _points(person: dict[str, Any], place: str) -> Entries | None:
    """A person's list of points; None where there is no such list, which is not an empty one."""
    container = _one(person.get("annopoints"))
    if container is None or container == {}:
        return None
    if not isinstance(container, dict):
        raise AnnotationError(f"{place}.annopoints: expected one object with a list 'point'.")
    return objects(container, "point", f"{place}.annopoints")


def _heads(people: Entries, places: list[str]) -> Doubles:
    """Head sizes (N,) in pixels, NaN without a head box."""
    head = np.full(len(people), np.nan)
    given = [i for i, person in enumerate(people) if any(edge in person for edge in _EDGES)]
    rows = [[_one(people[i].get(edge)) for edge in _EDGES] for i in given]
    table = number_rows(rows, 4, lambda i: f"{places[given[i]]}: x1, y1, x2, y2")
    with np.errstate(over="ignore"):
        sides = table[:, 2:] - table[:, :2]
    head[given] = head_sizes(sides[:, 0], sides[:, 1])
    return head


def _image_name(record: dict[str, Any], index: int, place: str) -> str:
    image = _one(record.get("image"))
    found = _one(image.get("name")) if isinstance(image, dict) else None
    if not isinstance(found, str):
        return f"annolist[{index}]"
    check_name(found, f"{place}: annolist[{index}].image.name")
    return found


def _objects_if_any(holder: dict[str, Any], key: str, place: str) -> Entries:
    return objects(holder, key, place) if holder.get(key) else []


def _one(value: Any, instead: object = None) -> Any:
    """The value in PoseTrack17's one-element list, or the bare value; `instead` where none."""
    if type(value) is list and len(value) <= 1:
        return value[0] if value else instead
    return instead if value is None else value
