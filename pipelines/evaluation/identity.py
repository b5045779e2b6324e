"""IDF1 per keypoint: how much of each identity one predicted track covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

import lap
import numpy as np

from data.flat_sequence import Wholes
from pipelines.evaluation.loading import Compared
from pipelines.evaluation.matching import Close
from pipelines.evaluation.metric import (
    NEVER_ANNOTATED,
    NEVER_PREDICTED,
    NOTHING,
    TOTAL,
    Metric,
    metric,
    share,
)


@dataclass(frozen=True, slots=True, eq=False)
class IdentityCounts:
    """(15,) each: keypoints under the right identity, annotated ones, predicted ones."""

    true_positives: Wholes
    annotated: Wholes
    predicted: Wholes


def tally(compared: Compared, close: Close) -> IdentityCounts:
    """One sequence's counts (evaluation specification 9.2).

    Identities are paired one to one so that the frames in which both are near are the most: to
    pair g and p saves twice those frames of the cost of leaving both alone.
    """
    truth = compared.truth.track[close.truth]
    predicted = compared.predicted.track[close.predicted]
    bounds = np.searchsorted(close.joint, np.arange(TOTAL + 1))
    covered = [_most(truth[first:last], predicted[first:last]) for first, last in pairwise(bounds)]
    return IdentityCounts(
        np.array(covered, np.int64),
        compared.truth.present.sum(0),
        compared.predicted.present.sum(0),
    )


def joined(parts: Sequence[IdentityCounts]) -> IdentityCounts:
    """The counts of many sequences together."""
    zero = np.zeros(TOTAL, np.int64)
    parts = [IdentityCounts(zero, zero, zero), *parts]
    names = [field.name for field in fields(IdentityCounts)]
    return IdentityCounts(*(np.sum([getattr(part, name) for part in parts], 0) for name in names))


def scores(counts: IdentityCounts) -> dict[str, Metric]:
    """`idf1`, `idp` and `idr`."""
    hits, both = counts.true_positives, counts.annotated + counts.predicted
    return {
        "idf1": metric(100 * share(2 * hits, both), NOTHING),
        "idp": metric(100 * share(hits, counts.predicted), NEVER_PREDICTED),
        "idr": metric(100 * share(hits, counts.annotated), NEVER_ANNOTATED),
    }


def _most(truth: Wholes, predicted: Wholes) -> int:
    """The most frames that a one-to-one pairing of identities covers; both arrays are (K,)."""
    rows, row = np.unique(truth, return_inverse=True)
    columns, column = np.unique(predicted, return_inverse=True)
    together = np.zeros((len(rows), len(columns)))
    np.add.at(together, (row, column), 1)
    if not together.size:
        return 0
    chosen, _ = lap.lapjv(together.max() - together, return_cost=False, extend_cost=True)
    paired = chosen >= 0
    return int(together[np.flatnonzero(paired), chosen[paired]].sum())
