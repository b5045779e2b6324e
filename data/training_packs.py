"""The training packs on disk: crops of single people, and whole pictures with person boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import AnnotationError
from data.flat_images import is_there, read_flat, write_flat
from data.frame import Image
from data.image_store import Shards, require
from data.json_fields import load_json, numbers, required, shown
from data.people_set import Portrait, Shot
from data.pose import Floats
from data.skeleton import COCO_17, FSPOSE_19

_LABELLED_BY_COCO = np.array([k in COCO_17.keypoints for k in FSPOSE_19.keypoints])
FILE = "annotations.json"
PACKED = ("people", "pictures")  # what is decoded into a cache
EXTENT = 1.15  # LSPET has no person box: the joints' extent, enlarged (as its evaluation does)

Entry = dict[str, Any]


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
    """The packs `coco_people` and `lspet` of a folder; decoded once into `cache`.

    Raises AnnotationError, and SourceError for pictures that are missing or cannot be read.
    """
    keypoints, boxes, absent, held_out = [], [], [], []
    records: dict[Path, list[Entry]] = {}
    for name in ("coco_people", "lspet"):
        pack, is_coco = _Pack.of(packs / name), name == "coco_people"
        people = pack.people(with_boxes=is_coco)
        records[pack.path] = [record for record in pack.images if record["id"] in people]
        for record in records[pack.path]:
            joints, box = people[record["id"]]
            keypoints.append(joints)
            boxes.append(box)
            absent.append(is_coco)
            # LSPET names no split: every twentieth picture is held out
            held_out.append(record.get("split") == "val" if is_coco else record["id"] % 20 == 0)
    pixels, places = _decoded(records, cache / PACKED[0])
    return People(
        pixels,
        places,
        np.array(keypoints, np.float32),
        np.array(boxes, np.float32),
        np.array(absent),
        np.array(held_out),
    )


def read_pictures(packs: Path, cache: Path) -> Pictures:
    """The pack `coco_images` of a folder; decoded once into `cache`.

    Raises AnnotationError, and SourceError for pictures that are missing or cannot be read.
    """
    pack = _Pack.of(packs / "coco_images")
    boxes = pack.boxes()
    pixels, places = _decoded({pack.path: pack.images}, cache / PACKED[1])
    return Pictures(
        pixels,
        places,
        tuple(np.array(boxes.get(r["id"], []), np.float32).reshape(-1, 5) for r in pack.images),
        np.array([bool(r.get("boxes_complete")) for r in pack.images]),
        np.array([r.get("split") == "val" for r in pack.images]),
    )


def extent(joints: Floats) -> list[float]:
    """A box (x, y, width, height) around the labelled ones of (19, 3) joints, a little enlarged."""
    points = joints[joints[:, 2] > 0, :2]
    low, high = points.min(0), points.max(0)
    center, size = (low + high) / 2, (high - low) * EXTENT
    return [*(center - size / 2), *size]


@dataclass(frozen=True, slots=True)
class _Pack:
    """A pack's annotations, of which images are known to have an id, a name and a shard."""

    path: Path
    images: list[Entry]
    annotations: list[Entry]
    categories: Any

    @classmethod
    def of(cls, path: Path) -> _Pack:
        file = path / FILE
        if not file.is_file():
            raise AnnotationError(
                f"{path} is no training pack: it holds no {FILE}. The packs' folder holds "
                "coco_people, coco_images and lspet."
            )
        content = load_json(file)
        images = required(content, "images", list, f"{file}")
        for place, record in enumerate(images):
            _check_record(record, f"{file}: images[{place}]")
        annotations = required(content, "annotations", list, f"{file}")
        for place, entry in enumerate(annotations):
            required(entry, "image_id", int, f"{file}: annotations[{place}]")
        return cls(path, images, annotations, content.get("categories"))

    def people(self, *, with_boxes: bool) -> dict[int, tuple[Floats, list[float]]]:
        """Keypoints (19, 3) and box of the person on each image, but for suspect ones."""
        names, found = self._names(), {}
        known = [n for n, name in enumerate(names) if name in FSPOSE_19.keypoints]
        order = [FSPOSE_19.index(names[n]) for n in known]
        for place, entry in self._placed():
            if entry.get("suspect"):
                continue
            flat = numbers(entry.get("keypoints"), 3 * len(names), f"{place}.keypoints")
            joints = np.zeros((len(FSPOSE_19), 3), np.float32)
            joints[order] = flat.reshape(-1, 3)[known]
            if not (joints[:, 2] > 0).any():
                raise AnnotationError(f"{place}.keypoints: expected one that is labelled.")
            found[entry["image_id"]] = joints, _box(entry, place) if with_boxes else extent(joints)
        return found

    def boxes(self) -> dict[int, list[list[float]]]:
        """Everybody's box of an image, and 1 where it is a crowd's."""
        found: dict[int, list[list[float]]] = {}
        for place, entry in self._placed():
            crowd = float(bool(entry.get("iscrowd")))
            found.setdefault(entry["image_id"], []).append([*_box(entry, place), crowd])
        return found

    def _placed(self) -> Iterator[tuple[str, Entry]]:
        """Each annotation with its place, for messages."""
        for number, entry in enumerate(self.annotations):
            yield f"{self.path / FILE}: annotations[{number}]", entry

    def _names(self) -> list[str]:
        place = f"{self.path / FILE}: categories[0]"
        first = self.categories[0] if isinstance(self.categories, list) and self.categories else {}
        names: list[str] = required(first, "keypoints", list, place)
        if not all(isinstance(n, str) for n in names) or len(set(names)) != len(names):
            raise AnnotationError(f"{place}.keypoints: expected names, each once.")
        return names


def _check_record(record: Any, place: str) -> None:
    required(record, "id", int, place)
    required(record, "file_name", str, place)
    shard = required(record, "shard", str, place)
    if "\0" in shard or shard in ("", "..") or Path(shard).name != shard:
        raise AnnotationError(f"{place}.shard: expected a file of the pack, found {shown(shard)}.")


def _box(entry: Entry, place: str) -> list[float]:
    box: list[float] = numbers(entry.get("bbox"), 4, f"{place}.bbox").tolist()
    if min(box[2:]) <= 0:
        raise AnnotationError(f"{place}.bbox: expected a width and a height, found {shown(box)}.")
    return box


def _decoded(
    records: Mapping[Path, list[Entry]], cache: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All pictures of the packs as one mapped file, and (start, height, width) of each."""
    count = sum(map(len, records.values()))
    if not count:
        raise AnnotationError(f"{' and '.join(map(str, records))}: there is nobody to learn from.")
    if not is_there(cache):
        stores = {pack: _shards(pack, entries) for pack, entries in records.items()}
        names = ((stores[p], e["file_name"]) for p, entries in records.items() for e in entries)
        write_flat((shards.read(name) for shards, name in names), cache)
    return read_flat(cache, count)


def _shards(pack: Path, records: list[Entry]) -> Shards:
    """The shards of a pack. Raises SourceError unless every image is there."""
    shards = Shards.of(pack, sorted({pack / record["shard"] for record in records}))
    require(shards, (record["file_name"] for record in records))
    return shards
