"""How exact the bundled networks are on annotated pictures.

    python benchmarks/accuracy.py MEDIA_DIR [--weights DIR] [--json OUT.json]

MEDIA_DIR holds `coco_keypoints/`, `coco_val_more/` (COCO keypoint JSON and images) and `lspet/`
(single sports people with 14 joints); none of them is in the repository or in a training pack.

Annotated boxes: every person is cut by the annotated box (LSPET has none: the joints' extent,
enlarged 1.15 times) and read by one network; "slow flipped" reads a mirrored copy too. PCK@0.2 is
the share of the twelve limb keypoints, shoulders to ankles, within 0.2 of the torso (left shoulder
to right hip); COCO people count with at least ten limb keypoints, "visible" ones or "labelled"
ones. In brackets: 95 % of 1,000 bootstrap draws of people. Finder: a person over 96 px tall is
found at an IoU of 0.5; the threshold is the lowest with at most one false box per picture; crowds
and smaller people count neither way.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from data.frame import Image
from data.pose import Box, Floats
from data.similarity import iou_matrix
from data.skeleton import COCO_17
from models import zoo
from models.decode import decode
from models.topdown import FlipTest, TopDown

LIMBS = slice(5, 17)
TALL = 96.0
FLIPPED = "slow flipped"
COCO_SETS = ("coco_keypoints", "coco_val_more")


@dataclass(frozen=True, eq=False)
class Person:
    """An annotated person: keypoints (17, 3) with COCO's flags, 0 where unknown."""

    image: Callable[[], Image]
    box: Box
    keypoints: Floats


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
    return np.asarray(cv2.cvtColor(cv2.imread(str(path), flags), cv2.COLOR_BGR2RGB), np.uint8)


def coco(folder: Path) -> list[Person]:
    content = json.loads((folder / "person_keypoints.json").read_text())
    files = {image["id"]: folder / "images" / image["file_name"] for image in content["images"]}
    return [
        Person(
            partial(load_image, files[a["image_id"]]),
            Box.from_xywh(*a["bbox"]),
            np.array(a["keypoints"], np.float32).reshape(17, 3),
        )
        for a in content["annotations"]
        if a["num_keypoints"] > 0 and not a["iscrowd"]
    ]


def lspet(folder: Path) -> list[Person]:
    content = json.loads((folder / "joints.json").read_text())
    people = []
    for record in content["records"]:
        joints = np.array(record["joints"], np.float32)
        known = joints[joints[:, 2] > 0, :2]
        if not len(known):
            continue
        center, size = (known.min(0) + known.max(0)) / 2, np.ptp(known, axis=0) * 1.15
        keypoints = np.zeros((17, 3), np.float32)
        for name, joint in zip(content["names"], joints, strict=True):
            if name in COCO_17.keypoints:
                keypoints[COCO_17.index(name)] = joint
        box = Box.from_xywh(*(float(v) for v in center - size / 2), *(float(v) for v in size))
        image = partial(load_image, folder / "images" / record["image"])
        people.append(Person(image, box, keypoints))
    return people


def errors(net: TopDown | FlipTest, people: list[Person], *, limbs: int, flag: int) -> Floats:
    """(people, 12) distances in torsos, NaN where a limb keypoint does not count."""
    rows = []
    for person in people:
        left, right = person.keypoints[5], person.keypoints[12]
        counts = person.keypoints[LIMBS, 2] >= flag
        torso = float(np.hypot(*(left - right)[:2]))
        if min(left[2], right[2]) <= 0 or counts.sum() < limbs or torso < 1:
            continue
        points, _ = decode(net.heatmaps(person.image(), [person.box]))[0]
        far = np.hypot(*(points[LIMBS] - person.keypoints[LIMBS, :2]).T) / torso
        rows.append(np.where(counts, far, np.nan))
    return np.array(rows, np.float32)


def pck(far: Floats) -> dict[str, Any]:
    known, hit = ~np.isnan(far), far < 0.2
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(far), (1000, len(far)))
    spread = [hit[d].sum() / known[d].sum() for d in draws]
    low, high = np.percentile(spread, [2.5, 97.5])
    share = float(hit.sum() / known.sum())
    return {"people": len(far), "pck": share, "low": float(low), "high": float(high)}


def pictures(folders: list[Path]) -> Iterator[Picture]:
    for folder in folders:
        content = json.loads((folder / "person_keypoints.json").read_text())
        for record in content["images"]:
            own = [a for a in content["annotations"] if a["image_id"] == record["id"]]
            boxes = [Box.from_xywh(*a["bbox"]) for a in own]
            crowd = [bool(a["iscrowd"]) for a in own]
            counts = [b.height > TALL and not c for b, c in zip(boxes, crowd, strict=True)]
            yield Picture(load_image(folder / "images" / record["file_name"]), boxes, crowd, counts)


def finder_recall(finder: FindsPeople, pictures: Iterable[Picture]) -> dict[str, Any]:
    scores, hits, wanted, seen = [], [], 0, 0
    for picture in pictures:
        seen += 1
        wanted += sum(picture.counts)
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
    order = np.argsort(scores, kind="stable")[::-1]
    right = np.array(hits)[order]
    wrong = np.cumsum(~right)
    allowed = wrong <= seen
    found_all = {
        f"recall_at_{limit}": float(right[wrong <= limit * seen].sum() / wanted)
        for limit in (0.25, 0.5, 1.0)
    }
    return {
        "people": wanted,
        "pictures": seen,
        "threshold": float(np.array(scores)[order][allowed][-1]),
        **found_all,
    }


def _within(found: Box, crowd: Box) -> bool:
    """Whether most of a box lies in a crowd region."""
    width = min(found.right, crowd.right) - max(found.left, crowd.left)
    height = min(found.bottom, crowd.bottom) - max(found.top, crowd.top)
    return max(width, 0.0) * max(height, 0.0) > 0.5 * found.area


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path)
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--only", choices=("slow", FLIPPED, "fast", "finder"), action="append")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    folders = [options.media / name for name in COCO_SETS]
    sets = {
        "coco, visible": ([p for f in folders for p in coco(f)], 10, 2),
        "coco, labelled": ([p for f in folders for p in coco(f)], 10, 1),
        "lspet": (lspet(options.media / "lspet"), 1, 1),
    }
    result: dict[str, Any] = {}
    for role in options.only or ("slow", FLIPPED, "fast", "finder"):
        if role == "finder":
            finder = zoo.finder("cpu", folder=options.weights, least_score=0.02)
            result[role] = finder_recall(finder, pictures(folders))
            print(role, json.dumps(result[role]))
            continue
        bare = role.split()[0]
        net = zoo.topdown(bare, "cpu", options.weights)
        if role == FLIPPED:
            net = FlipTest(net, shift=1)
        for name, (people, limbs, flag) in sets.items():
            found = pck(errors(net, people, limbs=limbs, flag=flag))
            result[f"{role} {name}"] = found
            print(
                f"{role:12} {name:15} PCK@0.2 {found['pck']:.3f} "
                f"[{found['low']:.3f}, {found['high']:.3f}]  {found['people']} people",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
