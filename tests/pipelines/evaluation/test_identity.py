"""IDF1 against motmetrics."""

from __future__ import annotations

from collections.abc import Callable

import motmetrics
import numpy as np
import pytest

from pipelines.evaluation import identity
from pipelines.evaluation.loading import Compared
from pipelines.evaluation.matching import NEAR, close_pairs

NAMES = ["idtp", "idfp", "idfn", "idf1", "idp", "idr"]


@pytest.mark.parametrize("seed", range(4))
def test_counts_and_shares_are_those_of_motmetrics(
    seed: int, drawn_videos: Callable[[int], Compared]
) -> None:
    compared = drawn_videos(seed)
    close = close_pairs(compared.truth, compared.predicted, NEAR)
    counts = identity.tally(compared, close)
    found = identity.scores(counts)

    for joint in range(0, 15, 5):
        accumulator = motmetrics.MOTAccumulator(auto_id=True)
        for frame in range(len(compared)):
            here = (close.joint == joint) & (close.frame == frame)
            rows, columns = (
                np.flatnonzero((side.frame == frame) & side.present[:, joint])
                for side in (compared.truth, compared.predicted)
            )
            far = np.full((len(rows), len(columns)), np.nan)
            row = np.searchsorted(rows, close.truth[here])
            far[row, np.searchsorted(columns, close.predicted[here])] = close.distance[here]
            tracks = compared.truth.track[rows], compared.predicted.track[columns]
            accumulator.update(*tracks, far)
        wanted = motmetrics.metrics.create().compute(
            accumulator, metrics=NAMES, return_dataframe=False
        )
        assert counts.true_positives[joint] == wanted["idtp"]
        assert counts.predicted[joint] - counts.true_positives[joint] == wanted["idfp"]
        assert counts.annotated[joint] - counts.true_positives[joint] == wanted["idfn"]
        for name in ("idf1", "idp", "idr"):
            np.testing.assert_allclose(found[name].values[joint], 100 * wanted[name])


def test_a_set_adds_up_counts_and_nothing_at_all_has_a_reason() -> None:
    one = identity.IdentityCounts(*(np.arange(15) + k for k in (0, 2, 1)))

    found = identity.scores(identity.joined([one, one]))
    nothing = identity.scores(identity.joined([]))

    np.testing.assert_allclose(
        found["idf1"].values[:15], 100 * 2 * np.arange(15) / (2 * np.arange(15) + 3)
    )
    assert np.isnan(nothing["idf1"].values).all()
    assert nothing["idf1"].reasons[0] == "neither annotated nor predicted"
