"""Whole images with everyone on them, from COCO's, CrowdPose's and PoseTrack's annotations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from data.errors import AnnotationError
from data.image_store import ImageFolder
from data.scenes import AnnotatedScenes, read_scenes
from data.skeleton import COCO_17, CROWDPOSE_14, Skeleton
from data.synthetic.posetrack_tree import TreePlan, write_tree

CROWDPOSE_NAMES = [*CROWDPOSE_14.keypoints[:12], "head", "neck"]


def person(number: int, image: int, count: int = 17, **more: Any) -> dict[str, Any]:
    """Somebody from (10, 20) to (50, 100) with keypoints at 1, 2; 2, 3; ..."""
    points = [[i + 1, i + 2, 2] for i in range(count)]
    entry = {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": [10, 20, 40, 80],
        "keypoints": [value for point in points for value in point],
        "area": 900.0,
        "iscrowd": 0,
    }
    return {**entry, **more}


def scenes(
    folder: Path,
    people: list[dict[str, Any]],
    skeleton: Skeleton = COCO_17,
    names: list[str] | None = None,
) -> AnnotatedScenes:
    """Two images, 60 x 120 and 100 x 50, and these people."""
    images = [
        {"id": 7, "file_name": "a.png", "width": 60, "height": 120},
        {"id": 9, "file_name": "b.png", "width": 100, "height": 50},
    ]
    category = {"id": 1, "name": "person", "keypoints": names or list(COCO_17.keypoints)}
    content = {"images": images, "annotations": people, "categories": [category]}
    (folder / "people.json").write_text(json.dumps(content))
    return read_scenes(folder / "people.json", ImageFolder(folder), skeleton)


def test_people_have_corners_keypoints_and_their_annotated_area(tmp_path: Path) -> None:
    found = scenes(tmp_path, [person(1, 7)])

    assert len(found) == 2
    assert (found.ids, found.wide.tolist()) == ((7, 9), [False, True])
    people = found.people_of(0)
    assert people.boxes.tolist() == [[10, 20, 50, 100]]
    assert people.keypoints[0, 3].tolist() == [4, 5, 2 / 2]
    assert (people.areas.tolist(), people.labelled.tolist()) == ([900], [17])
    assert len(found.people_of(1).boxes) == 0


def test_crowds_and_boxes_of_nothing_are_left_out(tmp_path: Path) -> None:
    beside, thin = [-30, 0, 30, 40], [10, 10, 0.5, 40]
    people = [
        person(1, 7, iscrowd=1),
        person(2, 7, bbox=beside),
        person(3, 7, bbox=thin),
        person(4, 7, area=0),
        person(5, 7, bbox=[1, 2, 30, 40]),
    ]

    found = scenes(tmp_path, people)

    assert found.people_of(0).boxes.tolist() == [[1, 2, 31, 42]]


def test_where_somebody_is_and_has_keypoints(tmp_path: Path) -> None:
    found = scenes(tmp_path, [person(1, 7), person(2, 9, keypoints=[0] * 51)])

    assert found.with_people(0).tolist() == [True, True]
    assert found.with_people(1).tolist() == [True, False]


def test_crowdposes_own_names_and_missing_areas_are_known(tmp_path: Path) -> None:
    someone = person(1, 7, count=14)
    del someone["area"]

    found = scenes(tmp_path, [someone], CROWDPOSE_14, CROWDPOSE_NAMES)

    people = found.people_of(0)
    assert people.keypoints[0, :, 0].tolist() == list(range(1, 15))
    assert people.areas.tolist() == pytest.approx([0.53 * 40 * 80])


def test_keypoints_that_the_file_does_not_know_are_not_labelled(tmp_path: Path) -> None:
    found = scenes(tmp_path, [person(1, 7, count=14)], COCO_17, CROWDPOSE_NAMES)

    flags = found.people_of(0).keypoints[0, :, 2]
    assert flags.tolist() == [0] * 5 + [1] * 12


def test_other_names_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="expected the names of one of"):
        scenes(tmp_path, [], names=["thumb"] * 17)


def test_an_image_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    found = scenes(tmp_path, [person(1, 9)])
    cv2.imwrite(str(tmp_path / "b.png"), np.full((50, 100, 3), 9, np.uint8))

    image, people = found.scene(1)

    assert (image.shape, len(people.boxes)) == ((50, 100, 3), 1)


def test_posetracks_people_are_read_on_cocos_keypoints(tmp_path: Path) -> None:
    write_tree(tmp_path, TreePlan(1, 2, (128, 96), seed=4, people=2), lambda done: None)

    found = read_scenes(tmp_path / "annotations" / "train", ImageFolder(tmp_path), COCO_17)

    assert len(found) == 2
    assert len(set(found.groups)) == 1
    people = found.people_of(0)
    assert people.keypoints[:, 1:3, 2].max() == 0  # PoseTrack labels no eyes
    assert people.keypoints[..., 2].max() == 1
    assert found.scene(0).image.shape == (96, 128, 3)
