from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import AnnotationError
from data.merged import write_merged
from data.pose import Box
from data.posetrack import Person, dumps
from data.posetrack_set import cleaned, read_set, usable_box

Store = Callable[[str, Any], Path]


def renamed(content: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(content).replace(old, new))
    return changed


@pytest.fixture
def mixed(stored: Store, posetrack18: dict[str, Any], posetrack17: dict[str, Any]) -> Path:
    """A folder of a PoseTrack18 file, an annolist and a MATLAB file."""
    stored("set/000342_mpii.json", posetrack17)
    stored("set/000042_mpii_test.json", posetrack18)
    stored("set/000343_mpii.mat", renamed(posetrack17, "000342", "000343"))
    stored("set/._000042_mpii_test.json", "left by a copy")
    return stored("set/readme.txt", "no annotation").parent


def test_a_folder_of_all_formats_is_read_in_name_order(mixed: Path) -> None:
    sequences = read_set(mixed).sequences

    names = [sequence.name for sequence in sequences]
    assert names == ["000042_mpii_test", "000342_mpii", "000343_mpii"]
    assert [len(sequence.frames) for sequence in sequences] == [2, 3, 3]
    for sequence in sequences:
        for frame in sequence.frames:
            for person in frame.people:
                assert person.keypoints.shape == (17, 2)
                assert person.keypoints.dtype == person.visibility.dtype == np.float64


def test_the_hash_is_that_of_the_files_in_name_order(mixed: Path) -> None:
    names = ("000042_mpii_test.json", "000342_mpii.json", "000343_mpii.mat")
    content = b"".join((mixed / name).read_bytes() for name in names)

    assert read_set(mixed).sha256 == hashlib.sha256(content).hexdigest()


def test_a_merged_file_reads_as_the_folder_that_it_was_made_of(
    stored: Store, posetrack18: dict[str, Any], tmp_path: Path
) -> None:
    stored("set/000042_mpii_test.json", posetrack18)
    stored("set/000043_mpii_test.json", renamed(posetrack18, "000042", "000043"))
    folder = read_set(tmp_path / "set")

    write_merged(folder.sequences, tmp_path / "all.json")
    merged = read_set(tmp_path / "all.json")

    assert [dumps(s) for s in folder.sequences] == [dumps(s) for s in merged.sequences]


@pytest.mark.parametrize("name", ["000342_mpii.json", "000342_mpii.mat"])
def test_one_file_of_any_format_is_a_set(
    stored: Store, posetrack17: dict[str, Any], name: str
) -> None:
    (sequence,) = read_set(stored(name, posetrack17)).sequences

    assert (sequence.name, len(sequence.frames)) == ("000342_mpii", 3)


def test_the_frames_read_so_far_are_told(mixed: Path) -> None:
    told: list[int] = []

    read_set(mixed, told.append)

    assert told == [2, 5, 8]


def test_two_files_of_one_video_are_told(
    stored: Store, posetrack17: dict[str, Any], tmp_path: Path
) -> None:
    stored("000342_mpii.json", posetrack17)
    stored("000342_mpii.mat", posetrack17)

    with pytest.raises(AnnotationError, match="two files of video 000342_mpii"):
        read_set(tmp_path)


def test_a_track_that_occurs_twice_in_a_frame_is_told(
    stored: Store, posetrack18: dict[str, Any]
) -> None:
    posetrack18["annotations"][1]["track_id"] = 0

    with pytest.raises(AnnotationError, match=r"x\.json: track 0 occurs twice .*000000\.jpg"):
        read_set(stored("x.json", posetrack18))


def test_predictions_may_all_have_one_track(stored: Store, posetrack18: dict[str, Any]) -> None:
    for person in posetrack18["annotations"]:
        person |= {"track_id": 1, "scores": [0.5] * 17}

    (sequence,) = read_set(stored("x.json", posetrack18)).sequences

    assert [person.track for person in sequence.frames[0].people] == [1, 1]


@pytest.mark.parametrize(
    ("name", "told"),
    [("none", "no such file or folder"), ("empty", "without annotation files.*one split")],
)
def test_what_holds_no_annotations_is_told(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(AnnotationError, match=told):
        read_set(tmp_path / name)


def test_a_merged_file_among_others_is_told(stored: Store, posetrack18: dict[str, Any]) -> None:
    posetrack18["images"][1]["file_name"] = "images/val/other/000000.jpg"

    with pytest.raises(AnnotationError, match="expected one video"):
        read_set(stored("set/all.json", posetrack18).parent)


@pytest.mark.parametrize(
    ("xywh", "expected"),
    [
        ((10, 20, 30, 40), (10, 20, 39, 59)),  # one pixel narrower than given
        ((-5, -6, 30, 40), (0, 0, 29, 39)),
        ((150, 110, 30, 40), (150, 110, 159, 119)),
        ((10.25, 20.5, 0.5, 40), (10.25, 20.5, 10.25, 59.5)),
        ((10, 20, 0, 40), None),
        ((10, 20, -3, -3), None),
        ((160, 20, 30, 40), None),
        ((10, 119.5, 30, 40), None),
    ],
)
def test_boxes_are_cut_to_the_image_as_published(
    xywh: tuple[float, ...], expected: tuple[float, ...] | None
) -> None:
    box = cleaned(Box.from_xywh(*xywh), (160, 120))

    assert expected == (box and (box.left, box.top, box.right, box.bottom))


def test_only_people_with_a_keypoint_and_a_box_inside_are_used() -> None:
    points, visibility = np.full((17, 2), 5.0), np.ones(17)
    box = Box(0, 0, 9, 9, 0.5)

    assert usable_box(Person(points, visibility, 1, box), (160, 120)) == Box(0, 0, 8, 8, 0.5)
    assert usable_box(Person(points, visibility, 1), (160, 120)) is None
    assert usable_box(Person(0 * points, 0 * visibility, 1, box), (160, 120)) is None
    assert usable_box(Person(points, visibility, 1, Box(200, 0, 210, 9)), (160, 120)) is None


@pytest.mark.slow
def test_a_set_as_large_as_posetracks_validation_is_read_in_seconds(
    stored: Store, posetrack18: dict[str, Any]
) -> None:
    """74 videos of 110 frames with 6 people each, 37 MB: about two seconds of one core."""
    rng = np.random.default_rng(0)
    image, person = posetrack18["images"][0], posetrack18["annotations"][0]
    frames = [image | {"id": i, "file_name": f"images/val/x/{i:06d}.jpg"} for i in range(110)]
    people = [
        person
        | {"id": number, "image_id": number // 6, "track_id": number % 6}
        | {"keypoints": rng.uniform(1, 999, 51).round(7).tolist()}
        for number in range(660)
    ]
    text = json.dumps(posetrack18 | {"images": frames, "annotations": people})
    for video in range(74):
        path = stored(f"set/{video:06d}_mpii_test.json", text)

    start = time.process_time()
    found = read_set(path.parent)

    assert time.process_time() - start < 6  # with room for a slow core
    assert sum(len(frame.people) for s in found.sequences for frame in s.frames) == 74 * 660
