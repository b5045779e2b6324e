"""OKS scores: pycocotools' own numbers, CrowdPose's parts by hand, and who is whose."""

from __future__ import annotations

import contextlib
import copy
import io
import math
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO as Annotations
from pycocotools.cocoeval import COCOeval

from data.evaluation_coco import CocoResults, CocoTruth, parse_results, parse_truth
from data.keypoint_sets import COCO, CROWDPOSE, KeypointSet
from pipelines.evaluation.oks import (
    CROWDING,
    NO_CROWD,
    NO_INDEX,
    NO_SIZE,
    compare,
    oks_values,
    partners,
    sigmas,
)
from pipelines.evaluation.value import Value, Values

Document = dict[str, Any]
STATS = ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")
CROWDPOSE_SIGMAS = np.array(
    [0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89, 0.79, 0.79]
)


def document(people: list[Document], crowding: dict[int, float], known: KeypointSet) -> Document:
    """An annotation file: `crowding` holds its images."""
    category = {"id": 1, "name": "person", "keypoints": list(known.keypoints)}
    images = [{"id": number, "crowdIndex": index} for number, index in crowding.items()]
    return {"images": images, "annotations": people, "categories": [category]}


def annotated(image: int, points: Any, number: int, **changes: Any) -> Document:
    """A person by (J, 3) keypoints, in a box around them."""
    table = np.asarray(points, float)
    low, high = table[:, :2].min(0), table[:, :2].max(0)
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "keypoints": table.ravel().tolist(),
        "num_keypoints": int((table[:, 2] > 0).sum()),
        "bbox": [*low.tolist(), *(high - low).tolist()],
        "area": float(np.prod(high - low)) / 2,
        "iscrowd": 0,
        **changes,
    }


def found(image: int, points: Any, score: float) -> Document:
    keypoints = np.asarray(points, float).ravel().tolist()
    return {"image_id": image, "category_id": 1, "keypoints": keypoints, "score": score}


def drawn(known: KeypointSet, seed: int) -> tuple[Document, list[Document]]:
    """Eight images of people of all sizes, crowds, people without keypoints, and what is found."""
    rng = np.random.default_rng(seed)
    people, results = [], []
    for image in range(1, 8):
        for _ in range(rng.integers(1, 5)):
            size = rng.choice([20.0, 60, 150, 400])
            points = np.column_stack(
                [rng.uniform(0, size, (len(known), 2)) + 100, rng.integers(0, 3, len(known))]
            )
            changes = {"iscrowd": int(rng.random() < 0.1)}
            if rng.random() < 0.1:
                points[:, 2] = 0
            people.append(annotated(image, points, len(people) + 1, **changes))
            for _ in range(rng.integers(0, 3)):
                noisy = points + rng.normal(0, 0.04 * size, points.shape)
                results.append(found(image, noisy, round(rng.random(), 2)))
        results.append(found(image, rng.uniform(0, 500, (len(known), 3)), rng.random()))
    return document(people, {i: i / 8 for i in range(1, 9)}, known), results


def read(truth: Document, results: list[Document]) -> tuple[CocoTruth, CocoResults]:
    annotations = parse_truth(truth, "a.json")
    return annotations, parse_results(results, "r.json", annotations)


def scored(truth: Document, results: list[Document]) -> Values:
    return oks_values(compare(*read(truth, results)))


def numbers(values: Values) -> list[float]:
    return [value.number for value in values.values()]


def official(truth: Document, results: list[Document], images: list[int] | None = None) -> Any:
    """COCOeval of pycocotools after it was called as its makers do."""
    own = copy.deepcopy(truth)
    with contextlib.redirect_stdout(io.StringIO()):
        annotations = Annotations()
        annotations.dataset = own
        annotations.createIndex()
        tool = COCOeval(annotations, annotations.loadRes(copy.deepcopy(results)), "keypoints")
        if len(own["categories"][0]["keypoints"]) == 14:
            tool.params.kpt_oks_sigmas = CROWDPOSE_SIGMAS / 10.0
        if images is not None:
            tool.params.imgIds = images
        tool.evaluate()
        tool.accumulate()
        tool.summarize()
    return tool


@pytest.mark.parametrize("seed", range(4))
def test_cocos_numbers_are_those_of_pycocotools(seed: int) -> None:
    truth, results = drawn(COCO, seed)

    values = scored(truth, results)

    stats = official(truth, results).stats
    assert 0 < stats[0] < 1
    assert list(values) == [*STATS]
    assert numbers(values) == [100 * number for number in stats.tolist()]


@pytest.mark.parametrize("seed", range(4))
def test_crowdposes_numbers_are_those_of_pycocotools_with_its_sigmas_and_areas(seed: int) -> None:
    truth, results = drawn(CROWDPOSE, seed)

    values = scored(truth, results)

    for one in truth["annotations"]:
        one["area"] = 0.53 * one["bbox"][2] * one["bbox"][3]
    stats = official(truth, results).stats
    wanted = [100 * float(stats[place]) for place in (0, 1, 2, 5, 6, 7)]
    for images in ([1], [2, 3, 4, 5, 6], [7, 8]):  # of crowd indices from 1/8 to 8/8
        part = official(truth, results, images).stats[0]
        wanted.append(100 * round(float(part), 4))
    assert list(values) == ["AP", "AP50", "AP75", "AR", "AR50", "AR75", *CROWDING]
    assert numbers(values) == wanted


def test_the_sigmas_are_the_benchmarks() -> None:
    coco = COCOeval(iouType="keypoints").params.kpt_oks_sigmas

    np.testing.assert_array_equal(sigmas(COCO, coco), coco)
    np.testing.assert_array_equal(sigmas(CROWDPOSE, coco), CROWDPOSE_SIGMAS / 10.0)


SQUARE = np.column_stack([np.arange(14) % 4 * 30, np.arange(14) // 4 * 30, np.full(14, 2)])


def moved(points: Any, x: float, y: float = 0) -> Any:
    return points + np.array([x, y, 0])


FAR = moved(SQUARE, 900, 900)


def test_crowdposes_parts_by_hand() -> None:
    """Limits 0.2 and 0.8: 0.1 is easy, 0.2 and 0.79 are medium, 0.8 is hard."""
    truth = document(
        [annotated(image, SQUARE, image) for image in (1, 2, 3, 4)],
        {1: 0.1, 2: 0.2, 3: 0.79, 4: 0.8, 5: 0.1},
        CROWDPOSE,
    )
    results = [
        found(4, FAR, 0.95),  # nobody
        found(1, SQUARE, 0.9),
        found(2, SQUARE, 0.85),  # image 3's person is missed
        found(4, SQUARE, 0.8),
    ]

    values = scored(truth, results)

    # Of 101 recalls: precision 3/4 up to a recall of 3/4; medium 1 up to 1/2; hard 1/2 up to 1.
    assert values["AP"].number == pytest.approx(100 * 0.75 * 76 / 101, abs=1e-9)
    assert values["AR"].number == pytest.approx(75)
    assert values["AP easy"] == Value(100)
    assert values["AP medium"].number == pytest.approx(100 * round(51 / 101, 4))
    assert values["AP hard"].number == pytest.approx(50)


def test_crowdposes_area_is_the_boxes_by_hand() -> None:
    """A shoulder off by 9.32: OKS is exp(-9.32**2 / (2 * 0.158**2 * 0.53 * 100 * 100)) = 0.72."""
    points = np.zeros((14, 3))
    points[0] = [50, 50, 2]
    person = annotated(1, points, 1, bbox=[0, 0, 100, 100], area=1e6)

    values = scored(document([person], {1: 0.0}, CROWDPOSE), [found(1, moved(points, 9.32), 1)])

    assert values["AP"].number == pytest.approx(50)  # thresholds 0.5 to 0.7
    assert (values["AP50"].number, values["AP75"].number) == (pytest.approx(100), 0)


def test_a_part_without_people_has_its_reason() -> None:
    truth = document([annotated(1, SQUARE, 1)], {1: 0.1, 2: 0.9}, CROWDPOSE)

    values = scored(truth, [found(1, SQUARE, 1)])

    assert values["AP easy"] == Value(100)
    assert math.isnan(values["AP medium"].number)
    assert {values[name].reason for name in ("AP medium", "AP hard")} == {NO_CROWD}


def test_without_crowd_indices_there_are_no_parts() -> None:
    truth = document([annotated(1, SQUARE, 1)], {1: 0.1}, CROWDPOSE)
    del truth["images"][0]["crowdIndex"]

    values = scored(truth, [found(1, SQUARE, 1)])

    assert values["AP"] == Value(pytest.approx(100))
    assert {values[name].reason for name in CROWDING} == {NO_INDEX}


def test_a_size_that_nobody_has_is_told() -> None:
    points = np.column_stack([np.arange(17) * 9, np.arange(17) * 9, np.full(17, 2)])
    truth = document([annotated(1, points, 1)], {1: 0}, COCO)

    values = scored(truth, [found(1, points, 1)])

    assert values["APL"] == Value(pytest.approx(100))
    assert (values["APM"].reason, values["ARM"].reason) == (NO_SIZE, NO_SIZE)


def test_nobody_found_scores_nothing() -> None:
    truth, _ = drawn(COCO, 0)

    assert set(numbers(scored(truth, []))) == {0.0}


def test_a_person_with_the_number_zero_counts() -> None:
    """pycocotools takes a match with that number for none."""
    points = np.column_stack([np.arange(17) * 9, np.arange(17) * 9, np.full(17, 2)])
    truth, results = document([annotated(1, points, 0)], {1: 0}, COCO), [found(1, points, 1)]

    assert scored(truth, results)["AP"].number == pytest.approx(100)
    assert official(truth, results).stats[0] == 0


def test_the_boxes_of_results_do_not_count() -> None:
    truth, results = drawn(COCO, 1)
    boxed = [{**one, "bbox": [0, 0, 1, 1], "id": 3, "area": 4} for one in results]

    assert numbers(scored(truth, boxed)) == numbers(scored(truth, results))


def test_pairs_are_made_from_the_highest_oks_down() -> None:
    """Both results are nearest to the first person; the nearer one gets it, the other the rest."""
    people = [annotated(1, SQUARE, 1), annotated(1, moved(SQUARE, 40), 2)]
    crowd = annotated(1, SQUARE, 3, iscrowd=1)
    elsewhere = annotated(2, SQUARE, 4)
    truth = document([crowd, *people, elsewhere], {1: 0, 2: 0}, CROWDPOSE)
    results = [
        found(1, moved(SQUARE, 6), 0.9),
        found(1, moved(SQUARE, 3), 0.1),
        found(1, FAR, 0.99),
    ]

    assert partners(compare(*read(truth, results))).tolist() == [-1, 1, 0, -1]


def test_of_equal_pairs_the_higher_score_goes_first() -> None:
    truth = document([annotated(1, SQUARE, 1)], {1: 0}, CROWDPOSE)
    results = [found(1, SQUARE, 0.2), found(1, SQUARE, 0.7), found(1, SQUARE, 0.7)]

    assert partners(compare(*read(truth, results))).tolist() == [1]


def test_pairs_may_be_of_more_results_than_average_precision_takes() -> None:
    truth, results = drawn(COCO, 2)
    person = truth["annotations"][0]
    points = np.array(person["keypoints"]).reshape(17, 3)
    person["num_keypoints"], points[:, 2] = 17, 2
    person["keypoints"] = points.ravel().tolist()
    results += [found(person["image_id"], points + 70 * k, 2 + k) for k in range(30)]
    last = len(results) - 30

    few = compare(*read(truth, results))
    many = compare(*read(truth, results), most=60)

    assert partners(few)[0] != last
    assert partners(many)[0] == last
    assert numbers(oks_values(many)) == numbers(oks_values(few))
    assert numbers(oks_values(few)) == [100 * v for v in official(truth, results).stats.tolist()]


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    scored(*drawn(CROWDPOSE, 3))

    assert capsys.readouterr() == ("", "")
