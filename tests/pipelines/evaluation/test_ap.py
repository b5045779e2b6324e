"""Which predictions are right, and the area under their curve."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.evaluation import ap
from pipelines.evaluation.ap import Samples
from pipelines.evaluation.loading import People
from pipelines.evaluation.matching import NEAR, close_pairs, right_keypoints


def samples(scores: list[float], right: list[int], annotated: int) -> Samples:
    return Samples(np.array(scores), np.array(right, np.bool_), annotated)


def side(points: list[list[float]], frame: list[int] | None = None) -> People:
    """People whose joints lie along x, NaN where there is none; a head is 10 pixels."""
    places = np.full((len(points), 15, 2), np.nan)
    for person, xs in enumerate(points):
        places[person, : len(xs), 0] = xs
    places[..., 1] = np.where(np.isnan(places[..., 0]), np.nan, 0)
    there = ~np.isnan(places[..., 0])
    count = len(points)
    frames = np.array(frame or [0] * count)
    return People(frames, places, there, there * 1.0, np.arange(count), np.full(count, 10.0))


def right(truth: People, predicted: People) -> list[list[bool]]:
    """The first three joints of `right_keypoints`."""
    close = close_pairs(truth, predicted, NEAR)
    return [row[:3] for row in right_keypoints(truth, predicted, close).tolist()]


def test_the_area_is_of_the_curve_with_its_dents_filled() -> None:
    found = ap.scores([samples([0.9, 0.8, 0.7, 0.6], [1, 0, 1, 0], 4)] * 15)

    # recall 1/4 at precision 1, then 2/4 at 2/3
    np.testing.assert_allclose(found["ap"].values, 100 * (0.25 + 0.25 * 2 / 3))
    np.testing.assert_allclose(found["pre"].values, 50)
    np.testing.assert_allclose(found["rec"].values, 50)


@pytest.mark.parametrize(
    ("one", "values"),
    [
        (samples([], [], 0), (0.0, 0.0, 0.0)),
        (samples([], [], 3), (0.0, 0.0, 0.0)),
        (samples([0.5], [0], 0), (np.nan, 0.0, np.nan)),
    ],
    ids=["neither", "never predicted", "never annotated"],
)
def test_joints_without_predictions_or_annotations(one: Samples, values: tuple[float, ...]) -> None:
    found = ap.scores([one, *[samples([0.5], [1], 1)] * 14])

    np.testing.assert_array_equal([found[name].values[0] for name in ("ap", "pre", "rec")], values)
    assert set(found["ap"].reasons.values()) <= {"never annotated"}
    assert not np.isnan(found["ap"].total)


def test_a_set_ranks_the_predictions_of_all_sequences_together() -> None:
    parts = [tuple([samples([0.9], [0], 1)] * 15), tuple([samples([0.8], [1], 1)] * 15)]

    np.testing.assert_allclose(ap.scores(ap.joined(parts))["ap"].values, 25)


def test_a_prediction_that_loses_its_best_person_gets_no_other() -> None:
    truth = side([[0, 0, 0], [4, 4, 100]])
    predicted = side([[0, 0, 0], [1, 1, 0]])  # the second would fit the second person too

    assert right(truth, predicted) == [[True] * 3, [False] * 3]


def test_the_share_is_of_the_annotated_persons_joints() -> None:
    truth = side([[0, 0, 0], [3, 3]])
    predicted = side([[1, 1, 90]])  # two of three, or two of two

    assert right(truth, predicted) == [[True, True, False]]
    assert right_keypoints(truth, predicted, close_pairs(truth, predicted, NEAR)).sum() == 2


def test_of_equals_the_first_wins() -> None:
    twins = side([[0, 0, 0], [0, 0, 0]])

    assert right(twins, side([[2, 2, 50]])) == [[True, True, False]]
    assert right(side([[2, 2, 2]]), twins) == [[True] * 3, [False] * 3]


def test_people_of_other_frames_do_not_meet() -> None:
    assert right(side([[0, 0, 0]], [0]), side([[0, 0, 0]], [1])) == [[False] * 3]


def test_pairs_are_the_same_in_many_small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    frames = sorted(rng.integers(0, 6, 30).tolist())
    truth, predicted = (side(rng.uniform(0, 30, (30, 15)).tolist(), frames) for _ in range(2))
    whole = close_pairs(truth, predicted, NEAR)

    monkeypatch.setattr("pipelines.evaluation.matching._TOGETHER", 7)
    parts = close_pairs(truth, predicted, NEAR)

    assert len(whole) > 100
    for name in ("joint", "frame", "truth", "predicted", "distance"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
