"""FlatSequence: a sequence's people as flat arrays on the 15 evaluated keypoints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.json_fields import Doubles
from data.posetrack import Person, Sequence
from data.skeleton import POSETRACK_15, POSETRACK_17

Wholes = NDArray[np.int64]
Marks = NDArray[np.bool_]

MISSING_SCORE = -9999.0
"""The score of a predicted keypoint that has none (evaluation specification, section 2)."""

LEAST_CORNERS = 3
"""Of an ignore region; the official tool stops at one of fewer."""

FEW_CORNERS = f"ignore regions of fewer than {LEAST_CORNERS} points were left out"

HEAD_SHARE = 0.6
"""Head size is this share of the head box's diagonal, as PCKh has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Ignore regions: R polygons as one list of V vertices.

    `frame` (R,) is the place of each polygon's frame in the sequence, `size` (R,) its number of
    vertices, `vertices` (V, 2) all of them in pixels.
    """

    frame: Wholes
    size: Wholes
    vertices: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class FlatSequence:
    """What a file says of a video, one row per person, by frame and as listed in a frame.

    `place` names the file in messages; `ids` are PoseTrack18's image ids, None where the format
    has none; `is_labeled` is (F,). For N people: `frame` (N,) rises, `points` is (N, 15, 2) in
    pixels and `present` (N, 15), on POSETRACK_15; `scores` (N, 15) is MISSING_SCORE where there is
    none; `track` (N,) counts only where `has_track`; `head` (N,) is the head size in pixels, NaN
    without a head box; `listed` (N,) is false where PoseTrack17 gives a person no list of points.
    """

    name: str
    place: str
    frame_names: tuple[str, ...]
    ids: tuple[int, ...] | None
    is_labeled: Marks
    frame: Wholes
    points: Doubles
    present: Marks
    scores: Doubles
    track: Wholes
    has_track: Marks
    head: Doubles
    listed: Marks
    regions: Regions
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.frame_names)


def head_sizes(width: Doubles, height: Doubles) -> Doubles:
    """Head sizes (N,) in pixels from the head boxes' widths and heights."""
    with np.errstate(over="ignore"):
        return np.asarray(HEAD_SHARE * np.sqrt(width * width + height * height))


def flat(sequence: Sequence) -> FlatSequence:
    """The same sequence as flat arrays; keypoints follow by name."""
    people = [person for frame in sequence.frames for person in frame.people]
    count = len(people)
    order = [POSETRACK_17.index(name) for name in POSETRACK_15.keypoints]
    points = np.array([p.keypoints for p in people], np.float64).reshape(count, 17, 2)
    present = np.array([p.present for p in people], np.bool_).reshape(count, 17)
    scores = np.array([_scores(p) for p in people], np.float64).reshape(count, 17)
    heads = np.array([_head(p) for p in people], np.float64).reshape(count, 2)
    every = [(at, p) for at, frame in enumerate(sequence.frames) for p in frame.ignore]
    polygons = [(at, polygon) for at, polygon in every if len(polygon) >= LEAST_CORNERS]
    return FlatSequence(
        name=sequence.name,
        place=sequence.name,
        frame_names=tuple(frame.frame_name for frame in sequence.frames),
        ids=tuple(frame.id for frame in sequence.frames),
        is_labeled=np.array([frame.is_labeled for frame in sequence.frames], np.bool_),
        frame=np.repeat(
            np.arange(len(sequence.frames)), [len(frame.people) for frame in sequence.frames]
        ).astype(np.int64),
        points=points[:, order],
        present=present[:, order],
        scores=scores[:, order],
        track=np.array([p.track for p in people], np.int64),
        has_track=np.ones(count, np.bool_),
        head=head_sizes(heads[:, 0], heads[:, 1]),
        listed=np.array([p.has_points for p in people], np.bool_),
        regions=Regions(
            np.array([at for at, _ in polygons], np.int64),
            np.array([len(polygon) for _, polygon in polygons], np.int64),
            np.concatenate([np.zeros((0, 2)), *(polygon for _, polygon in polygons)]),
        ),
        notes=(FEW_CORNERS,) if len(polygons) < len(every) else (),
    )


def _scores(person: Person) -> Doubles:
    return np.full(17, MISSING_SCORE) if person.scores is None else person.scores


def _head(person: Person) -> tuple[float, float]:
    return (person.head.width, person.head.height) if person.head else (np.nan, np.nan)
