"""CLEAR-MOT per keypoint: MOTA, MOTP, precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from data.flat_sequence import Marks, Wholes
from data.json_fields import Doubles
from pipelines.evaluation.accumulator import Events, accumulate
from pipelines.evaluation.loading import Compared
from pipelines.evaluation.matching import Close
from pipelines.evaluation.metric import (
    NEVER_ANNOTATED,
    NEVER_MATCHED,
    NEVER_PREDICTED,
    TOTAL,
    Metric,
    metric,
    share,
)

ONLY_LAST = "only in the last frame, which the official tool leaves out"


@dataclass(frozen=True, slots=True, eq=False)
class MotCounts:
    """What is counted of each joint, (15,) each.

    `objects` are annotated keypoints, `hypotheses` predicted ones, `matches` pairs of both (after
    a switch of identity too), `switches` those after one. `distance` sums the matches' distances
    in head sizes, `all_distance` what the official tool sums instead (specification 6.2).
    """

    objects: Wholes
    hypotheses: Wholes
    matches: Wholes
    switches: Wholes
    distance: Doubles
    all_distance: Doubles

    @property
    def misses(self) -> Wholes:
        return self.objects - self.matches

    @property
    def false_positives(self) -> Wholes:
        return self.hypotheses - self.matches


@dataclass(frozen=True, slots=True, eq=False)
class MotTally:
    """A sequence's counts as the official tool has them, and with its oddities put right.

    `official` lacks the last frame and counts one object and one hypothesis wherever one side has
    no people; `with_last` has the last frame; `real` counts such frames as they are. `one_sided`
    is how many such frames there are, `frames` how many in all. `switches` is (S, 5): frame in the
    video, joint, annotated track, predicted track before, predicted track now.
    """

    official: MotCounts
    with_last: MotCounts
    real: MotCounts
    frames: int
    one_sided: int
    switches: Wholes


def tally(compared: Compared, close: Close) -> MotTally:
    """One sequence's counts (evaluation specification, section 6)."""
    truth, predicted, frames = compared.truth, compared.predicted, len(compared)
    people = [np.bincount(side.frame, minlength=frames) for side in (truth, predicted)]
    one_sided = (people[0] == 0) | (people[1] == 0)
    events = accumulate(compared, close)

    def per_frame(pairs: Wholes, weights: Doubles | None = None) -> Doubles:
        where = close.frame[pairs] * TOTAL + close.joint[pairs]
        summed = np.bincount(where, weights, minlength=frames * TOTAL)
        return summed.reshape(frames, TOTAL).astype(np.float64)

    every, far = np.arange(len(close)), close.distance
    matched = per_frame(events.matched, far[events.matched])
    columns = (
        _present(truth.frame, truth.present, frames),
        _present(predicted.frame, predicted.present, frames),
        per_frame(events.matched),
        per_frame(events.switched),
        matched,
        matched + per_frame(every, far) + per_frame(events.extra, far[events.extra]),
    )
    placeholders = tuple(np.where(one_sided[:, None], 1, column) for column in columns[:2])
    official = (*placeholders, *columns[2:])
    return MotTally(
        official=_summed(official, slice(0, max(0, frames - 1))),
        with_last=_summed(official, slice(None)),
        real=_summed(columns, slice(None)),
        frames=frames,
        one_sided=int(one_sided.sum()),
        switches=_switches(compared, close, events),
    )


def joined(parts: Sequence[MotCounts]) -> MotCounts:
    """The counts of many sequences together."""
    none, nothing = np.zeros(TOTAL, np.int64), np.zeros(TOTAL)
    parts = [MotCounts(none, none, none, none, nothing, nothing), *parts]
    names = [field.name for field in fields(MotCounts)]
    return MotCounts(*(np.sum([getattr(part, name) for part in parts], 0) for name in names))


def scores(counts: MotCounts) -> dict[str, Metric]:
    """`mota`, `motp`, `pre` and `rec` with the oddities put right (specification 6.3).

    MOTP is of matched pairs, and a joint without any has none.
    """
    near = 100 * (1 - share(counts.distance, counts.matches))
    return {
        "mota": _mota(counts),
        "motp": metric(near, NEVER_MATCHED),
        "pre": metric(100 * share(counts.matches, counts.hypotheses), NEVER_PREDICTED),
        "rec": metric(100 * share(counts.matches, counts.objects), NEVER_ANNOTATED),
    }


def official_scores(counts: MotCounts, *, frames: int) -> dict[str, Metric]:
    """`mota`, `motp`, `motp_matched`, `pre` and `rec` as the official tool counts.

    `motp_matched` is of matched pairs, as with the older motmetrics. Of no `frames`, which is what
    the official tool leaves of a sequence of one, everything is NaN.
    """
    if not frames:
        nothing = np.full(TOTAL, np.nan)
        names = ("mota", "motp", "motp_matched", "pre", "rec")
        return {name: metric(nothing, ONLY_LAST) for name in names}
    matches = np.maximum(counts.matches, 1)
    near = {
        "motp": np.where(counts.matches, 100 * (1 - counts.all_distance / matches), 0.0),
        "motp_matched": np.where(counts.matches, 100 * (1 - counts.distance / matches), 0.0),
    }
    motp = {name: metric(values, NEVER_MATCHED) for name, values in near.items()}
    return scores(counts) | motp


def _mota(counts: MotCounts) -> Metric:
    wrong = counts.misses + counts.switches + counts.false_positives
    return metric(100 * (1 - share(wrong, counts.objects)), NEVER_ANNOTATED)


def _present(frame: Wholes, present: Marks, frames: int) -> Wholes:
    """(F, 15): how many people of each frame have each joint."""
    person, joint = np.nonzero(present)
    found = np.bincount(frame[person] * TOTAL + joint, minlength=frames * TOTAL)
    return found.reshape(frames, TOTAL)


def _summed(columns: Sequence[NDArray[np.number]], frames: slice) -> MotCounts:
    """The counts of some frames, of columns (F, 15) in the order of MotCounts."""
    sums = [column[frames].sum(0).astype(np.float64) for column in columns]
    whole = [column.astype(np.int64) for column in sums[:4]]
    return MotCounts(whole[0], whole[1], whole[2], whole[3], sums[4], sums[5])


def _switches(compared: Compared, close: Close, events: Events) -> Wholes:
    pairs = events.switched
    return np.stack(
        [
            compared.positions[close.frame[pairs]],
            close.joint[pairs],
            compared.truth.track[close.truth[pairs]],
            events.before,
            compared.predicted.track[close.predicted[pairs]],
        ],
        1,
    )
