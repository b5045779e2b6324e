"""Formats that are a list of entries."""

import csv
import json
from pathlib import Path

import pytest

from data.frame import FrameResult
from data.skeleton import FSPOSE_19
from fspose_app.sinks.text import TextSink, coco_sink, mot_sink, table_sink


def fill(sink: TextSink, results: list[FrameResult]) -> None:
    for result in results:
        sink.write(result)
    sink.close()


def test_motchallenge_has_a_line_per_person(tmp_path: Path, results: list[FrameResult]) -> None:
    fill(mot_sink(tmp_path / "a.txt"), results)

    lines = (tmp_path / "a.txt").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[:4]] == [
        ["1", "1"],
        ["1", "2"],
        ["2", "1"],
        ["2", "2"],
    ]
    assert [line.split(",")[:2] for line in lines[4:6]] == [["4", "1"], ["4", "-1"]]
    assert {len(line.split(",")) for line in lines} == {10}


def test_a_table_has_a_row_per_keypoint(tmp_path: Path, results: list[FrameResult]) -> None:
    fill(table_sink(tmp_path / "a.csv", FSPOSE_19), results)

    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5 * 2 * 19
    assert list(rows[0]) == ["frame", "time", "track", "keypoint", "x", "y", "score"]


def test_coco_counts_frames_as_images(tmp_path: Path, results: list[FrameResult]) -> None:
    fill(coco_sink(tmp_path / "a.json", FSPOSE_19), results)

    entries = json.loads((tmp_path / "a.json").read_text())
    assert [entry["image_id"] for entry in entries] == [0, 0, 1, 1, 3, 3, 4, 4, 5, 5]
    assert {len(entry["keypoints"]) for entry in entries} == {51}


@pytest.mark.parametrize("empty", [[], [2]], ids=["no frames", "nobody"])
def test_nobody_makes_a_whole_file(
    tmp_path: Path, results: list[FrameResult], empty: list[int]
) -> None:
    fill(coco_sink(tmp_path / "a.json", FSPOSE_19), [results[index] for index in empty])
    fill(mot_sink(tmp_path / "a.txt"), [results[index] for index in empty])

    assert json.loads((tmp_path / "a.json").read_text()) == []
    assert (tmp_path / "a.txt").read_text() == ""


def test_what_is_abandoned_leaves_nothing(tmp_path: Path, results: list[FrameResult]) -> None:
    sink = mot_sink(tmp_path / "a.txt")
    sink.write(results[0])
    sink.abandon()
    sink.close()

    assert list(tmp_path.iterdir()) == []
