"""Predicted people as FSPose and PoseWarper write them for the evaluation: annolist results."""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Sequence as Several
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from data.annolist import JOINTS, frame_number
from data.draft import Draft
from data.errors import AnnotationError
from data.json_fields import Doubles
from data.posetrack import Person, Sequence
from data.skeleton import POSETRACK_15, POSETRACK_17

Records = Callable[[Several[Person]], list[dict[str, Any]]]
"""What makes the people of a frame into its `annorect`."""

NECK = POSETRACK_15.index("head_bottom")
_SHOULDERS = [POSETRACK_17.index("left_shoulder"), POSETRACK_17.index("right_shoulder")]

NOBODY: dict[str, Any] = {
    "annopoints": [{"point": [{"id": [0], "x": [0], "y": [0], "score": [-100.0]}]}],
    "score": [0],
    "track_id": [0],
}
"""What the published code puts into a frame without people."""


def joints(person: Person) -> Doubles:
    """(15, 3): x, y and score of the evaluated joints; the neck is the network's head_bottom.

    `person.scores` are the maps' maxima, `person.score` the box's score, by which they count.
    """
    points = np.column_stack([person.keypoints, _scores(person)])[list(JOINTS)]
    points[:, 2] *= _box_score(person)
    return points


def joints_as_published(person: Person) -> Doubles:
    """(15, 3) as `joints`, but the neck is the midpoint of the shoulders with their mean score.

    The network's own head_bottom is left unused (FSPose specification 6.3).
    """
    points = joints(person)
    shoulders = person.keypoints[_SHOULDERS].mean(0), _scores(person)[_SHOULDERS].mean()
    points[NECK] = *shoulders[0], shoulders[1] * _box_score(person)
    return points


def annorects(people: Several[Person]) -> list[dict[str, Any]]:
    """A frame's records with the people's own tracks and the network's own neck, and no dummy."""
    return [_record(person, joints(person), person.track) for person in people]


def annorects_as_published(people: Several[Person]) -> list[dict[str, Any]]:
    """A frame's records for AP: every track is 1, and nobody is a dummy (specification 8)."""
    return [_record(person, joints_as_published(person), 1) for person in people] or [NOBODY]


def tracked_annorects_as_published(
    people: Several[Person], *, threshold: float = 0.5
) -> list[dict[str, Any]]:
    """A frame's records with the people's own tracks, without boxes that score below `threshold`.

    The published switch `EVAL_TRACKING`, whose threshold is `TRACKING_THRESHOLD`.
    """
    if not people:
        return [NOBODY]
    sure = [person for person in people if _box_score(person) >= threshold]
    return [_record(person, joints_as_published(person), person.track) for person in sure]


def dumps_results(sequence: Sequence, records: Records) -> str:
    """A sequence of predictions as the text of a result file (specification 8).

    `records` makes the people of a frame into its `annorect`. All frames of the video are listed,
    0.. for PoseTrack18 and 1.. for PoseTrack17 (names of eight digits), also those that the
    sequence lacks. Raises AnnotationError for images without or with the same frame number.
    """
    people: dict[int, tuple[Person, ...]] = {}
    for frame in sequence.frames:
        number = frame_number(frame.frame_name)
        if number is None or number in people:
            found = "no frame number" if number is None else "another one's frame number"
            raise AnnotationError(
                f"{frame.frame_name!r} has {found}, which result files are ordered by."
            )
        people[number] = frame.people
    name = PurePosixPath(sequence.frames[0].frame_name) if people else PurePosixPath()
    digits = len(name.stem)
    first = 1 if digits == 8 else 0
    count = sequence.nframes or len(sequence.frames)
    folder = PurePosixPath(*name.parts[-3:-1])
    frames = [
        {
            "image": {"name": f"{folder / f'{number:0{digits}d}'}{name.suffix}"},
            "imgnum": [number],
            "annorect": records(people.get(number, ())),
        }
        for number in sorted(people.keys() | set(range(first, first + count)))
    ]
    return json.dumps({"annolist": frames}, separators=(",", ":"))


def write_results(sequence: Sequence, path: Path, records: Records) -> None:
    """Store predictions as a result file, under its name only when whole; OutputError."""
    text = dumps_results(sequence, records)
    with Draft(path) as draft:
        draft.write(text)


def _record(person: Person, points: Doubles, track: int) -> dict[str, Any]:
    entries = [
        {"id": [joint], "x": [x], "y": [y], "score": [score]}
        for joint, (x, y, score) in enumerate(points.tolist())
    ]
    return {
        "annopoints": [{"point": entries}],
        "score": [_box_score(person)],
        "track_id": [track],
    }


def _scores(person: Person) -> Doubles:
    return np.ones(len(POSETRACK_17)) if person.scores is None else person.scores


def _box_score(person: Person) -> float:
    return 1.0 if person.score is None else person.score
