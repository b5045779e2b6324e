"""PCK and PCKh by hand: torsos, heads, who counts, and what is near."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from data.evaluation_coco import CocoTruth, parse_results, parse_truth
from data.keypoint_sets import COCO, CROWDPOSE, KeypointSet
from pipelines.evaluation.pck import (
    LABELLED,
    LIMBS,
    NO_HEAD,
    NO_TORSO,
    VISIBLE,
    Counted,
    Yardstick,
    distances,
    head,
    shares,
    targets,
    torso,
    wanted_counts,
)
from pipelines.evaluation.value import Values

Points = dict[str, tuple[float, float, int]]
# Shoulder to hip is 3, 4: five pixels by ten.
TORSO: Points = {"left_shoulder": (0, 0, 2), "right_hip": (30, 40, 2)}


def truth_of(*people: Points, known: KeypointSet = COCO, **changes: Any) -> CocoTruth:
    entries = []
    for number, points in enumerate(people):
        flat = [v for name in known.keypoints for v in points.get(name, (0, 0, 0))]
        person = {"id": number, "image_id": 1, "category_id": 1, "keypoints": flat, "area": 9}
        entries.append({**person, "bbox": [0, 0, 90, 90], **changes})
    category = {"id": 1, "name": "person", "keypoints": list(known.keypoints)}
    content = {"images": [{"id": 1}], "annotations": entries, "categories": [category]}
    return parse_truth(content, "a.json")


def pck(truth: CocoTruth, yardstick: Yardstick, *moved: Points, counted: Counted, at: float) -> Any:
    """Values and counts, where the i-th person's result has keypoints `moved[i]`, or is none."""
    entries = []
    for points in moved:
        names = truth.keypoint_set.keypoints
        flat = [float(v) for name in names for v in points.get(name, (500, 500, 0))]
        entries.append({"image_id": 1, "category_id": 1, "keypoints": flat, "score": 1})
    results = parse_results(entries, "r.json", truth)
    partner = np.array([*range(len(moved)), *[-1] * (len(truth.image) - len(moved))], np.int64)
    wanted = targets(truth, yardstick, counted)
    near = distances(truth, results, partner, wanted) < at
    return shares(near, truth, wanted), wanted_counts(truth, wanted), wanted


def told(values: Values) -> dict[str, float]:
    return {name: value.number for name, value in values.items() if not value.reason}


def test_a_keypoint_is_found_nearer_than_a_share_of_the_torso() -> None:
    person = {**TORSO, "nose": (10, 0, 1)}
    moved = {"left_shoulder": (9.9, 0, 1), "right_hip": (40, 40, 1), "nose": (10, 60, 1)}
    truth = truth_of(person)

    values, counts, _ = pck(truth, torso(truth), moved, counted=Counted(), at=0.2)

    assert told(values) == {
        "left_shoulder": 100,
        "right_hip": 0,  # ten pixels are a fifth of fifty, not less
        "nose": 0,
        "limbs": 50,
        "all": pytest.approx(100 / 3),
    }
    assert {name: count for name, count in counts.items() if count} == {
        "left_shoulder": 1,
        "right_hip": 1,
        "nose": 1,
        "limbs": 2,
        "all": 3,
    }
    assert values["left_eye"].reason == "never annotated"


def test_whoever_is_not_found_has_no_keypoint_found() -> None:
    truth = truth_of(TORSO, TORSO)

    values, _, wanted = pck(truth, torso(truth), TORSO, counted=Counted(), at=0.2)

    assert told(values)["all"] == 50
    assert wanted.people == 2


def test_people_without_a_torso_are_left_out() -> None:
    hidden = {"left_shoulder": (0, 0, 1), "right_hip": (0, 50, 1)}
    short = {"left_shoulder": (0, 0, 2), "right_hip": (0, 0.9, 2)}
    half = {"left_shoulder": (0, 0, 2), "left_hip": (0, 50, 2)}

    sizes = torso(truth_of(TORSO, hidden, short, half)).sizes

    np.testing.assert_array_equal(sizes, [50, 50, np.nan, np.nan])


def test_visible_keypoints_alone_may_count() -> None:
    person = {**TORSO, "left_hip": (0, 40, 1)}
    truth = truth_of(person)

    _, labelled, _ = pck(truth, torso(truth), person, counted=Counted(LABELLED), at=0.2)
    _, visible, _ = pck(truth, torso(truth), person, counted=Counted(VISIBLE), at=0.2)

    assert (labelled["limbs"], visible["limbs"]) == (3, 2)


def test_people_of_few_limbs_may_be_left_out() -> None:
    whole = {**TORSO, **{name: (7.0, k, 1) for k, name in enumerate(LIMBS[4:7])}, "nose": (1, 1, 2)}
    truth = truth_of(TORSO, whole)

    _, _, three = pck(truth, torso(truth), counted=Counted(limbs=3), at=0.2)
    _, _, seen = pck(truth, torso(truth), counted=Counted(VISIBLE, limbs=3), at=0.2)

    assert three.wanted.any(1).tolist() == [False, True]
    assert not seen.wanted.any()
    assert seen.reason == "nobody measured has 3 limb keypoints that count"


def test_crowds_and_people_without_keypoints_are_left_out() -> None:
    nobody = targets(truth_of(TORSO, {}), torso(truth_of(TORSO, {})), Counted())

    assert nobody.wanted.any(1).tolist() == [True, False]


def test_a_head_is_its_boxs_or_lies_between_its_keypoints() -> None:
    points: Points = {"top_head": (3, 0, 2), "neck": (3, 12, 1)}

    boxed = head(truth_of(points, known=CROWDPOSE, bbox_head=[0, 0, 30, 40]))
    flat = head(truth_of(points, known=CROWDPOSE, bbox_head=[0, 0, 0, 0]))
    bare = head(truth_of(points, known=CROWDPOSE))
    coco = head(truth_of(TORSO, bbox_head=[0, 0, 6, 8]))

    assert [one.sizes.tolist() for one in (boxed, flat, bare, coco)] == [[30], [12], [12], [6]]


@pytest.mark.parametrize(("measure", "reason"), [(torso, NO_TORSO), (head, NO_HEAD)])
def test_what_cannot_be_measured_is_told(measure: Any, reason: str) -> None:
    truth = truth_of({"nose": (4, 4, 2)})

    values, _, wanted = pck(truth, measure(truth), {}, counted=Counted(), at=0.5)

    assert told(values) == {}
    assert {value.reason for value in values.values()} == {reason}
    assert wanted.people == 0
