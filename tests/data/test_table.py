"""A result as a table."""

import csv

import numpy as np

from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.skeleton import COCO_17
from data.table import TABLE_HEAD, table_rows


def some_result(*poses: Pose) -> FrameResult:
    frame = Frame(3, 0.12, np.zeros((8, 8, 3), np.uint8), "3")
    return FrameResult(frame, poses, False, ("fast",) * len(poses))


def some_pose(track: int | None) -> Pose:
    points = np.arange(34, dtype=np.float32).reshape(17, 2)
    return Pose(points, np.full(17, 0.5, np.float32), Box(0, 0, 1, 1), 0.9, track)


def test_a_row_per_person_and_keypoint() -> None:
    text = [TABLE_HEAD, *table_rows(some_result(some_pose(4), some_pose(None)), COCO_17)]

    rows = list(csv.DictReader(text))

    assert len(rows) == 34
    assert rows[1] == {
        "frame": "3",
        "time": "0.1200",
        "track": "4",
        "keypoint": "left_eye",
        "x": "2.00",
        "y": "3.00",
        "score": "0.5000",
    }
    assert rows[17]["track"] == ""
    assert [row["keypoint"] for row in rows[:17]] == list(COCO_17.keypoints)


def test_a_frame_without_people_has_no_rows() -> None:
    assert table_rows(some_result(), COCO_17) == []
