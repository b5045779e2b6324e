"""Agreement is with the reference's sure keypoints, and whoever is missing counts as wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.result import Record
from data.skeleton import COCO_17
from fspose_app.bench.agreement import LIMBS, agreement

HEADER: Record = {"skeleton": {"name": "coco-17"}, "width": 640, "height": 360}
SHOULDER, HIP = COCO_17.index("left_shoulder"), COCO_17.index("right_hip")
ANKLE = COCO_17.index("left_ankle")


def person(
    x: float, *, moved: dict[int, float] | None = None, scores: dict[int, float] | None = None
) -> dict[str, Any]:
    """Someone at x, 100 pixels high; shoulder and hip are 40 apart, so that 8 pixels are near."""
    points = np.array([[x + 2.0 * n, 100 + 6.0 * n, 0.9] for n in range(17)])
    points[SHOULDER, :2], points[HIP, :2] = (x, 100), (x, 140)
    for joint, by in (moved or {}).items():
        points[joint, 0] += by
    for joint, score in (scores or {}).items():
        points[joint, 2] = score
    box = [x - 10, 90, 60, 120]
    return {
        "track": 1,
        "box": box,
        "score": 0.9,
        "keypoints": points.tolist(),
        "from": "slow",
    }


def frame(*people: dict[str, Any]) -> Record:
    return {"frame": 0, "time": 0.0, "keyframe": True, "people": list(people)}


def test_a_result_agrees_with_itself() -> None:
    found = agreement(HEADER, [frame(person(100), person(300))], [frame(person(100), person(300))])

    assert (found.pck, found.oks) == (100, pytest.approx(100))
    assert (found.people, found.missed, found.strangers) == (2, 0, 0)


@pytest.mark.parametrize(("by", "right"), [(8.0, 12), (8.1, 11)])
def test_a_keypoint_is_near_within_a_fifth_of_the_torso(by: float, right: int) -> None:
    found = agreement(HEADER, [frame(person(100))], [frame(person(100, moved={ANKLE: by}))])

    assert found.pck == pytest.approx(100 * right / len(LIMBS))
    assert found.oks is not None
    assert 95 < found.oks < 100


def test_who_is_missing_counts_as_wrong_and_a_stranger_in_neither() -> None:
    missing = agreement(HEADER, [frame(person(100), person(300))], [frame(person(100))])
    stranger = agreement(HEADER, [frame(person(100))], [frame(person(300), person(100))])

    assert (missing.pck, missing.oks) == (50, pytest.approx(50))
    assert (missing.missed, missing.strangers) == (1, 0)
    assert (stranger.pck, stranger.missed, stranger.strangers) == (100, 0, 1)


def test_keypoints_of_which_the_reference_is_not_sure_do_not_count() -> None:
    unsure = person(100, scores={ANKLE: 0.1})

    found = agreement(HEADER, [frame(unsure)], [frame(person(100, moved={ANKLE: 90}))])

    assert (found.pck, found.oks) == (100, pytest.approx(100))


def test_how_sure_the_other_is_of_itself_does_not_matter() -> None:
    shy = person(100, scores=dict.fromkeys(range(17), 0.0))

    found = agreement(HEADER, [frame(person(100))], [frame(shy)])

    assert (found.pck, found.oks) == (100, pytest.approx(100))


def test_without_a_torso_there_is_oks_only() -> None:
    bare = person(100, scores={SHOULDER: 0.0})

    found = agreement(HEADER, [frame(bare)], [frame(person(100))])

    assert found.pck is None
    assert found.oks == pytest.approx(100)


def test_where_nobody_is_there_is_nothing_to_compare() -> None:
    found = agreement(HEADER, [frame()], [frame(person(100))])

    assert (found.pck, found.oks, found.strangers) == (None, None, 1)


def test_results_of_other_frames_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        agreement(HEADER, [frame(), frame()], [frame()])
