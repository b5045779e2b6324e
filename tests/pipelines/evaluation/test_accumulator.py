"""The accumulator against motmetrics, and its rules one by one."""

from __future__ import annotations

from collections.abc import Callable

import motmetrics
import numpy as np
import pytest

from pipelines.evaluation import mot
from pipelines.evaluation.loading import Compared, People
from pipelines.evaluation.matching import NEAR, close_pairs

Draw = Callable[[int], Compared]


def reference(compared: Compared, joint: int) -> motmetrics.MOTAccumulator:
    """motmetrics, fed with the same distances frame by frame."""
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    truth, predicted = compared.truth, compared.predicted
    for frame in range(len(compared)):
        rows = np.flatnonzero((truth.frame == frame) & truth.present[:, joint])
        columns = np.flatnonzero((predicted.frame == frame) & predicted.present[:, joint])
        gap = truth.points[rows, None, joint] - predicted.points[None, columns, joint]
        far = np.sqrt((gap**2).sum(-1)) / truth.head[rows, None]
        far = np.where(far <= NEAR, far, np.nan)
        accumulator.update(truth.track[rows], predicted.track[columns], far)
    return accumulator


@pytest.mark.parametrize("seed", range(12))
def test_events_are_those_of_motmetrics(seed: int, drawn_videos: Draw) -> None:
    """On a coarse grid, where costs tie; the official tool's solver is the same."""
    compared = drawn_videos(seed)
    counts = mot.tally(compared, close_pairs(compared.truth, compared.predicted, NEAR)).real

    for joint in range(15):
        with motmetrics.lap.set_default_solver("lap"):
            events = reference(compared, joint).events
        number = events["Type"].value_counts()
        assert counts.matches[joint] == number["MATCH"] + number["SWITCH"]
        assert counts.switches[joint] == number["SWITCH"]
        assert counts.misses[joint] == number["MISS"]
        assert counts.false_positives[joint] == number["FP"]
        matched = events["D"][events["Type"].isin(["MATCH", "SWITCH"])].sum()
        np.testing.assert_allclose(counts.distance[joint], matched, atol=1e-12)
        np.testing.assert_allclose(counts.all_distance[joint], events["D"].sum(), atol=1e-12)


def side(*places: tuple[int, int, float]) -> People:
    """People of one joint, the first: frame, track, x; a head is 10 pixels."""
    frame, track, x = (np.array(column) for column in zip(*places, strict=True))
    present = np.zeros((len(frame), 15), np.bool_)
    present[:, 0] = True
    points = np.full((len(frame), 15, 2), np.nan)
    points[:, 0] = np.stack([x, np.zeros(len(x))], 1)
    return People(frame, points, present, present * 1.0, track, np.full(len(frame), 10.0))


def tallied(truth: People, predicted: People, frames: int) -> mot.MotTally:
    compared = Compared("v", np.arange(frames) + 5, truth, predicted, ())
    return mot.tally(compared, close_pairs(truth, predicted, NEAR))


def test_a_former_match_wins_over_a_nearer_one() -> None:
    truth = side((0, 1, 0.0), (1, 1, 0.0))
    predicted = side((0, 7, 0.0), (1, 7, 4.0), (1, 8, 0.0))

    counts = tallied(truth, predicted, 2).real

    assert (counts.matches[0], counts.switches[0], counts.false_positives[0]) == (2, 0, 1)
    assert counts.distance[0] == 0.4


def test_a_match_is_remembered_over_a_gap() -> None:
    truth = side((0, 1, 0.0), (3, 1, 0.0))
    predicted = side((0, 7, 0.0), (3, 8, 0.0))

    tally = tallied(truth, predicted, 4)

    assert tally.real.switches[0] == 1
    assert tally.switches.tolist() == [[8, 0, 1, 7, 8]]  # frame 3 of the compared is the video's 8


def test_half_a_head_is_near() -> None:
    counts = tallied(side((0, 1, 0.0), (0, 2, 100.0)), side((0, 7, 5.0), (0, 8, 105.001)), 1).real

    assert (counts.matches[0], counts.misses[0]) == (1, 1)


def test_as_many_pairs_as_can_be_are_made_though_they_are_farther() -> None:
    counts = tallied(side((0, 1, 0.0), (0, 2, 4.0)), side((0, 7, 3.5), (0, 8, 8.5)), 1).real

    assert counts.matches[0] == 2
    np.testing.assert_allclose(counts.distance[0], 0.35 + 0.45)


def test_the_official_count_lacks_the_last_frame_and_invents_one_pair_where_a_side_is_empty() -> (
    None
):
    truth = side((0, 1, 0.0), (1, 1, 0.0), (1, 2, 50.0), (2, 1, 0.0))
    predicted = side((0, 7, 0.0), (2, 7, 0.0))

    tally = tallied(truth, predicted, 3)

    official = tally.official
    assert (official.objects[0], official.misses[0], official.false_positives[0]) == (2, 1, 1)
    assert tally.official.objects[9] == 1  # of a joint that nobody has
    assert (tally.real.objects[0], tally.real.misses[0], tally.real.false_positives[0]) == (4, 2, 0)
    assert tally.real.objects[9] == 0
    assert (tally.frames, tally.one_sided) == (3, 1)
