"""The people of an annotated set as training reads them: a cleaned box, keypoints, and weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.crop import Crop
from data.errors import AnnotationError, SourceError
from data.heatmap_store import Key, key_of
from data.json_fields import Doubles
from data.pose import Box, Pose
from data.posetrack_set import AnnotatedSet, usable_box

PADDING = 1.25  # the room around a person's box (FSPose specification 1.3)

Locate = Callable[[str], Path]
"""The path of the image that an annotation calls by a name."""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One person on one frame.

    `keypoints` (17, 2) are in pixels of the image. `visible` (17,) is 1 where a keypoint is
    annotated and 0 elsewhere, as always at the ears: such a keypoint teaches nothing.
    """

    frame_name: str
    key: Key
    box: Box
    keypoints: Doubles
    visible: Doubles

    @property
    def pose(self) -> Pose:
        """The person on POSETRACK_17, with score 1 where a keypoint is annotated."""
        scores = self.visible.astype(np.float32)
        return Pose(self.keypoints.astype(np.float32), scores, self.box, 1.0)

    def crop(self, size: tuple[int, int]) -> Crop:
        """What a network of that input (width, height) sees of the person, not varied."""
        return Crop.around(self.box, size, PADDING)


def subjects(annotated: AnnotatedSet) -> list[Subject]:
    """Everyone with a keypoint and a usable box, frame by frame (FSPose specification 1.3, 6.2).

    Raises AnnotationError for a frame of unknown size and where nobody is left.
    """
    found = []
    for sequence in annotated.sequences:
        for frame in sequence.frames:
            if frame.people and frame.size is None:
                raise AnnotationError(
                    f"{frame.frame_name}: width and height are not annotated. "
                    "`fspose data posetrack prepare` fills them in."
                )
            for person in frame.people:
                box = None if frame.size is None else usable_box(person, frame.size)
                if box is not None:
                    key = key_of(frame.frame_name, person.track)
                    visible = person.visibility.clip(0, 1)
                    found.append(Subject(frame.frame_name, key, box, person.keypoints, visible))
    if not found:
        raise AnnotationError("Nobody in the annotations has a keypoint and a box to learn from.")
    return found


def require_images(people: Sequence[Subject], locate: Locate) -> None:
    """SourceError unless everybody's image is there; else training would break off far in."""
    names = list(dict.fromkeys(subject.frame_name for subject in people))
    missing = [name for name in names if not locate(name).is_file()]
    if missing:
        raise SourceError(
            f"{len(missing)} of {len(names)} images are missing, the first is "
            f"{locate(missing[0])}. Name the folder that the annotations' image paths start from, "
            "or take these frames out of the annotations."
        )
