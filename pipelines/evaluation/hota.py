"""Keypoint HOTA as PoseTrack21 has it: detection and association of each joint at 19 thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import lap
import numpy as np

from data.errors import AnnotationError
from data.flat_sequence import FlatSequence, Marks, Wholes
from data.json_fields import Doubles
from pipelines.evaluation.loading import People, repeated
from pipelines.evaluation.matching import Close, close_pairs
from pipelines.evaluation.metric import TOTAL, Metric
from pipelines.evaluation.ranges import runs
from pipelines.evaluation.regions import inside

ALPHAS = np.arange(0.05, 0.99, 0.05)
FAR = 0.5001
"""Head sizes at which a similarity becomes 0: a distance of half a head has a little left."""

Table = Mapping[str, Doubles]
"""Every quantity as (19, 16): thresholds by joints and total, as shares of 1 or counts."""

_ROUNDING = np.finfo(np.float64).eps
_LEAST = 1e-10  # that LocA's parts may be
_WEIGHTED = ("AssA", "AssRe", "AssPr", "FragA", "LocA")
_COUNTS = ("HOTA_TP", "HOTA_FN", "HOTA_FP")


def tally(truth: FlatSequence, predicted: FlatSequence) -> Table:
    """One sequence's quantities (evaluation specification 9.1).

    Frames are those labelled; a keypoint is there where x and y are positive. Raises
    AnnotationError where a track id occurs twice in an annotated frame.
    """
    twice = repeated(truth)
    if twice is not None:
        raise AnnotationError(
            f"{truth.place}: frame {truth.frame_names[truth.frame[twice]]}: the track id "
            f"{truth.track[twice]} occurs twice. HOTA needs ids that are unique in a frame."
        )
    frames = np.flatnonzero(truth.is_labeled)
    annotated, guessed = (_people(side, truth, frames) for side in (truth, predicted))
    close = _assigned(close_pairs(annotated, guessed, FAR))
    joints = _derived(_joints(close, annotated, guessed))
    totals = {
        name: (values.sum if name in _COUNTS else values.mean)(1, keepdims=True)
        for name, values in joints.items()
    }
    return {name: np.hstack([values, totals[name]]) for name, values in joints.items()}


def scores(tables: Sequence[Table]) -> dict[str, Metric]:
    """Every quantity of a set: counts are added up, association and LocA weighted by TP.

    The total is combined as if it were a sixteenth joint, and the rest follows from these.
    """
    combined = {name: np.sum([table[name] for table in tables], 0) for name in _COUNTS}
    hits = combined["HOTA_TP"]
    for name in _WEIGHTED:
        weighted = np.sum([table[name] * table["HOTA_TP"] for table in tables], 0)
        if name == "LocA":
            combined[name] = np.maximum(_LEAST, weighted) / np.maximum(_LEAST, hits)
        else:
            combined[name] = weighted / np.maximum(1, hits)
    return sequence_scores(_derived(combined))


def sequence_scores(table: Table) -> dict[str, Metric]:
    """What is reported of a table: means over thresholds, per cent, and sums of the counts."""
    found = {
        name: values.sum(0) if name in _COUNTS else 100 * values.mean(0)
        for name, values in table.items()
    }
    lowest, located = table["HOTA"][0], table["LocA"][0]
    found |= {"HOTA(0)": 100 * lowest, "LocA(0)": 100 * located}
    found["HOTALocA(0)"] = 100 * lowest * located
    return {name: Metric(values) for name, values in found.items()}


def _people(side: FlatSequence, truth: FlatSequence, frames: Wholes) -> People:
    """Who is in the labelled frames, with the keypoints that count in HOTA."""
    present: Marks = side.listed[:, None] & (side.points > 0).all(2)
    present &= ~inside(truth.regions, side.frame, side.points, present)
    kept = np.isin(side.frame, frames)
    return People(
        frame=np.searchsorted(frames, side.frame[kept]),
        points=np.where(present[kept, :, None], side.points[kept], np.nan),
        present=present[kept],
        scores=side.scores[kept],
        track=side.track[kept],
        head=side.head[kept],
    )


def _similarity(distance: Doubles) -> Doubles:
    return np.maximum(0.0, 1 - distance / FAR)


def _assigned(close: Close) -> Close:
    """The pairs of the one assignment per joint and frame whose similarities sum to the most."""
    kept = np.ones(len(close), np.bool_)
    mine, theirs = close.truth.tolist(), close.predicted.tolist()
    for begin, end in zip(*runs(close.joint, close.frame), strict=True):
        count = end - begin
        if count == len(set(mine[begin:end])) == len(set(theirs[begin:end])):
            continue
        part = slice(begin, end)
        rows, row = np.unique(close.truth[part], return_inverse=True)
        columns, column = np.unique(close.predicted[part], return_inverse=True)
        cost = np.zeros((len(rows), len(columns)))
        cost[row, column] = -_similarity(close.distance[part])
        chosen, _ = lap.lapjv(cost, return_cost=False, extend_cost=True)
        kept[part] = chosen[row] == column
    return close.where(kept)


def _joints(close: Close, annotated: People, guessed: People) -> Table:
    """Counts, LocA and association of the 15 joints, (19, 15) each."""
    owners, mine = np.unique(annotated.track, return_inverse=True)
    tracks, theirs = np.unique(guessed.track, return_inverse=True)
    order = np.lexsort((close.frame, mine[close.truth], close.joint))
    joint, similarity = close.joint[order], _similarity(close.distance[order])
    owner, track = mine[close.truth[order]], theirs[close.predicted[order]]
    couples, first, couple = np.unique(
        (joint * len(owners) + owner) * len(tracks) + track, return_index=True, return_inverse=True
    )
    seen = _frames_of(mine, annotated.present)[owner[first], joint[first]]
    shown = _frames_of(theirs, guessed.present)[track[first], joint[first]]
    alpha, pair = np.nonzero(similarity >= ALPHAS[:, None] - _ROUNDING)
    hits = _sum(alpha, joint[pair], TOTAL)
    both = _sum(alpha, couple[pair], len(couples))
    union = np.maximum(1, seen + shown - both)

    def association(over: Doubles) -> Doubles:
        parts = both * both / over
        at = np.indices(parts.shape)
        summed = _sum(at[0].ravel(), joint[first][at[1].ravel()], TOTAL, parts.ravel())
        return summed / np.maximum(1, hits)

    begin, end = runs(alpha, couple[pair])  # fragments: an owner with one track at a time
    parts = (end - begin) ** 2 / union[alpha[begin], couple[pair[begin]]]
    fragments = _sum(alpha[begin], joint[pair[begin]], TOTAL, parts)
    located = _sum(alpha, joint[pair], TOTAL, similarity[pair])
    return {
        "HOTA_TP": hits,
        "HOTA_FN": annotated.present.sum(0) - hits,
        "HOTA_FP": guessed.present.sum(0) - hits,
        "LocA": np.maximum(_LEAST, located) / np.maximum(_LEAST, hits),
        "AssA": association(union),
        "AssRe": association(np.maximum(1, seen)),
        "AssPr": association(np.maximum(1, shown)),
        "FragA": fragments / np.maximum(1, hits),
    }


def _derived(table: Table) -> Table:
    """The table with detection and HOTA, which follow from counts and association."""
    true, missed, wrong = (table[name] for name in _COUNTS)
    found = {
        "DetA": true / np.maximum(1, true + missed + wrong),
        "DetRe": true / np.maximum(1, true + missed),
        "DetPr": true / np.maximum(1, true + wrong),
    }
    whole = np.sqrt(table["AssA"] * table["FragA"])
    return {
        **table,
        **found,
        "HOTA": np.sqrt(found["DetA"] * table["AssA"]),
        "RHOTA": np.sqrt(found["DetRe"] * table["AssA"]),
        "FA-HOTA": np.sqrt(found["DetA"] * whole),
        "FA-RHOTA": np.sqrt(found["DetRe"] * whole),
    }


def _frames_of(identity: Wholes, present: Marks) -> Doubles:
    """(I, 15): in how many frames each identity has each joint."""
    found = np.zeros((identity.max(initial=-1) + 1, TOTAL))
    np.add.at(found, identity, present)
    return found


def _sum(alpha: Wholes, place: Wholes, places: int, weights: Doubles | None = None) -> Doubles:
    """(19, places): counts, or sums of weights, by threshold and place."""
    shape = (len(ALPHAS), places)
    summed = np.bincount(alpha * places + place, weights, shape[0] * shape[1])
    return summed.reshape(shape).astype(np.float64)
