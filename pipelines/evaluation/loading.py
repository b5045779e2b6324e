"""The official loading rules: which frames, people and keypoints of two files are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from data.errors import AnnotationError
from data.flat_sequence import MISSING_SCORE, FlatSequence, Marks, Wholes
from data.json_fields import Doubles
from pipelines.evaluation.notes import Note
from pipelines.evaluation.regions import inside

MOST_TRACK = 10_000  # a track id must be below


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """N people of the compared frames, by frame: what is left of them to compare.

    `frame` (N,) rises and counts compared frames; `points` (N, 15, 2) are NaN where not `present`
    (N, 15); `head` (N,) is the head size in pixels, `track` (N,) the identity.
    """

    frame: Wholes
    points: Doubles
    present: Marks
    scores: Doubles
    track: Wholes
    head: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Truth and prediction of one video; `positions` (F,) are the compared frames' places in it."""

    name: str
    positions: Wholes
    truth: People
    predicted: People
    notes: tuple[Note, ...]

    def __len__(self) -> int:
        """The number of compared frames."""
        return len(self.positions)


def compare(truth: FlatSequence, predicted: FlatSequence, *, tracks: bool) -> Compared:
    """What is compared of two files, by section 2 of the evaluation specification.

    Raises AnnotationError where the files are not of the same frames, where an annotated person
    has no head box, and with `tracks` where track ids are missing, too large or not unique.
    """
    check_frames(truth, predicted)
    if tracks:
        check_tracks(truth, predicted)
    doubts = _doubts(truth, predicted, tracks=tracks)
    positions = np.unique(truth.frame)  # rule 5: frames in which somebody is annotated
    return Compared(
        name=truth.name,
        positions=positions,
        truth=_people(truth, truth, positions, needs_head=True),
        predicted=_people(predicted, truth, positions, needs_head=False),
        notes=(*(Note(truth.place, what) for what in truth.notes), *doubts),
    )


def check_frames(truth: FlatSequence, predicted: FlatSequence) -> None:
    """Frames are paired by position: as many on both sides, with equal ids where there are ids."""
    if len(truth) != len(predicted):
        raise AnnotationError(
            f"{predicted.place}: lists {len(predicted)} frames, the truth has {len(truth)}. "
            "List every frame, also those without people."
        )
    if truth.ids is None or predicted.ids is None or truth.ids == predicted.ids:
        return
    pairs = enumerate(zip(truth.ids, predicted.ids, strict=True))
    at, (wanted, found) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
    raise AnnotationError(
        f"{predicted.place}: images[{at}].id: found {found}, the truth has {wanted} there. "
        "List the frames in the truth's order."
    )


def check_tracks(truth: FlatSequence, predicted: FlatSequence) -> None:
    """Rule 4: everyone has a track id below 10000, unique in a predicted frame; else an error."""
    for side in (truth, predicted):
        lost = np.flatnonzero(~side.has_track & side.listed)
        if len(lost):
            raise AnnotationError(
                f"{_frame(side, lost[0])}: a person has no track_id. Tracks need one for "
                "everybody; --metrics ap does not."
            )
        high = np.flatnonzero(side.has_track & (side.track >= MOST_TRACK))
        if len(high):
            raise AnnotationError(
                f"{_frame(side, high[0])}: expected track ids below {MOST_TRACK}, "
                f"found {side.track[high[0]]}."
            )
    twice = repeated(predicted)
    if twice is not None:
        raise AnnotationError(
            f"{_frame(predicted, twice)}: the track id {predicted.track[twice]} occurs twice. "
            "Give everyone in a frame an id of their own, or ask for --metrics ap alone."
        )


def repeated(side: FlatSequence) -> int | None:
    """The first person whose track id somebody listed earlier in the frame has."""
    rows = np.flatnonzero(side.has_track)
    order = rows[np.lexsort((rows, side.track[rows], side.frame[rows]))]
    same = np.diff(side.frame[order]) == 0
    again = order[1:][same & (np.diff(side.track[order]) == 0)]
    return int(again.min()) if len(again) else None


def _frame(side: FlatSequence, person: int) -> str:
    return f"{side.place}: frame {side.frame_names[side.frame[person]]}"


def _doubts(truth: FlatSequence, predicted: FlatSequence, *, tracks: bool) -> Iterator[Note]:
    """What is scored, but may not be meant so."""
    if (predicted.present & (predicted.scores == MISSING_SCORE)).any():
        yield Note(
            predicted.place, f"keypoints without a score, which are ranked last ({MISSING_SCORE:g})"
        )
    if tracks and repeated(truth) is not None:
        yield Note(truth.place, "a track id occurs twice in a frame; MOTA counts on")
    if not tracks and repeated(predicted) is not None:
        yield Note(predicted.place, "a track id occurs twice in a frame; for AP it does not matter")


def _people(
    side: FlatSequence, truth: FlatSequence, positions: Wholes, *, needs_head: bool
) -> People:
    """Rules 5 to 7: people of the compared frames, without what lies in ignore regions."""
    ignored = inside(truth.regions, side.frame, side.points, side.present)
    present = side.present & ~ignored
    has_region = np.zeros(len(side), np.bool_)
    has_region[truth.regions.frame] = True
    kept = side.listed & np.isin(side.frame, positions)
    kept &= present.any(1) | ~has_region[side.frame]
    if needs_head:
        _check_heads(side, kept & present.any(1))
    return People(
        frame=np.searchsorted(positions, side.frame[kept]),
        points=np.where(present[kept, :, None], side.points[kept], np.nan),
        present=present[kept],
        scores=side.scores[kept],
        track=side.track[kept],
        head=side.head[kept],
    )


def _check_heads(truth: FlatSequence, needed: Marks) -> None:
    headless = np.flatnonzero(needed & np.isnan(truth.head))
    if len(headless):
        raise AnnotationError(
            f"{_frame(truth, headless[0])}: an annotated person has no head box "
            "(bbox_head, or x1, y1, x2, y2), which distances are measured by."
        )
