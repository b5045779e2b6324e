"""The training packs on disk: crops of single people, and whole pictures with person boxes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import AnnotationError
from data.frame import Image
from data.image_store import Shards, require
from data.people_set import Portrait, Shot
from data.pose import Floats
from data.skeleton import COCO_17, FSPOSE_19

_LABELLED_BY_COCO = np.array([k in COCO_17.keypoints for k in FSPOSE_19.keypoints])
EXTENT = 1.15  # LSPET has no person box: the joints' extent, enlarged (as its evaluation does)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Crops of single people, kept in one flat file that is mapped, not read.

    `keypoints` is (N, 19, 3): x, y in pixels of the crop and a flag: 2 seen, 1 hidden but known,
    0 not labelled. `boxes` is (N, 4): x, y, width, height. `absent_is_known[n]` says that a
    keypoint without label is most likely not in the picture (COCO) instead of unknown (LSPET).
    `held_out[n]` marks the packs' validation split.
    """

    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    keypoints: Floats
    boxes: Floats
    absent_is_known: NDArray[np.bool_]
    held_out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.places)

    def image(self, index: int) -> Image:
        start, height, width = (int(v) for v in self.places[index])
        return np.asarray(self.pixels[start : start + height * width * 3]).reshape(height, width, 3)

    def portrait(self, index: int, rng: np.random.Generator) -> Portrait:
        """A person of the pack, as a PeopleSet has them."""
        absent = self.absent_is_known[index] & _LABELLED_BY_COCO
        return Portrait(self.image(index), self.keypoints[index], self.boxes[index], absent)


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Whole pictures with every person's box.

    `boxes[n]` is (P, 5): x, y, width, height, and 1 for a crowd region that must be ignored.
    `complete[n]` is false where people may be missing from the annotation.
    """

    pixels: NDArray[np.uint8]
    places: NDArray[np.int64]
    boxes: tuple[Floats, ...]
    complete: NDArray[np.bool_]
    held_out: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.places)

    def image(self, index: int) -> Image:
        start, height, width = (int(v) for v in self.places[index])
        return np.asarray(self.pixels[start : start + height * width * 3]).reshape(height, width, 3)

    def shot(self, index: int, rng: np.random.Generator) -> Shot:
        """A picture of the pack, as a PictureSet has them."""
        return Shot(self.image(index), self.boxes[index], bool(self.complete[index]))


def read_people(packs: Path, cache: Path) -> People:
    """The packs `coco_people` and `lspet` of a folder; decoded once into `cache`."""
    keypoints, boxes, absent, held_out = [], [], [], []
    kept = {}
    for pack in ("coco_people", "lspet"):
        content = _annotations(packs / pack)
        order = [
            FSPOSE_19.index(k)
            for k in content["categories"][0]["keypoints"]
            if k in FSPOSE_19.keypoints
        ]
        people = {a["image_id"]: a for a in content["annotations"] if not a.get("suspect")}
        kept[pack] = {record["id"] for record in content["images"] if record["id"] in people}
        for record in content["images"]:
            if record["id"] not in people:
                continue
            person = people[record["id"]]
            joints = np.zeros((len(FSPOSE_19), 3), np.float32)
            joints[order] = np.array(person["keypoints"], np.float32).reshape(-1, 3)
            keypoints.append(joints)
            boxes.append(person["bbox"] if pack == "coco_people" else extent(joints))
            absent.append(pack == "coco_people")
            # LSPET names no split: every twentieth picture is held out
            held_out.append(
                record["split"] == "val" if pack == "coco_people" else record["id"] % 20 == 0
            )
    pixels, places = _decoded(packs, kept, cache / "people")
    return People(
        pixels,
        places,
        np.array(keypoints, np.float32),
        np.array(boxes, np.float32),
        np.array(absent),
        np.array(held_out),
    )


def read_pictures(packs: Path, cache: Path) -> Pictures:
    """The pack `coco_images` of a folder; decoded once into `cache`."""
    annotations = _annotations(packs / "coco_images")
    people: dict[int, list[list[float]]] = {}
    for person in annotations["annotations"]:
        people.setdefault(person["image_id"], []).append([*person["bbox"], person["iscrowd"]])
    records = annotations["images"]
    kept = {"coco_images": {record["id"] for record in records}}
    pixels, places = _decoded(packs, kept, cache / "pictures")
    return Pictures(
        pixels,
        places,
        tuple(np.array(people.get(r["id"], []), np.float32).reshape(-1, 5) for r in records),
        np.array([r["boxes_complete"] for r in records]),
        np.array([r["split"] == "val" for r in records]),
    )


def extent(joints: Floats) -> list[float]:
    """A box (x, y, width, height) around the labelled ones of (19, 3) joints, a little enlarged."""
    points = joints[joints[:, 2] > 0, :2]
    low, high = points.min(0), points.max(0)
    center, size = (low + high) / 2, (high - low) * EXTENT
    return [*(center - size / 2), *size]


def _annotations(pack: Path) -> dict[str, Any]:
    path = pack / "annotations.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AnnotationError(f"{path}: no training pack: {error}") from error
    return content


def _decoded(
    packs: Path, kept: dict[str, set[int]], cache: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All kept pictures of the packs as one mapped file, and (start, height, width) of each."""
    if not cache.with_suffix(".npy").exists():
        write_flat((image for p, ids in kept.items() for image in _images(packs / p, ids)), cache)
    return np.memmap(cache.with_suffix(".u8"), np.uint8, "r"), np.load(cache.with_suffix(".npy"))


def write_flat(images: Iterable[Image], cache: Path) -> None:
    """Pictures one after another in `cache`.u8, and (start, height, width) of each in .npy."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    places, start = [], 0
    with cache.with_suffix(".u8").open("wb") as file:
        for image in images:
            file.write(np.ascontiguousarray(image).tobytes())
            places.append((start, *image.shape[:2]))
            start += image.size
    # last: it says that the flat file is whole
    np.save(cache.with_suffix(".npy"), np.array(places, np.int64))


def _images(pack: Path, ids: set[int]) -> Iterator[Image]:
    records = [record for record in _annotations(pack)["images"] if record["id"] in ids]
    shards = Shards.of(pack, sorted({pack / record["shard"] for record in records}))
    require(shards, (record["file_name"] for record in records))
    for record in records:
        yield shards.read(record["file_name"])
