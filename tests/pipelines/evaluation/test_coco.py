"""COCO's evaluation as a whole: files in, scores out, odd numbers on the way."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import AnnotationError
from data.keypoint_sets import CROWDPOSE
from pipelines.evaluation.coco import OKS, Asked, CocoScores, evaluate
from pipelines.evaluation.pck import Counted

Document = dict[str, Any]
ASKED = Asked(torsos=0.2, heads=0.5)
NUMBERS = (0, -1, 1e-320, 1e30, -1e30, 1e308, 2**62, 0.5, 10**30, [], None, True, float("nan"))


def documents() -> tuple[Document, list[Document]]:
    """Two images of CrowdPose, two people each, all found."""
    people, results = [], []
    for image in (1, 2):
        for side in (0, 200):
            flat = [v for k in range(14) for v in (side + 10 * (k % 3), 11 * k, 2)]
            box = [side, 0, 30, 150]
            own = {"id": len(people), "image_id": image, "category_id": 1, "bbox": box}
            people.append({**own, "keypoints": flat, "num_keypoints": 14, "iscrowd": 0})
            results.append({"image_id": image, "category_id": 1, "keypoints": flat, "score": 0.5})
    images = [{"id": 1, "crowdIndex": 0.1}, {"id": 2, "crowdIndex": 0.9}]
    category = {"id": 1, "name": "person", "keypoints": list(CROWDPOSE.keypoints)}
    return {"images": images, "annotations": people, "categories": [category]}, results


def stored(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def test_files_are_scored_side_by_side(tmp_path: Path) -> None:
    truth, results = documents()
    truth["annotations"][0]["bbox_head"] = [0, 0, 9, 9]
    files = {
        "all": stored(tmp_path, "all.json", results),
        "half": stored(tmp_path, "half.json", results[::2]),
        "none": stored(tmp_path, "none.json", []),
    }
    done: list[int] = []

    scores = evaluate(stored(tmp_path, "a.json", truth), files, ASKED, tell=done.append)

    assert done == [1, 2, 3]
    assert (scores.keypoint_set, scores.images, scores.people, scores.to_find) == (
        "CrowdPose",
        2,
        4,
        4,
    )
    assert [one.count for one in scores.results.values()] == [4, 2, 0]
    assert list(scores.results["all"].families) == [OKS, "PCK@0.2", "PCKh@0.5"]
    for family, name in ((OKS, "AR"), ("PCK@0.2", "all"), ("PCKh@0.5", "limbs")):
        found = [one.families[family][name].number for one in scores.results.values()]
        assert found == pytest.approx([100, 50, 0])
    assert scores.measured == {"PCK@0.2": 4, "PCKh@0.5": 4}
    assert scores.wanted["PCK@0.2"]["limbs"] == 48
    assert scores.notes == (f"{files['none']}: there are no results, so every score is 0.",)


def test_the_limit_belongs_to_the_head_and_not_to_the_torso(tmp_path: Path) -> None:
    truth, results = documents()
    for person, one in zip(truth["annotations"], results, strict=True):
        person["bbox_head"] = [0, 0, 30, 40]  # a head of 30
        one["keypoints"] = [v + 3 if k % 3 == 0 else v for k, v in enumerate(one["keypoints"])]
    places = [CROWDPOSE.index(name) for name in ("left_shoulder", "right_hip")]
    for person in truth["annotations"]:
        for place, x in zip(places, (0, 30), strict=True):  # a torso of 30
            person["keypoints"][3 * place : 3 * place + 2] = [x, 0]
    paths = stored(tmp_path, "a.json", truth), {"r": stored(tmp_path, "r.json", results)}

    at = evaluate(*paths, Asked(0.1, 0.1)).results["r"].families
    above = evaluate(*paths, Asked(0.11, 0.11)).results["r"].families

    assert (at["PCK@0.1"]["neck"].number, at["PCKh@0.1"]["neck"].number) == (0, 100)
    assert above["PCK@0.11"]["neck"].number == 100


def test_images_without_a_crowd_index_are_noted(tmp_path: Path) -> None:
    truth, results = documents()
    del truth["images"][1]["crowdIndex"]
    path = stored(tmp_path, "a.json", truth)

    scores = evaluate(path, {"r": stored(tmp_path, "r.json", results)})

    values = scores.results["r"].families[OKS]
    assert values["AP easy"].number == pytest.approx(100)
    assert math.isnan(values["AP hard"].number)
    assert scores.notes == (
        f"{path}: images without a crowdIndex are neither easy, medium nor hard (1).",
    )


def numbers_in(value: Any) -> list[tuple[Any, Any]]:
    """Every (holder, key) of a number in a document."""
    keys = list(value) if isinstance(value, dict) else range(len(value))
    spots = []
    for key in keys:
        inner = value[key]
        if isinstance(inner, (dict, list)):
            spots += numbers_in(inner)
        elif not isinstance(inner, str):
            spots.append((value, key))
    return spots


def outcome(truth: Path, results: Path) -> CocoScores | str:
    """The scores, or what was told instead."""
    try:
        return evaluate(truth, {"r": results}, Asked(0.2, 0.5, Counted(limbs=1)))
    except AnnotationError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(4))
def test_odd_numbers_are_scored_or_told(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    scored = 0

    for _ in range(40):
        pair = copy.deepcopy(documents())
        for document in pair:
            spots = numbers_in(document)
            for place in rng.integers(0, len(spots), int(rng.integers(0, 3))):
                holder, key = spots[place]
                holder[key] = copy.deepcopy(NUMBERS[int(rng.integers(len(NUMBERS)))])
        truth, results = (
            stored(tmp_path, name, document)
            for name, document in zip(("a.json", "r.json"), pair, strict=True)
        )
        found = outcome(truth, results)
        if isinstance(found, str):
            assert found.startswith(str(tmp_path))
            continue
        scored += 1
        for values in found.results["r"].families.values():
            for value in values.values():
                assert value.reason or 0 <= value.number <= 100 + 1e-9

    assert scored > 3
