"""Seventeen predicted joints as records of the fifteen that are judged, against recorded ones."""

import re

import numpy as np
import pytest

from data.annorect import annorects_as_published, tracked_annorects_as_published
from data.posetrack import Person

FAMILY = "posetrack_annorect"


def drawn_people(case, mode: str) -> list[Person]:
    """The case's random predictions, drawn as its sentence says."""
    words = case.text["input"]["poses"]
    count, _, keypoints = case.numbers(r"(\d+) arrays (\d+)x(\d+)", words)
    (stream,) = case.numbers(r"default_rng\(\[seed, (\d+)\]\)", words)
    draws = re.findall(r"uniform\((\d+),(\d+),\((\d+),(\d+)\)\)", words)
    rng = np.random.default_rng([case.seed, int(stream)])
    people = []
    boxes, tracks = case.text["input"]["box_scores"], case.text["input"]["track_ids"][mode]
    assert count == len(boxes) == len(tracks)
    for box_score, track in zip(boxes, tracks, strict=True):
        places, scores = (
            rng.uniform(int(low), int(high), (int(rows), int(columns)))
            for low, high, rows, columns in draws
        )
        assert len(scores[0]) == keypoints
        visible = np.ones(len(scores[0]))
        people.append(Person(places.T, visible, track, scores=scores[0], score=box_score))
    return people


def flat(record: dict) -> list[float]:
    (points,) = record["annopoints"]
    cells = [p[key] for p in points["point"] for key in ("id", "x", "y", "score")]
    return [value for (value,) in (*cells, record["score"], record["track_id"])]


def assert_same(case, expected: list[dict], actual: list[dict]) -> None:
    assert len(expected) == len(actual)
    relative = case.number(r"(\S+) relative")
    for one, other in zip(expected, actual, strict=True):
        assert one.keys() == other.keys()
        np.testing.assert_allclose(flat(other), flat(one), rtol=relative, atol=0)


def test_records_for_ap_are_the_recorded_ones(case):
    actual = annorects_as_published(drawn_people(case, "plain"))

    assert_same(case, case.text["expected"]["plain"], actual)


def test_records_for_tracking_are_the_recorded_ones(case):
    (mode,) = (name for name in case.text["expected"] if name.startswith("tracking_threshold"))
    threshold = float(mode.rpartition("_")[2])

    actual = tracked_annorects_as_published(drawn_people(case, "tracking"), threshold=threshold)

    assert_same(case, case.text["expected"][mode], actual)


@pytest.mark.parametrize("records", [annorects_as_published, tracked_annorects_as_published])
def test_a_frame_without_people_has_the_recorded_dummy(case, records):
    assert_same(case, case.text["expected"]["empty"], records([]))
