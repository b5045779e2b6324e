"""PosetrackSink: PoseTrack18 JSON of the whole video, written at its end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from data.frame import FrameResult
from data.pose import Pose
from data.posetrack import Annotated, Person, Sequence, image_ids, write
from data.result import rounded
from data.skeleton import POSETRACK_17, Skeleton


class PosetrackSink:
    """Keeps each frame's people and writes the file when the stream has ended.

    The format is one JSON object, so memory grows with the video: about two kilobytes per person
    and frame. People without a track get 0 as theirs, a number that no tracked person has.
    """

    def __init__(self, path: Path, skeleton: Skeleton, *, video: str) -> None:
        self._path = path
        self._skeleton = skeleton
        self._video = video
        self._frames: list[tuple[tuple[int, int], tuple[Person, ...]]] = []
        self._open = True

    def write(self, result: FrameResult) -> None:
        people = tuple(_person(pose, self._skeleton) for pose in rounded(result).poses)
        self._frames.append((result.frame.size, people))

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        frames = tuple(
            Annotated(f"images/{self._video}/{index:06d}.jpg", people, number, size=size)
            for index, (number, (size, people)) in enumerate(
                zip(image_ids(self._video, len(self._frames)), self._frames, strict=True)
            )
        )
        write(Sequence(self._video, frames), self._path)

    def abandon(self) -> None:
        self._open = False


def _person(pose: Pose, skeleton: Skeleton) -> Person:
    """A pose as the format has it; rounded again, since float32 has no short decimals."""
    person = Person.of(skeleton.convert(pose, POSETRACK_17), track=pose.track or 0)
    scores = None if person.scores is None else person.scores.round(4)
    return replace(person, keypoints=person.keypoints.round(2), scores=scores)
