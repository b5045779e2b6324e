"""The training packs: crops of people and whole pictures, and what is wrong in them."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from data.errors import AnnotationError, SourceError
from data.skeleton import COCO_17, FSPOSE_19
from data.training_packs import read_people, read_pictures

Content = dict[str, Any]
LSPET = ["head_bottom", "thumb", "left_knee"]  # a keypoint that is none of ours


def pack(folder: Path, content: Content) -> None:
    """A pack of pictures of one colour each, all in one shard."""
    folder.mkdir(parents=True)
    with tarfile.open(folder / "images_00.tar", "w") as archive:
        for number, record in enumerate(content["images"]):
            path = folder / record["file_name"]
            cv2.imwrite(str(path), np.full((40, 30, 3), 10 * number, np.uint8))
            archive.add(path, path.name)
            path.unlink()
    (folder / "annotations.json").write_text(json.dumps(content))


def images(count: int, **more: object) -> list[Content]:
    return [
        {"id": n, "file_name": f"{n}.png", "shard": "images_00.tar", **more} for n in range(count)
    ]


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Two people of COCO, twenty-one of LSPET of whom one is suspect, and two pictures."""
    folder = tmp_path / "packs"
    box = {"bbox": [3, 4, 20, 30]}
    whole = [{"image_id": n, "keypoints": [5, 6, 2] * 17, **box} for n in range(2)]
    names = {"keypoints": list(COCO_17.keypoints)}
    pack(
        folder / "coco_people",
        {"images": images(2, split="val"), "annotations": whole, "categories": [names]},
    )
    joints = [{"image_id": n, "keypoints": [8, 8, 2, 1, 1, 2, 12, 28, 1]} for n in range(21)]
    joints[3]["suspect"] = True
    pack(
        folder / "lspet",
        {"images": images(21), "annotations": joints, "categories": [{"keypoints": LSPET}]},
    )
    shown = [{"image_id": 1, **box, "iscrowd": crowd} for crowd in (0, 1)]
    pack(
        folder / "coco_images",
        {"images": images(2, split="train", boxes_complete=True), "annotations": shown},
    )
    return folder


def change(folder: Path, mend: Callable[[Content], object]) -> None:
    file = folder / "annotations.json"
    content = json.loads(file.read_text())
    mend(content)
    file.write_text(json.dumps(content))


def test_people_are_crops_with_keypoints_and_boxes(packs: Path, tmp_path: Path) -> None:
    people = read_people(packs, tmp_path / "cache")

    assert len(people) == 22  # one is suspect
    assert people.image(1).shape == (40, 30, 3)
    assert people.image(1)[0, 0].tolist() == [10, 10, 10]
    assert people.boxes[0].tolist() == [3, 4, 20, 30]
    assert people.keypoints[0, :, 2].sum() == 34
    assert people.keypoints[5, FSPOSE_19.index("left_knee")].tolist() == [12, 28, 1]
    assert people.keypoints[5, :, 2].sum() == 3
    np.testing.assert_allclose(people.boxes[5], [7.7, 6.5, 4.6, 23], rtol=1e-5)
    assert people.absent_is_known.tolist() == [True] * 2 + [False] * 20
    assert np.flatnonzero(people.held_out).tolist() == [0, 1, 2, 21]  # LSPET's 0 and 20


def test_pictures_have_everybodys_box(packs: Path, tmp_path: Path) -> None:
    pictures = read_pictures(packs, tmp_path / "cache")

    assert [boxes.tolist() for boxes in pictures.boxes] == [
        [],
        [[3, 4, 20, 30, 0], [3, 4, 20, 30, 1]],
    ]
    assert pictures.complete.tolist() == [True, True]
    assert not pictures.held_out.any()


def test_what_was_decoded_is_not_decoded_again(packs: Path, tmp_path: Path) -> None:
    first = read_pictures(packs, tmp_path / "cache")
    (packs / "coco_images" / "images_00.tar").unlink()

    again = read_pictures(packs, tmp_path / "cache")

    assert again.pixels.tolist() == first.pixels.tolist()


def test_decoded_pictures_of_other_packs_are_told(packs: Path, tmp_path: Path) -> None:
    read_people(packs, tmp_path / "cache")
    change(packs / "lspet", lambda content: content["annotations"].pop())

    with pytest.raises(SourceError, match="hold other images than the 21 that are wanted"):
        read_people(packs, tmp_path / "cache")


def test_a_pack_that_is_missing_is_told_in_a_sentence(packs: Path, tmp_path: Path) -> None:
    (packs / "lspet" / "annotations.json").unlink()

    with pytest.raises(AnnotationError) as caught:
        read_people(packs, tmp_path / "cache")

    assert str(caught.value) == (
        f"{packs / 'lspet'} is no training pack: it holds no annotations.json. The packs' folder "
        "holds coco_people, coco_images and lspet."
    )


@pytest.mark.parametrize("shard", ["/etc/passwd", "../images_00.tar", "..", "", "a\0b"])
def test_a_shard_outside_its_pack_is_refused(shard: str, packs: Path, tmp_path: Path) -> None:
    change(packs / "coco_images", lambda content: content["images"][1].update(shard=shard))

    with pytest.raises(AnnotationError, match=r"images\[1\].shard: expected a file of the pack"):
        read_pictures(packs, tmp_path / "cache")


def test_a_picture_missing_from_its_shard_is_told_before_anything_is_written(
    packs: Path, tmp_path: Path
) -> None:
    change(packs / "lspet", lambda content: content["images"][4].update(file_name="x.png"))

    with pytest.raises(SourceError, match=r"1 of 20 images are missing, the first is x\.png"):
        read_people(packs, tmp_path / "cache")

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("mend", "words"),
    [
        (lambda c: c.pop("images"), "'images' is missing"),
        (lambda c: c.update(images=[3]), "images[0]: expected an object"),
        (lambda c: c["images"][0].pop("id"), "images[0]: 'id' is missing"),
        (lambda c: c["annotations"][0].update(image_id="1"), "annotations[0].image_id: expected"),
        (lambda c: c["annotations"][0].pop("keypoints"), "annotations[0].keypoints: expected"),
        (lambda c: c["annotations"][0]["keypoints"].pop(), "expected a list of 51 numbers"),
        (lambda c: c["annotations"][0].update(keypoints=[0] * 51), "one that is labelled"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 0, 4]), "bbox: expected a width and"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 1e99, 4]), "bbox: expected 4 numbers"),
        (lambda c: c.update(categories=[]), "categories[0]: 'keypoints' is missing"),
        (lambda c: c["categories"][0].update(keypoints=[1] * 17), "keypoints: expected names"),
        (lambda c: c.update(images=[], annotations=[]), ""),
    ],
)
def test_faulty_annotations_are_told_with_their_place(
    mend: Callable[[Content], object], words: str, packs: Path, tmp_path: Path
) -> None:
    change(packs / "coco_people", mend)
    if not words:  # two packs of which one is empty are enough, none is not
        change(packs / "lspet", mend)
        words = "there is nobody to learn from"

    with pytest.raises(AnnotationError) as caught:
        read_people(packs, tmp_path / "cache")

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
