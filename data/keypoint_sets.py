"""KeypointSet: whose keypoints a file in COCO's form has, COCO's 17 or CrowdPose's 14."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data.errors import AnnotationError
from data.evaluation_fields import Entries, PlaceOf, objects, wholes
from data.skeleton import COCO_17

PERSON = 1  # the category's number where a file has no categories
# Files say head, MMPose's top_head; the others are this project's names.
_OTHER_NAMES = {"head": "top_head", "head_top": "top_head", "head_bottom": "neck"}


@dataclass(frozen=True, slots=True)
class KeypointSet:
    """The keypoints of a benchmark, in the order of its files."""

    name: str
    keypoints: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.keypoints)

    def index(self, keypoint: str) -> int:
        """The place of a keypoint by name; ValueError if the set lacks it."""
        return self.keypoints.index(keypoint)


COCO = KeypointSet("COCO", COCO_17.keypoints)
CROWDPOSE = KeypointSet("CrowdPose", (*COCO_17.keypoints[5:], "top_head", "neck"))
SETS = (COCO, CROWDPOSE)


def person_category(
    content: dict[str, Any], place: str
) -> tuple[int, frozenset[int], KeypointSet | None]:
    """The person's category, all categories, and the keypoints where they are named.

    The person is the category `person`, or the only one; without categories, number 1. Raises
    AnnotationError where the names are not a known set's, for OKS goes by the place.
    """
    if not content.get("categories"):
        return PERSON, frozenset({PERSON}), None
    listed = objects(content, "categories", place)
    ids = wholes([entry.get("id") for entry in listed], lambda i: f"{place}: categories[{i}].id")
    people = [i for i, entry in enumerate(listed) if entry.get("name") == "person"]
    if not people and len(listed) > 1:
        raise AnnotationError(f"{place}: categories: none is called 'person'.")
    index = people[0] if people else 0
    names = listed[index].get("keypoints")
    if not names:
        return ids[index], frozenset(ids), None
    if isinstance(names, list):
        same = [_OTHER_NAMES.get(n, n) if isinstance(n, str) else n for n in names]
        for known in SETS:
            if same == list(known.keypoints):
                return ids[index], frozenset(ids), known
    raise AnnotationError(
        f"{place}: categories[{index}].keypoints: expected the names of COCO's 17 keypoints or "
        "CrowdPose's 14, in their order."
    )


def set_by_length(people: Entries, place: str, where: PlaceOf) -> KeypointSet:
    """The set that has as many keypoints as the first person who has any; `where` names a person.

    Raises AnnotationError where none has, or nobody has keypoints.
    """
    for index, person in enumerate(people):
        values = person.get("keypoints")
        if not isinstance(values, list) or not values:
            continue
        for known in SETS:
            if len(values) == 3 * len(known):
                return known
        raise AnnotationError(
            f"{where(index)}.keypoints: expected 51 numbers (COCO) or 42 (CrowdPose), found "
            f"{len(values)}."
        )
    raise AnnotationError(f"{place}: no person has keypoints: nothing to score.")
