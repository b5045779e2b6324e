"""The command `fspose convert`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from data.result import Record, header_of, line_of
from data.skeleton import COCO_17
from data.sources.info import SourceInfo
from fspose_app.cli import main

HEADER: Record = header_of(
    SourceInfo("walk.mp4", 64, 48, 25.0, 1), COCO_17, models=[], settings={}, version="1"
)
PERSON = {
    "track": 1,
    "box": [1.0, 2.0, 3.0, 4.0],
    "score": 0.5,
    "keypoints": [[1.0, 2.0, 0.5]] * 17,
    "from": "slow",
}


@pytest.fixture
def result(tmp_path: Path) -> Path:
    path = tmp_path / "result.jsonl"
    frame = {"frame": 0, "time": 0.0, "keyframe": True, "people": [PERSON]}
    path.write_bytes(line_of(HEADER) + line_of(frame))
    return path


def fspose(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["convert", *map(str, arguments)])


def test_the_files_lie_beside_the_result_and_are_named(result: Path) -> None:
    answer = fspose(result, "--to", "coco,csv")

    assert answer.exit_code == 0
    names = [Path(line).name for line in answer.stdout.splitlines()]
    assert names == ["result.coco.json", "result.csv"]
    (entry,) = json.loads((result.parent / "result.coco.json").read_text())
    assert entry["bbox"] == [1, 2, 3, 4]


def test_a_folder_for_the_files_is_made(result: Path, tmp_path: Path) -> None:
    answer = fspose(result, "--to", "mot,posetrack", "-o", tmp_path / "a" / "b")

    assert answer.exit_code == 0
    names = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert names == {"result.mot.txt", "result.posetrack.json"}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "cannot be read: No such file or directory"),
        (lambda path: path.rename(f"{path}.partial"), "is unfinished: its run was interrupted"),
        (lambda path: path.write_text(""), "is empty"),
        (lambda path: path.write_text("[]\n"), "line 1: is a list"),
        (lambda path: path.write_text(path.read_text() + "{"), "line 3: is cut off"),
        (
            lambda path: path.write_text(path.read_text() + "{}\n"),
            "line 3: frame is None, expected 1",
        ),
    ],
    ids=["missing", "partial", "empty", "foreign", "torn", "broken"],
)
def test_a_result_that_cannot_be_used_is_one_line(
    result: Path, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(result)

    answer = fspose(result, "--to", "csv", "-o", tmp_path / "out")

    assert answer.exit_code == 1
    assert answer.stderr.startswith("Error: ")
    assert told in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_told(result: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    answer = fspose(result, "--to", "csv", "-o", tmp_path / "file" / "out")

    assert answer.exit_code == 1
    assert "cannot be made: Not a directory" in answer.stderr


def test_a_format_that_is_none_is_wrong_usage(result: Path) -> None:
    answer = fspose(result, "--to", "coco,xml")

    assert answer.exit_code == 2
    assert "'xml' is not one of posetrack, coco, mot, csv" in answer.stderr
