from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.annolist import read_annolist
from data.errors import AnnotationError, OutputError
from data.filling import with_boxes, with_sizes
from data.merged import read_merged, write_merged
from data.pose import Box
from data.posetrack import Sequence, dumps, image_ids, read

Store = Callable[[str, Any], Path]


@pytest.fixture
def videos(stored: Store, posetrack18: dict[str, Any]) -> list[Sequence]:
    """Two videos, in name order."""
    first = read(stored("in/000042_mpii_test.json", posetrack18))
    text = (
        json.dumps(posetrack18).replace("1000042", "2000043").replace("000042_mpii", "000043_bonn")
    )
    return [first, read(stored("in/000043_bonn_test.json", text))]


def test_videos_become_one_file_and_come_back_as_they_were(
    videos: list[Sequence], tmp_path: Path
) -> None:
    write_merged(videos[::-1], tmp_path / "all.json")

    back = read_merged(tmp_path / "all.json")

    assert [dumps(sequence) for sequence in videos] == [dumps(sequence) for sequence in back]


def test_a_merged_file_has_what_the_published_code_asks_for(
    videos: list[Sequence], tmp_path: Path
) -> None:
    write_merged(videos, tmp_path / "all.json")

    content = json.loads((tmp_path / "all.json").read_text())
    (category,) = content["categories"]
    assert (category["id"], category["name"], len(category["keypoints"])) == (1, "person", 17)
    image, person = content["images"][0], content["annotations"][1]
    assert image.keys() >= {"id", "file_name", "width", "height", "nframes", "frame_id"}
    assert image["frame_id"] == image["id"] == 10000420000
    assert (person["id"], person["image_id"], person["track_id"]) == (1000042000001, 10000420000, 1)
    assert (person["area"], person["iscrowd"], person["category_id"]) == (40 * 60.5, 0, 1)
    assert (person["bbox"], len(person["keypoints"])) == ([10, 20, 40, 60.5], 51)


def test_the_official_tool_reads_a_merged_file(videos: list[Sequence], tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    write_merged(videos, tmp_path / "all.json")

    with contextlib.redirect_stdout(io.StringIO()):
        opened = coco.COCO(str(tmp_path / "all.json"))

    assert len(opened.getImgIds()) == 4
    assert len(opened.getAnnIds(imgIds=[20000430000], iscrowd=False)) == 2


def test_ids_of_posetrack17_count_from_one(
    stored: Store, posetrack17: dict[str, Any], videos: list[Sequence], tmp_path: Path
) -> None:
    other = json.loads(json.dumps(posetrack17).replace("000342_mpii", "000343_mpii"))
    files = stored("000342_mpii.json", posetrack17), stored("000343_mpii.json", other)
    sequences = [_whole(read_annolist(file)) for file in files]

    write_merged([*sequences, *videos], tmp_path / "all.json")

    content = json.loads((tmp_path / "all.json").read_text())
    ids = [image["id"] for image in content["images"]]
    assert ids == [
        1,
        2,
        3,
        4,
        5,
        6,
        *image_ids("000042_mpii_test", 2),
        *image_ids("000043_bonn_test", 2),
    ]
    assert [image["frame_id"] for image in content["images"]][:6] == [1, 2, 3, 1, 2, 3]
    assert [person["id"] for person in content["annotations"]][:6] == [1, 2, 3, 4, 5, 6]
    assert [s.name for s in read_merged(tmp_path / "all.json")][2:] == [
        "000342_mpii",
        "000343_mpii",
    ]


def _whole(sequence: Sequence) -> Sequence:
    """With boxes, and with sizes as if an image had been read."""
    from dataclasses import replace

    boxed, _ = with_boxes(sequence)
    sized = replace(boxed, frames=tuple(replace(f, size=(160, 120)) for f in boxed.frames))
    assert with_sizes(sized, None)[1].sizes == 0
    return sized


def test_two_groups_with_a_video_of_one_name_are_told_apart(
    stored: Store, posetrack18: dict[str, Any]
) -> None:
    posetrack18["images"][0]["file_name"] = "bonn/000042_bonn/00000001.jpg"
    posetrack18["images"][1]["file_name"] = "bonn_5sec/000042_bonn/00000001.jpg"

    sequences = read_merged(stored("all.json", posetrack18))

    assert [s.name for s in sequences] == ["bonn_000042_bonn", "bonn_5sec_000042_bonn"]
    assert [s.nframes for s in sequences] == [2, 2]


def test_head_boxes_of_the_posetrack17_converter_are_corners(
    stored: Store, posetrack18: dict[str, Any]
) -> None:
    person = posetrack18["annotations"][0]
    del person["bbox_head"]
    person["head_box"] = [15, 20, 24, 31]

    (sequence,) = read_merged(stored("all.json", posetrack18))

    assert sequence.frames[0].people[0].head == Box(15, 20, 24, 31)


def test_progress_is_told_in_frames(videos: list[Sequence], tmp_path: Path) -> None:
    told: list[int] = []

    write_merged(videos, tmp_path / "all.json", told.append)

    assert told == [1, 2, 3, 4]


def test_a_merged_file_of_nothing_is_read(tmp_path: Path) -> None:
    write_merged([], tmp_path / "all.json")

    assert read_merged(tmp_path / "all.json") == ()


def test_an_annolist_is_no_merged_file(stored: Store, posetrack17: dict[str, Any]) -> None:
    with pytest.raises(AnnotationError, match="PoseTrack17 annolist"):
        read_merged(stored("x.json", posetrack17))


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_merged([], tmp_path / "none" / "all.json")


def test_numbers_are_kept_to_the_last_digit(
    stored: Store, posetrack18: dict[str, Any], tmp_path: Path
) -> None:
    points = np.random.default_rng(3).uniform(0, 160, 51)
    posetrack18["annotations"][0]["keypoints"] = points.tolist()
    before = read(stored("000042_mpii_test.json", posetrack18))

    write_merged([before], tmp_path / "all.json")

    ((frame, _),) = (sequence.frames for sequence in read_merged(tmp_path / "all.json"))
    np.testing.assert_array_equal(frame.people[0].keypoints, points.reshape(-1, 3)[:, :2])
