"""Annotated images to learn from: COCO keypoint JSON or PoseTrack annotations, on FSPOSE_19."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.coco import read_coco
from data.image_store import ImageStore
from data.json_fields import load_json
from data.people_set import Flags, Portrait, Shot
from data.pose import Floats
from data.posetrack_set import read_set, usable_box
from data.skeleton import FSPOSE_19, POSETRACK_17, Skeleton


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedImages:
    """Images by name with everyone on them.

    Person n is on image `images[n]` with `keypoints[n]` (19, 3) and `boxes[n]` (4,), x, y, width,
    height; `shown[m]` are all boxes (P, 5) of image m, 1 where it is to be ignored. `absent` (19,)
    says for which keypoints no label means no keypoint. `groups[m]` are held out together: an
    image, or a video. `outside` counts the keypoints beyond their image, which are not used, and
    `unlabelled` the people without a keypoint, who are only boxes.
    """

    store: ImageStore
    names: tuple[str, ...]
    images: tuple[int, ...]
    keypoints: Floats
    boxes: Floats
    shown: tuple[Floats, ...]
    absent: Flags
    groups: tuple[str, ...]
    outside: int
    unlabelled: int

    def notes(self, path: Path) -> tuple[str, ...]:
        """What the person should know of `path`."""
        found = []
        if self.outside:
            found.append(f"{path}: keypoints outside their image, not used: {self.outside}.")
        if self.unlabelled:
            found.append(f"{path}: people without a keypoint, only boxes: {self.unlabelled}.")
        return tuple(found)

    def every(self, share: float) -> Flags:
        """(M,): about `share` of all images, as `every` chooses them."""
        return every(self.groups, share)


def every(groups: Sequence[str], share: float) -> Flags:
    """(M,): the images of every so many-th group, evenly spread, about `share` of all.

    Of few groups, but more than four, it is one.
    """
    names = list(dict.fromkeys(groups))
    step = round(1 / share) if share > 0 else 0
    held = set(names[step - 1 :: step]) if step else set()
    if step and not held and len(names) > 4:
        held = {names[-1]}
    return np.array([group in held for group in groups], bool)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedPeople:
    """The labelled people of annotated images as a PeopleSet."""

    source: AnnotatedImages
    held_out: Flags

    def __len__(self) -> int:
        return len(self.source.images)

    def portrait(self, index: int, rng: np.random.Generator) -> Portrait:
        """SourceError for an image that cannot be read."""
        own = self.source
        image = own.store.read(own.names[own.images[index]])
        return Portrait(image, own.keypoints[index], own.boxes[index], own.absent)


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedPictures:
    """The same images as a PictureSet."""

    source: AnnotatedImages
    held_out: Flags

    def __len__(self) -> int:
        return len(self.source.names)

    def shot(self, index: int, rng: np.random.Generator) -> Shot:
        """SourceError for an image that cannot be read."""
        own = self.source
        return Shot(own.store.read(own.names[index]), own.shown[index], True)


def read_annotated(path: Path, store: ImageStore) -> AnnotatedImages:
    """The images of a COCO keypoint JSON, a folder of PoseTrack files, or one of them.

    Raises AnnotationError. Images are looked for when they are read.
    """
    return _of_coco(path, store) if is_coco(path) else _of_posetrack(path, store)


def is_coco(path: Path) -> bool:
    """A JSON file of images and people without tracks, which PoseTrack's have."""
    if not path.is_file() or path.suffix.lower() != ".json":
        return False
    content = load_json(path)
    if not isinstance(content, dict) or "annolist" in content:
        return False
    people = content.get("annotations")
    entries = people if isinstance(people, list) else []
    return not any(isinstance(entry, dict) and "track_id" in entry for entry in entries)


def _of_coco(path: Path, store: ImageStore) -> AnnotatedImages:
    content = read_coco(path)
    gathered = _Gathered(store, content.skeleton)
    places = {
        number: gathered.image(i.file_name, i.file_name, i.size)
        for number, i in content.images.items()
    }
    for person in content.people:
        box = np.array(person.pose.box.xywh, np.float32)
        place = places[person.image_id]
        labels = None if person.is_crowd else (person.pose.keypoints, person.pose.scores > 0)
        gathered.person(place, box, labels, ignored=person.is_crowd)
    # people of COCO are labelled with all that can be seen of them
    return gathered.closed(absent=_has(content.skeleton))


def _of_posetrack(path: Path, store: ImageStore) -> AnnotatedImages:
    gathered = _Gathered(store, POSETRACK_17)
    for sequence in read_set(path).sequences:
        for frame in sequence.frames:
            if not frame.is_labeled:
                continue
            place = gathered.image(frame.frame_name, sequence.name, frame.size)
            for region in frame.ignore:
                low, high = region.min(0), region.max(0)
                gathered.person(
                    place, np.array([*low, *(high - low)], np.float32), None, ignored=True
                )
            for person in frame.people:
                own = person.box or person.pose.box
                box = usable_box(person, frame.size) if frame.size else own
                if box is None or box.area <= 0:
                    continue
                labels = person.keypoints.astype(np.float32), person.visibility > 0
                gathered.person(place, np.array(box.xywh, np.float32), labels, ignored=False)
    return gathered.closed(absent=np.zeros(len(FSPOSE_19), bool))


def _has(skeleton: Skeleton) -> Flags:
    """(19,): the keypoints that a skeleton has."""
    return np.array([name in skeleton.keypoints for name in FSPOSE_19.keypoints])


class _Gathered:
    """Annotated images under way."""

    def __init__(self, store: ImageStore, skeleton: Skeleton) -> None:
        self._store = store
        shared = [k for k in skeleton.keypoints if k in FSPOSE_19.keypoints]
        self._from = [skeleton.index(k) for k in shared]
        self._to = [FSPOSE_19.index(k) for k in shared]
        self._names: list[str] = []
        self._groups: list[str] = []
        self._sizes: list[tuple[int, int] | None] = []
        self._shown: list[list[Floats]] = []
        self._images: list[int] = []
        self._keypoints: list[Floats] = []
        self._boxes: list[Floats] = []
        self._outside = self._unlabelled = 0

    def image(self, name: str, group: str, size: tuple[int, int] | None) -> int:
        """One more image; its place."""
        self._names.append(name)
        self._groups.append(group)
        self._sizes.append(size)
        self._shown.append([])
        return len(self._names) - 1

    def person(
        self,
        place: int,
        box: Floats,
        labels: tuple[Floats, Flags] | None,
        *,
        ignored: bool,
    ) -> None:
        """One more box (4,) on an image, with keypoints (J, 2) and which of them are labelled."""
        self._shown[place].append(np.array([*box, ignored], np.float32))
        if labels is None or box[2] <= 0 or box[3] <= 0:
            return
        joints = np.zeros((len(FSPOSE_19), 3), np.float32)
        joints[self._to, :2] = labels[0][self._from]
        joints[self._to, 2] = labels[1][self._from]
        size = self._sizes[place]
        if size is not None:
            beyond = ((joints[:, :2] < 0) | (joints[:, :2] > size)).any(1) & (joints[:, 2] > 0)
            self._outside += int(beyond.sum())
            joints[beyond] = 0
        if not joints[:, 2].any():
            self._unlabelled += 1
            return
        self._images.append(place)
        self._keypoints.append(joints)
        self._boxes.append(box)

    def closed(self, absent: Flags) -> AnnotatedImages:
        return AnnotatedImages(
            self._store,
            tuple(self._names),
            tuple(self._images),
            np.array(self._keypoints, np.float32).reshape(-1, len(FSPOSE_19), 3),
            np.array(self._boxes, np.float32).reshape(-1, 4),
            tuple(_stacked(boxes) for boxes in self._shown),
            absent,
            tuple(self._groups),
            self._outside,
            self._unlabelled,
        )


def _stacked(boxes: Sequence[Floats]) -> Floats:
    return np.array(boxes, np.float32).reshape(-1, 5)
