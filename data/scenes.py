"""Scenes: whole images with everyone on them, on one skeleton; what one-stage detectors learn from.

Read from COCO's or ScenePeoplePose's keypoint JSON, or from PoseTrack annotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from data.annotated_images import is_coco
from data.coco import read_coco
from data.frame import Image
from data.image_store import ImageStore
from data.people_set import Flags
from data.pose import Floats
from data.posetrack_set import read_set, usable_box
from data.skeleton import POSETRACK_17, Skeleton


class ScenePeople(NamedTuple):
    """The n people of an image, in its pixels.

    `boxes` (n, 4): left, top, right, bottom. `keypoints` (n, K, 3): x, y and a flag, more than 0
    where labelled. `areas` (n,): square pixels of the person, as annotated. `labelled` (n,): how
    many keypoints the annotation has, whatever was cut off since.
    """

    boxes: Floats
    keypoints: Floats
    areas: Floats
    labelled: Floats

    def only(self, chosen: Flags) -> ScenePeople:
        """Some of them, by a mask (n,)."""
        return ScenePeople(*(part[chosen] for part in self))


class Scene(NamedTuple):
    """An RGB image (h, w, 3) and its people."""

    image: Image
    people: ScenePeople


class SceneSet(Protocol):
    """Scenes to learn from; `wide` (N,) marks images that are wider than high, where known."""

    @property
    def wide(self) -> Flags: ...

    def __len__(self) -> int: ...

    def people_of(self, index: int) -> ScenePeople:
        """The people of one, without its image."""

    def scene(self, index: int) -> Scene:
        """One of them. Several threads may ask at a time. SourceError where it cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class AnnotatedScenes:
    """Images by name with everyone on them; regions of crowds are left out.

    `ids[n]` is the number that the file gives the image, its place where it gives none, and
    `groups[n]` what is held out together: an image, or a video. `sizes[n]` is (width, height).
    """

    store: ImageStore
    names: tuple[str, ...]
    ids: tuple[int, ...]
    groups: tuple[str, ...]
    sizes: tuple[tuple[int, int] | None, ...]
    people: tuple[ScenePeople, ...]

    @property
    def wide(self) -> Flags:
        return np.array([size is None or size[0] > size[1] for size in self.sizes], bool)

    def __len__(self) -> int:
        return len(self.names)

    def people_of(self, index: int) -> ScenePeople:
        return self.people[index]

    def scene(self, index: int) -> Scene:
        return Scene(self.store.read(self.names[index]), self.people[index])

    def with_people(self, least_keypoints: int) -> Flags:
        """(N,): where there is somebody, and so many keypoints are labelled on all together."""
        return np.array(
            [len(p.boxes) > 0 and p.labelled.sum() >= least_keypoints for p in self.people], bool
        )


def read_scenes(path: Path, store: ImageStore, skeleton: Skeleton) -> AnnotatedScenes:
    """The images of a COCO keypoint JSON, a folder of PoseTrack files, or one of them.

    Keypoints are those of `skeleton`; those that the file does not know are not labelled. People
    whose box has no width or height, or lies beside the image, are left out. Raises
    AnnotationError. Images are looked for when they are read.
    """
    gathered = _of_coco(path, skeleton) if is_coco(path) else _of_posetrack(path, skeleton)
    rows = gathered.images.values()
    return AnnotatedScenes(
        store,
        tuple(row.name for row in rows),
        tuple(gathered.images),
        tuple(row.group for row in rows),
        tuple(row.size for row in rows),
        tuple(_joined(row.people, len(skeleton)) for row in rows),
    )


class _Person(NamedTuple):
    """`box` (4,): left, top, right, bottom; `keypoints` (K, 3)."""

    box: Floats
    keypoints: Floats
    area: float


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    name: str
    group: str
    size: tuple[int, int] | None
    people: list[_Person]


AREA_OF_BOX = 0.53  # what CrowdPose's evaluation takes, whose files have no areas


class _Gathered:
    """Scenes under way: the images by their number."""

    def __init__(self, own: Skeleton, wanted: Skeleton) -> None:
        self.images: dict[int, _Row] = {}
        shared = [keypoint for keypoint in wanted.keypoints if keypoint in own.keypoints]
        self._from = [own.index(keypoint) for keypoint in shared]
        self._to = [wanted.index(keypoint) for keypoint in shared]
        self._count = len(wanted)

    def person(
        self, image: int, xywh: Sequence[float], points: Floats, flags: Floats, area: float | None
    ) -> None:
        """One more; where no `area` is known it is a share of the box."""
        row = self.images[image]
        left, top, width, height = xywh
        right, bottom = left + width, top + height
        beside = row.size is not None and (
            right <= 0 or bottom <= 0 or left >= row.size[0] or top >= row.size[1]
        )
        if width < 1 or height < 1 or beside:
            return
        keypoints = np.zeros((self._count, 3), np.float32)
        keypoints[self._to, :2], keypoints[self._to, 2] = points[self._from], flags[self._from]
        keypoints[keypoints[:, 2] <= 0] = 0
        box = np.array([left, top, right, bottom], np.float32)
        area = AREA_OF_BOX * width * height if area is None else area
        if area > 0:
            row.people.append(_Person(box, keypoints, area))


AREA_OF_BOX = 0.53  # what ScenePeoplePose's evaluation takes, whose files have no areas


def _of_coco(path: Path, skeleton: Skeleton) -> _Gathered:
    content = read_coco(path)
    gathered = _Gathered(content.skeleton, skeleton)
    for number, image in content.images.items():
        gathered.images[number] = _Row(image.file_name, image.file_name, image.size, [])
    for person in content.people:
        if person.is_crowd:
            continue
        pose = person.pose
        gathered.person(person.image_id, pose.box.xywh, pose.keypoints, pose.scores, person.area)
    return gathered


def _of_posetrack(path: Path, skeleton: Skeleton) -> _Gathered:
    gathered = _Gathered(POSETRACK_17, skeleton)
    for sequence in read_set(path).sequences:
        for frame in sequence.frames:
            if not frame.is_labeled:
                continue
            number = len(gathered.images)
            gathered.images[number] = _Row(frame.frame_name, sequence.name, frame.size, [])
            for person in frame.people:
                own = person.box or person.pose.box
                box = usable_box(person, frame.size) if frame.size else own
                if box is None:
                    continue
                flags = (person.visibility > 0).astype(np.float32)
                points = person.keypoints.astype(np.float32)
                gathered.person(number, box.xywh, points, flags, None)
    return gathered


def _joined(people: Sequence[_Person], keypoints: int) -> ScenePeople:
    points = np.array([p.keypoints for p in people], np.float32).reshape(-1, keypoints, 3)
    return ScenePeople(
        np.array([p.box for p in people], np.float32).reshape(-1, 4),
        points,
        np.array([p.area for p in people], np.float32),
        (points[..., 2] > 0).sum(1).astype(np.float32),
    )
