"""COCO and CrowdPose files read for evaluation: annotated people and results as arrays.

`data/coco.py` reads the same annotations into poses for the networks; scores need the numbers as
they stand in the file, in float64, and areas, crowd indices and head boxes beside them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import AnnotationError
from data.evaluation_fields import Entries, PlaceOf, objects, some_rows, wholes
from data.flat_sequence import Marks, Wholes, head_sizes
from data.json_fields import Doubles, load_json, number_rows, shown
from data.keypoint_sets import CROWDPOSE, KeypointSet, person_category, set_by_length

BOX_SHARE = 0.53
"""Of the box's area is the person's, where CrowdPose is scored (evaluation specification, 10)."""


@dataclass(frozen=True, slots=True, eq=False)
class CocoTruth:
    """The annotated people of an annotation file, in file order.

    `images` (I,) are the images' ids, `crowding` (I,) their crowd indices, NaN where not said;
    `categories` are the ids that the file knows, `person` the one that counts. For N people:
    `image` (N,) is the image's id, `keypoints` (N, J, 3) x, y in pixels and COCO's flag (0 not
    labelled, 1 hidden, 2 visible), `labelled` (N,) how many keypoints the file says are labelled,
    `boxes` (N, 4) left, top, width, height, `area` (N,) in square pixels, `is_crowd` (N,), `head`
    (N,) the size of the head box in pixels, NaN without one. `notes` are about the file.
    """

    place: str
    keypoint_set: KeypointSet
    person: int
    categories: frozenset[int]
    images: Wholes
    crowding: Doubles
    image: Wholes
    keypoints: Doubles
    labelled: Wholes
    boxes: Doubles
    area: Doubles
    is_crowd: Marks
    head: Doubles
    notes: tuple[str, ...]

    @property
    def counts(self) -> Marks:
        """(N,): who is to be found: no crowds, and a labelled keypoint at least."""
        return np.asarray((self.labelled != 0) & ~self.is_crowd)


@dataclass(frozen=True, slots=True, eq=False)
class CocoResults:
    """The results of a file, in file order.

    For R results: `image` (R,) is the image's id, `keypoints` (R, J, 3) x, y in pixels and a
    number that does not count, `score` (R,). `notes` are about the file.
    """

    image: Wholes
    keypoints: Doubles
    score: Doubles
    notes: tuple[str, ...]


def read_truth(path: Path) -> CocoTruth:
    """The people of a COCO or CrowdPose annotation file; AnnotationError names file and place."""
    return parse_truth(_load(path), f"{path}")


def read_results(path: Path, truth: CocoTruth) -> CocoResults:
    """The results of a COCO results file; AnnotationError names file and place."""
    return parse_results(_load(path), f"{path}", truth)


def parse_truth(content: Any, place: str) -> CocoTruth:
    """The people in an annotation file's JSON; `place` is the file's name in messages."""
    if not isinstance(content, dict):
        found = type(content).__name__
        raise AnnotationError(f"{place}: expected an object with 'images', found a {found}.")
    images, listed = objects(content, "images", place), objects(content, "annotations", place)
    person, categories, keypoint_set = person_category(content, place)
    of = wholes(
        [entry.get("category_id") for entry in listed],
        lambda i: f"{place}: annotations[{i}].category_id",
    )
    at = [i for i, category in enumerate(of) if category == person]
    people = [listed[i] for i in at]

    def where(index: int) -> str:
        return f"{place}: annotations[{at[index]}]"

    chosen = keypoint_set or set_by_length(people, place, where)
    ids = wholes([entry.get("id") for entry in images], lambda i: f"{place}: images[{i}].id")
    _check_unique(ids, f"{place}: the image id")
    own = wholes([p.get("id") for p in people], lambda i: f"{where(i)}.id")
    _check_unique(own, f"{place}: the annotation id")
    rows, table = some_rows(people, "keypoints", 3 * len(chosen), where)
    keypoints = np.zeros((len(people), len(chosen), 3))
    keypoints[rows] = table.reshape(len(rows), len(chosen), 3)
    boxes = number_rows([p.get("bbox") for p in people], 4, lambda i: f"{where(i)}.bbox")
    area, guessed = _areas(people, boxes, chosen, where)
    heads, sides = some_rows(people, "bbox_head", 4, where)
    head = np.full(len(people), np.nan)
    head[heads] = head_sizes(sides[:, 2], sides[:, 3])
    truth = CocoTruth(
        place=place,
        keypoint_set=chosen,
        person=person,
        categories=categories,
        images=np.array(ids, np.int64),
        crowding=_optional(images, "crowdIndex", lambda i: f"{place}: images[{i}]"),
        image=_images(people, set(ids), f"{place} itself", where),
        keypoints=keypoints,
        labelled=_labelled(people, rows, keypoints, where),
        boxes=boxes,
        area=area,
        is_crowd=_crowds(people, where),
        head=head,
        notes=guessed,
    )
    if not truth.counts.any():
        raise AnnotationError(f"{place}: no person has a labelled keypoint: nothing to score.")
    return truth


def parse_results(content: Any, place: str, truth: CocoTruth) -> CocoResults:
    """The results in a results file's JSON; `place` is the file's name in messages."""
    if not isinstance(content, list):
        is_truth = isinstance(content, dict) and "annotations" in content
        looks = " It looks like an annotation file." if is_truth else ""
        found = type(content).__name__
        raise AnnotationError(f"{place}: expected a list of results, found a {found}.{looks}")
    listed = objects({"": content}, "", place)
    of = wholes(
        [entry.get("category_id") for entry in listed], lambda i: f"{place}: [{i}].category_id"
    )
    for index, category in enumerate(of):
        if category not in truth.categories:
            raise AnnotationError(
                f"{place}: [{index}].category_id: {category} is no category of {truth.place}, "
                f"where a person is {truth.person}."
            )
    at = [i for i, category in enumerate(of) if category == truth.person]
    entries = [listed[i] for i in at]

    def where(index: int) -> str:
        return f"{place}: [{at[index]}]"

    size = len(truth.keypoint_set)
    rows = number_rows(
        [entry.get("keypoints") for entry in entries],
        3 * size,
        lambda i: f"{where(i)}.keypoints ({truth.keypoint_set.name}'s {size})",
    )
    scores = [entry.get("score") for entry in entries]
    if None in scores:
        lacking = where(scores.index(None))
        raise AnnotationError(f"{lacking}.score: missing, and results are ranked by it.")
    column = number_rows([[score] for score in scores], 1, lambda i: f"{where(i)}.score")
    others = len(listed) - len(entries)
    left_out = f"results of other categories than person were left out ({others})"
    nobody = "there are no results, so every score is 0"
    return CocoResults(
        image=_images(entries, set(truth.images.tolist()), truth.place, where),
        keypoints=rows.reshape(len(entries), size, 3),
        score=column[:, 0],
        notes=(*([left_out] if others else []), *([] if entries else [nobody])),
    )


def _load(path: Path) -> Any:
    if path.is_dir():
        raise AnnotationError(f"{path}: this is a folder, expected a JSON file.")
    return load_json(path)


def _check_unique(ids: list[int], what: str) -> None:
    """Of two of one id the official tool would lose one, or count one twice, without a word."""
    number, count = Counter(ids).most_common(1)[0] if ids else (0, 0)
    if count > 1:
        raise AnnotationError(f"{what} {number} occurs {count} times.")


def _images(entries: Entries, known: set[int], place: str, where: PlaceOf) -> Wholes:
    """(N,): the images' ids, which must be known in a file."""
    ids = wholes([entry.get("image_id") for entry in entries], lambda i: f"{where(i)}.image_id")
    strange = [index for index, number in enumerate(ids) if number not in known]
    if strange:
        raise AnnotationError(
            f"{where(strange[0])}.image_id: {ids[strange[0]]} is no image of {place} "
            f"({len(strange)} of {len(ids)} entries)."
        )
    return np.array(ids, np.int64)


def _optional(entries: Entries, key: str, where: PlaceOf) -> Doubles:
    """(N,): a number of each entry, NaN where it has none."""
    given = [index for index, entry in enumerate(entries) if entry.get(key) is not None]
    rows = [[entries[index][key]] for index in given]
    values = np.full(len(entries), np.nan)
    values[given] = number_rows(rows, 1, lambda i: f"{where(given[i])}.{key}")[:, 0]
    return values


def _areas(
    people: Entries, boxes: Doubles, keypoint_set: KeypointSet, where: PlaceOf
) -> tuple[Doubles, tuple[str, ...]]:
    """(N,): areas in square pixels, and what to tell of them. CrowdPose's go by the box."""
    of_box = BOX_SHARE * boxes[:, 2] * boxes[:, 3]
    said = _optional(people, "area", where)
    known = ~np.isnan(said) & (keypoint_set is not CROWDPOSE)
    area = np.where(known, said, of_box)
    for index in np.flatnonzero(area < 0)[:1].tolist():
        key = "area" if known[index] else "bbox"
        raise AnnotationError(f"{where(index)}.{key}: an area of {area[index]:g}, expected 0 up.")
    lacking = int((~known).sum())
    if not lacking or keypoint_set is CROWDPOSE:
        return area, ()
    note = f"people without an area have {BOX_SHARE} of their box's ({lacking})"
    return area, (note,)


def _labelled(people: Entries, rows: Wholes, keypoints: Doubles, where: PlaceOf) -> Wholes:
    """(N,): how many keypoints a person has by the file, else by the flags; 0 without a list."""
    said = [person.get("num_keypoints") for person in people]
    by_flags = (keypoints[:, :, 2] > 0).sum(1).tolist()
    known = [own if number is None else number for number, own in zip(said, by_flags, strict=True)]
    given = np.array(wholes(known, lambda i: f"{where(i)}.num_keypoints"), np.int64)
    labelled = np.zeros(len(people), np.int64)
    labelled[rows] = given[rows]
    return labelled


def _crowds(people: Entries, where: PlaceOf) -> Marks:
    """(N,): whose box is a crowd's."""
    values = [person.get("iscrowd") for person in people]
    for index, value in enumerate(values):
        if value not in (None, 0, 1):
            raise AnnotationError(f"{where(index)}.iscrowd: expected 0 or 1, found {shown(value)}.")
    return np.array([bool(value) for value in values], np.bool_)
