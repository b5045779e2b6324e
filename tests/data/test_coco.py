"""COCO keypoint JSON: annotations read, results written so that pycocotools reads them."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.coco import read_coco, write_coco_results
from data.errors import AnnotationError, OutputError
from data.pose import Box, Pose
from data.skeleton import COCO_17, CROWDPOSE_14, FSPOSE_19, POSETRACK_17

KEYPOINTS = [value for joint in range(17) for value in (10 + joint, 20 + joint, joint % 3)]


def some_annotations() -> dict[str, Any]:
    return {
        "images": [
            {"id": 42, "file_name": "a.jpg", "width": 640, "height": 480},
            {"id": 7, "file_name": "b.jpg"},
        ],
        "annotations": [
            {
                "id": 1,
                "image_id": 42,
                "category_id": 1,
                "bbox": [5, 6, 70, 80.5],
                "keypoints": KEYPOINTS,
                "num_keypoints": 11,
                "iscrowd": 0,
                "area": 900.0,
            },
            {"id": 2, "image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9], "iscrowd": 1},
            {"id": 3, "image_id": 7, "category_id": 18, "bbox": [0, 0, 9, 9]},
        ],
        "categories": [
            {"id": 18, "name": "dog"},
            {"id": 1, "name": "person", "keypoints": list(COCO_17.keypoints)},
        ],
    }


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_a_persons_own_area_is_read_and_may_be_missing(tmp_path: Path) -> None:
    annotations = read_coco(write(tmp_path / "a.json", some_annotations()))

    assert [person.area for person in annotations.people] == [900.0, None]


def test_an_area_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    content = some_annotations()
    content["annotations"][0]["area"] = "large"

    with pytest.raises(AnnotationError, match=r"annotations\[0\]\.area: expected"):
        read_coco(write(tmp_path / "a.json", content))


@pytest.mark.parametrize("names", [("head", "neck"), ("top_head", "neck")])
def test_crowdposes_own_names_are_known(names: tuple[str, str], tmp_path: Path) -> None:
    content = some_annotations()
    content["annotations"] = []
    content["categories"][1]["keypoints"] = [*CROWDPOSE_14.keypoints[:12], *names]

    assert read_coco(write(tmp_path / "a.json", content)).skeleton is CROWDPOSE_14


def test_images_and_people_are_read(tmp_path: Path) -> None:
    annotations = read_coco(write(tmp_path / "a.json", some_annotations()))

    assert {image.id: image.file_name for image in annotations.images.values()} == {
        42: "a.jpg",
        7: "b.jpg",
    }
    assert annotations.images[42].size == (640, 480)
    assert annotations.images[7].size is None
    assert annotations.skeleton is COCO_17
    first, second = annotations.people
    assert (first.id, first.image_id, first.is_crowd, first.num_keypoints) == (1, 42, False, 11)
    assert first.pose.box == Box(5, 6, 75, 86.5)
    np.testing.assert_array_equal(first.pose.keypoints[4], [14, 24])
    np.testing.assert_array_equal(first.pose.scores[:4], [0, 1, 1, 0])
    assert (second.is_crowd, second.num_keypoints) == (True, 0)
    assert not second.pose.scores.any()


def test_test_images_have_no_people(tmp_path: Path) -> None:
    content = some_annotations()
    del content["annotations"]

    annotations = read_coco(write(tmp_path / "a.json", content))

    assert len(annotations.images) == 2
    assert annotations.people == ()


def test_the_skeleton_is_known_by_the_names_of_its_keypoints(tmp_path: Path) -> None:
    content = some_annotations()
    content["categories"][1]["keypoints"] = list(POSETRACK_17.keypoints)

    assert read_coco(write(tmp_path / "a.json", content)).skeleton is POSETRACK_17


def _set(*path: Any, to: Any) -> Callable[[Any], None]:
    def spoil(content: Any) -> None:
        *way, last = path
        for key in way:
            content = content[key]
        content[last] = to

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_set("images", to={}), r"a\.json\.images: expected list, found dict"),
        (_set("images", 1, to=5), r"images\[1\]: expected an object, found int"),
        (_set("images", 1, "id", to="7"), r"images\[1\]\.id: expected int, found str"),
        (_set("images", 1, "id", to=42), r"images\[1\]\.id: 42 occurs twice"),
        (_set("annotations", 0, to={}), r"annotations\[0\]: 'category_id' is missing"),
        (_set("annotations", 0, "image_id", to=1), r"annotations\[0\]\.image_id: 1 is no image"),
        (
            _set("annotations", 0, "bbox", to=[1, 2]),
            r"\[0\]\.bbox: expected a list of 4 numbers, found 2",
        ),
        (_set("annotations", 0, "keypoints", 3, to=None), r"expected 51 numbers, found None"),
        (
            _set("annotations", 0, "keypoints", to=[1]),
            r"keypoints: expected a list of 51 numbers, found 1",
        ),
        (_set("categories", to=3), r"categories: expected a list"),
        (_set("categories", 1, "keypoints", to=["beak"]), r"expected the names of one of coco-17"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, spoil: Callable[[Any], None], told: str
) -> None:
    content = some_annotations()
    spoil(content)

    with pytest.raises(AnnotationError, match=r"a\.json.*" + told.removeprefix(r"a\.json")):
        read_coco(write(tmp_path / "a.json", content))


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"[]", b"3"])
def test_a_file_of_another_kind_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.json").write_bytes(content)

    with pytest.raises(AnnotationError, match=r"a\.json: expected"):
        read_coco(tmp_path / "a.json")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"a\.json: cannot be read"):
        read_coco(tmp_path / "a.json")


def some_pose(score: float = 0.9) -> Pose:
    points = np.arange(38, dtype=np.float32).reshape(19, 2) + np.float32(0.126)
    scores = np.linspace(0, 1, 19, dtype=np.float32)
    return Pose(points, scores, Box.from_xywh(1.234, 2, 30, 40), score, 3)


def test_results_are_written_on_cocos_skeleton(tmp_path: Path) -> None:
    poses = [(42, some_pose()), (7, some_pose(0.25))]

    write_coco_results(tmp_path / "r.json", poses, FSPOSE_19)

    entries = json.loads((tmp_path / "r.json").read_text())
    assert [entry["image_id"] for entry in entries] == [42, 7]
    assert entries[0]["category_id"] == 1
    assert len(entries[0]["keypoints"]) == 51
    assert entries[0]["keypoints"][3:6] == [2.13, 3.13, 0.055556]
    assert entries[0]["bbox"] == [1.23, 2, 30, 40]
    assert entries[1]["score"] == 0.25


def test_crowdposes_poses_keep_its_keypoints(tmp_path: Path) -> None:
    points = np.arange(28, dtype=np.float32).reshape(14, 2)
    pose = Pose(points, np.full(14, 0.5, np.float32), Box(1, 2, 3, 4), 0.5)

    write_coco_results(tmp_path / "results.json", [(7, pose)], CROWDPOSE_14)

    (entry,) = json.loads((tmp_path / "results.json").read_text())
    assert entry["keypoints"] == [v for x, y in points.tolist() for v in (x, y, 0.5)]


def test_nobody_makes_an_empty_list(tmp_path: Path) -> None:
    write_coco_results(tmp_path / "r.json", [], COCO_17)

    assert json.loads((tmp_path / "r.json").read_text()) == []


def test_the_official_tool_reads_what_is_written(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    write_coco_results(tmp_path / "r.json", [(42, some_pose())], FSPOSE_19)
    write(tmp_path / "a.json", some_annotations() | {"info": {}})

    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(tmp_path / "a.json"))
        results = truth.loadRes(str(tmp_path / "r.json"))

    assert [entry["score"] for entry in results.loadAnns(results.getAnnIds())] == [0.9]


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_coco_results(tmp_path / "missing" / "r.json", [], COCO_17)
