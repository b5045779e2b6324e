"""HOTA against its definition, written out slowly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from data.errors import AnnotationError
from data.flat_sequence import FlatSequence
from pipelines.evaluation import hota
from pipelines.evaluation.loading import Compared, People

Flat = Callable[[People, int], FlatSequence]
ALPHAS = [0.05 * k for k in range(1, 20)]


def slow(
    truth: FlatSequence, predicted: FlatSequence, joint: int, alpha: float
) -> dict[str, float]:
    """Specification 9.1 for one joint and threshold, frame after frame."""
    hits: list[tuple[int, int, float]] = []
    there = [(side.points[:, joint] > 0).all(1) for side in (truth, predicted)]
    for frame in range(len(truth)):
        rows, columns = (
            np.flatnonzero((side.frame == frame) & has)
            for side, has in zip((truth, predicted), there, strict=True)
        )
        gap = truth.points[rows, None, joint] - predicted.points[None, columns, joint]
        near = np.maximum(
            0, 1 - np.hypot(*np.moveaxis(gap, -1, 0)) / truth.head[rows, None] / 0.5001
        )
        for r, c in zip(*linear_sum_assignment(-near), strict=True):
            if near[r, c] >= alpha - np.finfo(float).eps:
                hits.append((truth.track[rows[r]], predicted.track[columns[c]], near[r, c]))
    true, wanted, given = len(hits), there[0].sum(), there[1].sum()
    seen = {t: int(there[0][truth.track == t].sum()) for t in truth.track}
    shown = {t: int(there[1][predicted.track == t].sum()) for t in predicted.track}
    both: dict[tuple[int, int], int] = {}
    for one, other, _ in hits:
        both[one, other] = both.get((one, other), 0) + 1
    union = {pair: max(1, seen[pair[0]] + shown[pair[1]] - n) for pair, n in both.items()}
    fragments = 0.0
    for one in {pair[0] for pair in both}:
        walk = [other for who, other, _ in hits if who == one]
        cuts = [0, *(i for i in range(1, len(walk)) if walk[i] != walk[i - 1]), len(walk)]
        for begin, end in pairwise(cuts):
            fragments += (end - begin) ** 2 / union[one, walk[begin]]
    total = max(1, true)
    return {
        "DetA": true / max(1, wanted + given - true),
        "DetRe": true / max(1, wanted),
        "DetPr": true / max(1, given),
        "AssA": sum(n * n / union[pair] for pair, n in both.items()) / total,
        "AssRe": sum(n * n / max(1, seen[pair[0]]) for pair, n in both.items()) / total,
        "AssPr": sum(n * n / max(1, shown[pair[1]]) for pair, n in both.items()) / total,
        "FragA": fragments / total,
        "LocA": max(1e-10, sum(s for *_, s in hits)) / max(1e-10, true),
    }


@pytest.fixture
def videos(drawn_videos: Callable[[int], Compared], flat_of: Flat) -> list[FlatSequence]:
    """Truth and prediction without ties, of which frames have nobody on one side or both."""
    compared = drawn_videos(3)
    rng, sides = np.random.default_rng(4), []
    for people in (compared.truth, compared.predicted):
        noise = rng.uniform(0.1, 0.3, people.points.shape)
        sides.append(flat_of(replace(people, points=people.points + noise), 10))
    return sides


def test_every_quantity_is_as_defined(videos: list[FlatSequence]) -> None:
    table = hota.tally(*videos)

    for joint in (0, 7, 14):
        for place in (0, 6, 12):
            wanted = slow(*videos, joint, ALPHAS[place])
            for name, value in wanted.items():
                np.testing.assert_allclose(table[name][place, joint], value, atol=1e-12)


def test_a_frame_with_people_on_one_side_counts_its_own_joints_only(
    videos: list[FlatSequence],
) -> None:
    truth, predicted = videos
    frames = set(truth.frame) ^ set(predicted.frame)
    assert frames

    table = hota.tally(truth, predicted)

    joints = (truth.points > 0).all(2).sum(0)
    assert (table["HOTA_TP"] + table["HOTA_FN"])[:, :15].tolist() == [joints.tolist()] * 19


def test_a_perfect_tracker_has_100_and_frames_that_are_not_labelled_do_not_count(
    videos: list[FlatSequence],
) -> None:
    truth = replace(videos[0], is_labeled=np.arange(10) < 6)
    later = np.where((truth.frame < 6)[:, None, None], truth.points, truth.points + 50)

    found = hota.scores([hota.tally(truth, replace(truth, points=later))])

    np.testing.assert_allclose(found["HOTA"].values, 100)
    np.testing.assert_allclose(found["FA-RHOTA"].values, 100)


def test_a_track_id_that_occurs_twice_in_the_truth_is_told(videos: list[FlatSequence]) -> None:
    truth = replace(videos[0], track=np.zeros_like(videos[0].track))

    with pytest.raises(AnnotationError, match=r"drawn\.json: frame .*the track id 0 occurs twice"):
        hota.tally(truth, videos[1])
