"""The CLEAR-MOT accumulator: whose keypoint is whose, frame after frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import lap
import numpy as np

from data.flat_sequence import Wholes
from pipelines.evaluation.loading import Compared, People
from pipelines.evaluation.matching import Close
from pipelines.evaluation.ranges import runs


@dataclass(frozen=True, slots=True, eq=False)
class Events:
    """What became of the close pairs; all but `before` are their numbers.

    `switched` are those of the `matched` that gave an object another hypothesis, which `before`
    (S,) names. `extra` holds a pair once for every further row of motmetrics' table that shows
    its distance.
    """

    matched: Wholes
    extra: Wholes
    switched: Wholes
    before: Wholes


def accumulate(compared: Compared, close: Close) -> Events:
    """Match every joint's pairs frame by frame (specification 6.1).

    Whoever was matched last with somebody stays so while both are near, whatever the distance;
    the rest is assigned at the least distance. The memory outlives gaps.
    """
    objects = compared.truth.track[close.truth].tolist()
    hypotheses = compared.predicted.track[close.predicted].tolist()
    rows, columns = close.truth.tolist(), close.predicted.tolist()
    matched: list[int] = []
    extra: list[int] = []
    switched: list[int] = []
    before: list[int] = []
    last: dict[int, int] = {}  # object -> hypothesis of its last match
    back: dict[int, int] = {}  # hypothesis -> object that it was last assigned to
    now = -1
    for joint, begin, end in _groups(close):
        if joint != now:
            now, last, back = joint, {}, {}
        near = range(begin, end)
        kept = [i for i in near if last.get(objects[i]) == hypotheses[i]]
        kept = kept if _is_one_to_one(kept, rows, columns) else _first_come(kept, rows, columns)
        matched += kept
        if len(kept) == end - begin:
            continue
        rest = _without(kept, near, rows, columns)
        if not _is_one_to_one(rest, rows, columns):
            rest = _cheapest(rest, compared, close)
        for i in rest:
            thing, guess = objects[i], hypotheses[i]
            is_known = thing in last
            if is_known and last[thing] != guess:
                switched.append(i)
                before.append(last[thing])
                if guess not in back:
                    extra.append(i)  # the row ASCEND of motmetrics
            if back.get(guess, thing) != thing:
                extra.append(i)  # its row TRANSFER
                if not is_known:
                    extra.append(i)  # its row MIGRATE
            last[thing], back[guess] = guess, thing
        matched += rest
    whole = [np.array(pairs, np.int64) for pairs in (matched, extra, switched, before)]
    return Events(whole[0], whole[1], whole[2], whole[3])


def _groups(close: Close) -> Iterator[tuple[int, int, int]]:
    """Joint, begin and end of the pairs of each joint and frame."""
    begins, ends = runs(close.joint, close.frame)
    return zip(close.joint[begins].tolist(), begins.tolist(), ends.tolist(), strict=True)


def _is_one_to_one(pairs: list[int], rows: list[int], columns: list[int]) -> bool:
    if len(pairs) < 2:
        return True
    count = len(pairs)
    return len({rows[i] for i in pairs}) == count == len({columns[i] for i in pairs})


def _first_come(pairs: list[int], rows: list[int], columns: list[int]) -> list[int]:
    """Pairs whose row and column no earlier pair has."""
    kept: list[int] = []
    for i in pairs:
        if all(rows[i] != rows[k] and columns[i] != columns[k] for k in kept):
            kept.append(i)
    return kept


def _without(
    kept: list[int], near: Iterable[int], rows: list[int], columns: list[int]
) -> list[int]:
    """The pairs of which neither row nor column is in a kept one."""
    used_rows, used_columns = {rows[i] for i in kept}, {columns[i] for i in kept}
    return [i for i in near if rows[i] not in used_rows and columns[i] not in used_columns]


def _cheapest(pairs: list[int], compared: Compared, close: Close) -> list[int]:
    """As many pairs of rows and columns as can be, at the least total distance.

    The matrix is the whole frame's, as in motmetrics, so that ties fall the same way.
    """
    at = np.array(pairs)
    joint, frame = close.joint[at[0]], close.frame[at[0]]
    rows, columns = (_rows(side, frame, joint) for side in (compared.truth, compared.predicted))
    row = np.searchsorted(rows, close.truth[at])
    column = np.searchsorted(columns, close.predicted[at])
    distance = close.distance[at]
    forbidden = 2 * min(len(rows), len(columns)) * (distance.max() + 1) + 1
    cost = np.full((len(rows), len(columns)), forbidden)
    cost[row, column] = distance
    chosen, _ = lap.lapjv(cost, return_cost=False, extend_cost=True)
    return [i for i, r, c in zip(pairs, row, column, strict=True) if chosen[r] == c]


def _rows(side: People, frame: int, joint: int) -> Wholes:
    """The people of a frame who have a joint."""
    first, last = np.searchsorted(side.frame, [frame, frame + 1])
    rows: Wholes = first + np.flatnonzero(side.present[first:last, joint])
    return rows
