"""Where people come from: a detector, a one-stage backend, or annotations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from data.errors import AnnotationError
from data.frame import Frame, Image
from data.pose import Box
from data.posetrack import Sequence, box_around
from models.backends.base import PoseBackend


class PeopleFinder(Protocol):
    """Finds the people of a frame."""

    def find(self, frame: Frame) -> list[Box]:
        """Their boxes, in any order; an empty list where there are none."""


@dataclass(frozen=True, slots=True)
class FromDetector:
    """The boxes of a person detector: a callable from an RGB image to boxes."""

    detect: Callable[[Image], list[Box]]

    def find(self, frame: Frame) -> list[Box]:
        return self.detect(frame.image)


@dataclass(frozen=True, slots=True)
class FromBackend:
    """The boxes of a one-stage backend's poses, of those that score `least_score` or more; its
    keypoints are not used."""

    backend: PoseBackend
    least_score: float = 0.0

    def find(self, frame: Frame) -> list[Box]:
        poses = self.backend.poses(frame.image)
        return [pose.box for pose in poses if pose.score >= self.least_score]


@dataclass(frozen=True, slots=True)
class FromAnnotations:
    """The annotated boxes of a sequence whose frames are the stream's, in order.

    A person without a box gets the box around the labelled keypoints, as PoseTrack17's does.
    """

    sequence: Sequence

    def find(self, frame: Frame) -> list[Box]:
        if frame.index >= len(self.sequence.frames):
            raise AnnotationError(
                f"Frame {frame.index} of the video has no annotation: {self.sequence.name} ends "
                f"after {len(self.sequence.frames)} frames. Give the annotations of this video."
            )
        boxes = []
        for person in self.sequence.frames[frame.index].people:
            known = person.keypoints[person.visibility > 0]
            if person.box is not None:
                boxes.append(person.box)
            elif len(known):
                boxes.append(box_around(known.astype("float32")))
        return boxes
