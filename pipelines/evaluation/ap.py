"""Average precision, precision and recall per keypoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.flat_sequence import Marks, Wholes
from data.json_fields import Doubles
from pipelines.evaluation.loading import Compared
from pipelines.evaluation.matching import Close, right_keypoints
from pipelines.evaluation.metric import NEVER_ANNOTATED, TOTAL, Metric, metric


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """All predictions of one joint: `scores` (n,), `right` (n,), and how many are `annotated`."""

    scores: Doubles
    right: Marks
    annotated: int


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision over recall, both 0 to 1, (n,) each, after the n best predictions of a joint."""

    scores: Doubles
    recall: Doubles
    precision: Doubles


def joint_samples(compared: Compared, close: Close) -> tuple[Samples, ...]:
    """The 15 joints' samples of one sequence, in the order of frames and people."""
    truth, predicted = compared.truth, compared.predicted
    right = right_keypoints(truth, predicted, close)
    annotated: Wholes = truth.present.sum(0)
    samples = []
    for joint in range(TOTAL):
        there = predicted.present[:, joint]
        scores = predicted.scores[there, joint]
        samples.append(Samples(scores, right[there, joint], int(annotated[joint])))
    return tuple(samples)


def joined(parts: Sequence[tuple[Samples, ...]]) -> tuple[Samples, ...]:
    """The 15 joints' samples of many sequences, in their order."""
    return tuple(
        Samples(
            np.concatenate([np.zeros(0), *(part[joint].scores for part in parts)]),
            np.concatenate([np.zeros(0, np.bool_), *(part[joint].right for part in parts)]),
            sum(part[joint].annotated for part in parts),
        )
        for joint in range(TOTAL)
    )


def curve(samples: Samples) -> Curve:
    """Precision and recall along the ranked predictions; recall is NaN without annotations."""
    # numpy's default sort, reversed, as the official tool has it: the order of equal scores.
    order = np.argsort(samples.scores)[::-1]
    hits = np.cumsum(samples.right[order]).astype(np.float64)
    recall = hits / samples.annotated if samples.annotated else np.full(len(hits), np.nan)
    return Curve(samples.scores[order], recall, hits / np.arange(1, len(hits) + 1))


def scores(samples: Sequence[Samples]) -> dict[str, Metric]:
    """`ap`, `pre` and `rec` of 15 joints (evaluation specification, section 5)."""
    columns = np.array([_three(curve(joint)) for joint in samples])
    return {
        name: metric(column, NEVER_ANNOTATED)
        for name, column in zip(("ap", "pre", "rec"), columns.T, strict=True)
    }


def _three(found: Curve) -> tuple[float, float, float]:
    """Average precision, and precision and recall of all predictions, per cent."""
    if not len(found.recall):
        return 0.0, 0.0, 0.0
    return _area(found), 100 * float(found.precision[-1]), 100 * float(found.recall[-1])


def _area(found: Curve) -> float:
    """The area under the interpolated curve over all points, per cent."""
    recall = np.concatenate([[0.0], found.recall, [1.0]])
    precision = np.concatenate([[0.0], found.precision, [0.0]])
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    step = np.flatnonzero(recall[1:] != recall[:-1])
    return float(100 * np.sum((recall[step + 1] - recall[step]) * highest[step + 1]))
