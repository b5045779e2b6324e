"""Odd numbers in good files, and files of odd form: scores come out, or one line, no warning."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.errors import AnnotationError
from data.evaluation_files import parse
from pipelines.evaluation.posetrack import METRICS, evaluate_sequences
from pipelines.evaluation.scores import Scores

Build = Callable[..., dict[str, Any]]

NUMBERS = (0, -1, 1e-320, 1e308, -1e308, 2**62, 0.5, 10**30, [0, 0, 12, 0], [], None, True)


def numbers_in(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a number in a document, and of a list of numbers."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    spots = []
    for key in keys:
        inner = value[key]
        if isinstance(inner, (dict, list)) and inner and not isinstance(inner, str):
            spots += numbers_in(inner)
        elif not isinstance(inner, str):
            spots.append((value, key))
    return spots


def outcome(pair: list[dict[str, Any]]) -> Scores | str:
    """The scores of truth and prediction, or what was told instead."""
    try:
        truth, predicted = (parse(document, "v.json", "v") for document in pair)
        return evaluate_sequences([(truth, predicted)], metrics=METRICS)
    except AnnotationError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(8))
def test_odd_numbers_are_scored_or_told(
    seed: int, person18: Build, video18: Build, video17: Build
) -> None:
    rng = np.random.default_rng(seed)
    people = [person18(frame, track, 40 * track) for frame in range(2) for track in (1, 2)]
    region = {"ignore_regions_x": [[0, 70, 60, 3]], "ignore_regions_y": [[0, 0, 90, 80]]}
    documents = [video18(2, people), video17(2, [1])]
    documents[0]["images"][0].update(region)
    told = 0

    for _ in range(60):
        pair = [copy.deepcopy(documents[int(rng.integers(2))]) for _ in range(2)]
        for document in pair:
            spots = numbers_in(document)
            for place in rng.integers(0, len(spots), int(rng.integers(0, 4))):
                holder, key = spots[place]
                holder[key] = copy.deepcopy(NUMBERS[int(rng.integers(len(NUMBERS)))])
        found = outcome(pair)
        told += isinstance(found, str)
        if isinstance(found, str):
            assert "v.json" in found or "nothing to score" in found
        else:
            assert found.frames in (1, 2)

    assert 0 < told < 60


@settings(
    database=None,
    derandomize=True,
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_damaged_documents_are_scored_or_told(
    data: st.DataObject,
    person18: Build,
    video18: Build,
    video17: Build,
    damaged: Callable[[Any], st.SearchStrategy[Any]],
) -> None:
    new = video18(2, [person18(frame, track, 40 * track) for frame in (0, 1) for track in (1, 2)])
    new["images"][0] |= {"ignore_regions_x": [[0, 70, 60]], "ignore_regions_y": [[0, 0, 90]]}
    pair = [data.draw(st.sampled_from([new, video17(2, [1, 2])])) for _ in range(2)]
    side = data.draw(st.integers(0, 1))
    pair[side] = data.draw(damaged(pair[side]))

    found = outcome(pair)

    if isinstance(found, str):
        assert "v.json" in found or "nothing to score" in found
        assert "\n" not in found
    else:
        for metrics in found.families.values():
            for metric in metrics.values():
                assert not np.isinf(metric.values).any()
