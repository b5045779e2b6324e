"""What annotation files lack and training needs: boxes of people and sizes of images."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import AnnotationError, SourceError
from data.json_fields import Doubles
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence
from data.sources.folder import read_as_stored

_GROWN = 1.2  # FSPose specification 6.5


@dataclass(frozen=True, slots=True)
class Filling:
    """How much was filled in, or left out."""

    boxes: int = 0
    sizes: int = 0
    outside: int = 0

    def __add__(self, other: Filling) -> Filling:
        return Filling(
            self.boxes + other.boxes, self.sizes + other.sizes, self.outside + other.outside
        )


def box_of_points(points: Doubles) -> Box:
    """PoseTrack's box of (N, 2) labelled points, grown about its centre; no size without points.

    The published rule (FSPose specification 6.5): from the least to the greatest plus one pixel,
    1.2 times as large.
    """
    if not len(points):
        return Box(0.0, 0.0, 0.0, 0.0)
    low, high = points.min(0), points.max(0) + 1
    center, reach = (low + high) / 2, (high - low) / 2 * _GROWN
    (left, top), (right, bottom) = (center - reach).tolist(), (center + reach).tolist()
    return Box(left, top, right, bottom)


def with_boxes(sequence: Sequence) -> tuple[Sequence, Filling]:
    """The sequence with a box for everyone, from the keypoints where the file has none."""
    lacking = sum(person.box is None for frame in sequence.frames for person in frame.people)
    if not lacking:
        return sequence, Filling()
    frames = tuple(
        replace(frame, people=tuple(_boxed(person) for person in frame.people))
        for frame in sequence.frames
    )
    return replace(sequence, frames=frames), Filling(boxes=lacking)


def with_sizes(sequence: Sequence, images: Path | None) -> tuple[Sequence, Filling]:
    """The sequence with a size for every frame, from the video's first image below `images`.

    The frames of a video are of one size, so one image is opened, but all must be there. Raises
    AnnotationError where sizes are missing and no folder is named, SourceError for an image that
    is missing or cannot be read.
    """
    if images is not None:
        paths = [_image_path(images, frame, sequence.name) for frame in sequence.frames]
    lacking = [frame for frame in sequence.frames if frame.size is None]
    if not lacking:
        return sequence, Filling()
    if images is None:
        raise AnnotationError(
            f"{sequence.name}: image {lacking[0].frame_name!r} has no width and height. "
            "Name the folder of the images with --images."
        )
    height, width = read_as_stored(paths[0]).shape[:2]
    frames = tuple(replace(frame, size=frame.size or (width, height)) for frame in sequence.frames)
    return replace(sequence, frames=frames), Filling(sizes=len(lacking))


def check_boxes(sequence: Sequence) -> None:
    """Raise AnnotationError for a box that lies wholly outside of its picture."""
    for frame in sequence.frames:
        for person in frame.people:
            if person.box and frame.size and _is_outside(person.box, frame.size):
                width, height = frame.size
                box = [round(value, 2) for value in person.box.xywh]
                raise AnnotationError(
                    f"{sequence.name}: the box {box} of track {person.track} lies outside of "
                    f"image {frame.frame_name!r} of {width}x{height} pixels. "
                    "Mend it, or leave such people out with --skip-outside."
                )


def without_outside(sequence: Sequence) -> tuple[Sequence, Filling]:
    """The sequence without the people whose box lies wholly outside of its picture."""
    frames = tuple(replace(frame, people=_inside(frame)) for frame in sequence.frames)
    before, after = (sum(len(f.people) for f in each) for each in (sequence.frames, frames))
    return replace(sequence, frames=frames), Filling(outside=before - after)


def _inside(frame: Annotated) -> tuple[Person, ...]:
    size = frame.size
    if size is None:
        return frame.people
    return tuple(p for p in frame.people if p.box is None or not _is_outside(p.box, size))


def _is_outside(box: Box, size: tuple[int, int]) -> bool:
    """Whether nothing of a box is inside; one without area stands for nobody, and is not."""
    beyond = box.left >= size[0] or box.top >= size[1]
    return box.area > 0 and (beyond or box.right <= 0 or box.bottom <= 0)


def _boxed(person: Person) -> Person:
    return (
        person
        if person.box
        else replace(person, box=box_of_points(person.keypoints[person.present]))
    )


def _image_path(images: Path, frame: Annotated, name: str) -> Path:
    """Where an image lies: below the folder that holds `images/`, or below that one itself."""
    for relative in (frame.frame_name, frame.frame_name.removeprefix("images/")):
        if os.path.isfile(images / relative):  # False also of names that no file can have
            return images / relative
    raise SourceError(
        f"{images}: image {frame.frame_name!r} of {name} is missing. "
        "Put it there, or name another folder with --images."
    )
