"""How many people the finder finds on annotated pictures, and what it costs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from intervals import Integers, interval

from data.frame import Image
from data.pose import Box, Floats
from data.similarity import iou_matrix
from models import cost, zoo
from models.finder import CheckedFinder

TALL = 96.0
LIMITS = (0.25, 0.5, 1.0)  # false boxes a picture


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with all its people's boxes; `counts` marks those that must be found.

    What is found in a crowd counts neither way, nor do people who need not be found.
    """

    image: Image
    boxes: list[Box]
    crowd: list[bool]
    counts: list[bool]


class FindsPeople(Protocol):
    """What has `find`, as the bundled finder does."""

    def find(self, image: Image) -> list[Box]: ...


def load_image(path: Path) -> Image:
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION  # as annotated
    pixels = cv2.imread(str(path), flags)
    assert pixels is not None, f"{path} cannot be read"
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def pictures(folders: list[Path]) -> Iterator[Picture]:
    for folder in folders:
        content = json.loads((folder / "person_keypoints.json").read_text())
        for record in content["images"]:
            own = [a for a in content["annotations"] if a["image_id"] == record["id"]]
            boxes = [Box.from_xywh(*a["bbox"]) for a in own]
            crowd = [bool(a["iscrowd"]) for a in own]
            counts = [b.height > TALL and not c for b, c in zip(boxes, crowd, strict=True)]
            yield Picture(load_image(folder / "images" / record["file_name"]), boxes, crowd, counts)


@dataclass(frozen=True, eq=False)
class Finds:
    """What a finder said of one picture: scores, which of them hit, and how many were wanted."""

    scores: Floats
    hits: list[bool]
    wanted: int


def finds(finder: FindsPeople, picture: Picture) -> Finds:
    scores, hits = [], []
    taken = np.zeros(len(picture.boxes), bool)
    for found in finder.find(picture.image):
        free = np.where(taken, 0, iou_matrix([found], picture.boxes)[0])
        best = int(free.argmax()) if len(free) else -1
        if best >= 0 and free[best] >= 0.5:
            taken[best] = not picture.crowd[best]
            if picture.counts[best]:
                scores.append(found.score)
                hits.append(True)
        elif not any(
            crowd and _within(found, box)
            for box, crowd in zip(picture.boxes, picture.crowd, strict=True)
        ):
            scores.append(found.score)
            hits.append(False)
    return Finds(np.array(scores, np.float32), hits, sum(picture.counts))


def recall_at(found: list[Finds], limit: float) -> tuple[float, float]:
    """The share of people found with at most `limit` false boxes a picture, and the threshold."""
    scores = np.concatenate([each.scores for each in found])
    order = np.argsort(-scores, kind="stable")
    right = np.concatenate([np.array(each.hits, bool) for each in found])[order]
    allowed = np.cumsum(~right) <= limit * len(found)
    threshold = float(scores[order][allowed][-1]) if allowed.any() else 1.0
    return float(right[allowed].sum() / sum(each.wanted for each in found)), threshold


def finder_recall(finder: FindsPeople, pictures: Iterable[Picture]) -> dict[str, Any]:
    found = [finds(finder, picture) for picture in pictures]

    def spread(limit: float) -> tuple[float, float]:
        def share(rows: Integers) -> float:
            return recall_at([found[row] for row in rows], limit)[0]

        return interval(share, len(found), draws=300)

    return {
        "people": sum(each.wanted for each in found),
        "pictures": len(found),
        "threshold": recall_at(found, 1.0)[1],
        **{f"recall_at_{limit}": recall_at(found, limit)[0] for limit in LIMITS},
        **{f"interval_at_{limit}": spread(limit) for limit in LIMITS},
    }


def finder_gmacs(
    finder: CheckedFinder, folder: Path, pictures: Iterable[Picture]
) -> dict[str, float]:
    """Its own cost and how many boxes the fast net looks into, as means over pictures."""
    model = zoo.of_role("finder", folder)
    square, side = cost.gmacs(model), int(model.description.input["side"])
    shares, boxes = [], []
    for picture in pictures:
        height, width = picture.image.shape[:2]
        sides = [-(-round(each * side / max(height, width)) // 32) * 32 for each in (width, height)]
        shares.append(sides[0] * sides[1] / side**2)
        boxes.append(len(finder.candidates(picture.image)))
    look = cost.gmacs(zoo.of_role("fast", folder))
    own, checked = square * float(np.mean(shares)), float(np.mean(boxes))
    return {"gmacs": own, "checked_boxes": checked, "gmacs_with_checks": own + checked * look}


def _within(found: Box, crowd: Box) -> bool:
    """Whether most of a box lies in a crowd region."""
    width = min(found.right, crowd.right) - max(found.left, crowd.left)
    height = min(found.bottom, crowd.bottom) - max(found.top, crowd.top)
    return max(width, 0.0) * max(height, 0.0) > 0.5 * found.area
