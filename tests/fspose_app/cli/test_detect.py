"""`fspose detect`: single images to COCO results."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import Result

Fspose = Callable[..., Result]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of two pictures with a bright square each."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, left in (("b.png", 10), ("a.jpg", 40)):
        image = np.full((64, 96, 3), 40, np.uint8)
        image[20:44, left : left + 24] = 220
        cv2.imwrite(str(folder / name), image)
    return folder


def annotations(path: Path, names: dict[int, str], people: list[dict[str, Any]]) -> Path:
    content = {
        "images": [{"id": number, "file_name": name} for number, name in names.items()],
        "annotations": people,
        "categories": [{"id": 1, "name": "person"}],
    }
    path.write_text(json.dumps(content))
    return path


def person(number: int, image: int, box: list[int], *, crowd: int = 0) -> dict[str, Any]:
    return {"id": number, "image_id": image, "category_id": 1, "bbox": box, "iscrowd": crowd}


def test_people_are_found_and_images_numbered_in_order(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path
) -> None:
    out = tmp_path / "results.json"

    ran = fspose("detect", images, "-o", out, "--family", family)

    assert ran.exit_code == 0, ran.output
    results = json.loads(out.read_text())
    listed = json.loads((tmp_path / "results.images.json").read_text())["images"]
    assert {entry["image_id"] for entry in results} == {1, 2}
    assert {len(entry["keypoints"]) for entry in results} == {51}
    assert [(entry["id"], Path(entry["file_name"]).name) for entry in listed] == [
        *((1, "a.jpg"), (2, "b.png"))
    ]


def test_ids_are_looked_up_by_file_name(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path
) -> None:
    ids = annotations(tmp_path / "ids.json", {70: "val/a.jpg", 7: "b.png"}, [])
    out = tmp_path / "results.json"

    ran = fspose("detect", f"{images}/*.*", "-o", out, "--image-ids", ids, "--family", family)

    assert ran.exit_code == 0, ran.output
    assert {entry["image_id"] for entry in json.loads(out.read_text())} == {70, 7}
    assert not (tmp_path / "results.images.json").exists()


def test_of_two_images_of_one_name_the_folders_decide(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path
) -> None:
    ids = annotations(tmp_path / "ids.json", {1: "other/a.jpg", 2: "images/a.jpg"}, [])
    out = tmp_path / "results.json"

    ran = fspose("detect", images / "a.jpg", "-o", out, "--image-ids", ids, "--family", family)

    assert ran.exit_code == 0, ran.output
    assert {entry["image_id"] for entry in json.loads(out.read_text())} == {2}


@pytest.mark.parametrize("net", ["slow", "fast"])
def test_annotated_people_get_one_result_each_but_crowds_do_not(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path, net: str
) -> None:
    people = [
        person(1, 5, [10, 10, 30, 40]),
        person(2, 5, [50, 10, 30, 40]),
        person(3, 5, [0, 0, 96, 64], crowd=1),
    ]
    boxes = annotations(tmp_path / "boxes.json", {5: "a.jpg", 6: "b.png"}, people)
    out = tmp_path / "results.json"

    args = ("-o", out, "--boxes", boxes, "--net", net, "--family", family)
    ran = fspose("detect", images, *args)

    assert ran.exit_code == 0, ran.output
    results = json.loads(out.read_text())
    assert [(entry["image_id"], entry["bbox"]) for entry in results] == [
        (5, [10.0, 10.0, 30.0, 40.0]),
        (5, [50.0, 10.0, 30.0, 40.0]),
    ]


def test_pictures_are_drawn_where_they_are_wanted(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path
) -> None:
    args = ("-o", tmp_path / "r.json", "--overlay", tmp_path / "drawn", "--family", family)
    ran = fspose("detect", images, *args)

    assert ran.exit_code == 0, ran.output
    assert {path.name for path in (tmp_path / "drawn").iterdir()} == {"1-a.jpg", "2-b.jpg"}
    assert cv2.imread(str(tmp_path / "drawn" / "1-a.jpg")).shape == (64, 96, 3)


def test_some_that_fail_are_listed_and_the_others_are_written(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path
) -> None:
    (images / "broken.jpg").write_text("no picture")
    out = tmp_path / "results.json"

    ran = fspose("detect", images, tmp_path / "gone.jpg", "-o", out, "--family", family)

    assert ran.exit_code == 5
    assert "2 of 4 inputs failed:" in ran.stderr
    assert "gone.jpg: no such file" in ran.stderr
    assert "broken.jpg: cannot be read as an image" in ran.stderr
    assert "Traceback" not in ran.output
    assert {entry["image_id"] for entry in json.loads(out.read_text())} == {1, 2}


def test_an_image_without_an_id_is_one_that_failed(
    fspose: Fspose, family: Path, images: Path, tmp_path: Path
) -> None:
    ids = annotations(tmp_path / "ids.json", {7: "b.png"}, [])

    args = ("-o", tmp_path / "r.json", "--image-ids", ids, "--family", family)
    ran = fspose("detect", images, *args)

    assert ran.exit_code == 5
    assert "a.jpg: no image of that name in the annotations" in ran.stderr


def test_a_net_needs_boxes(fspose: Fspose, images: Path) -> None:
    ran = fspose("detect", images, "--net", "fast")

    assert ran.exit_code == 2
    assert "--net needs --boxes" in ran.stderr
