"""A result file in other formats: the same bytes as written while the video was read."""

from pathlib import Path

import numpy as np
import pytest

from data.errors import ResultError
from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.result import Record, header_of
from data.skeleton import FSPOSE_19
from data.sources.info import SourceInfo
from fspose_app.config import Format
from fspose_app.convert import convert
from fspose_app.sinks import Fan, file_of, make_sink

OTHERS: tuple[Format, ...] = ("posetrack", "coco", "mot", "csv")
HEADER: Record = header_of(
    SourceInfo("walk.mp4", 64, 48, 25.0, 5), FSPOSE_19, models=[], settings={}, version="1"
)


def some_result(index: int) -> FrameResult:
    numbers = np.random.default_rng(index)
    poses = tuple(
        Pose(
            keypoints=numbers.uniform(1, 2000, (19, 2)).astype(np.float32),
            scores=numbers.uniform(0, 1, 19).astype(np.float32),
            box=Box(*numbers.uniform(1, 900, 2), *numbers.uniform(900, 2000, 2)),
            score=float(numbers.uniform()),
            track=track,
        )
        for track in (1, 2)
    )
    frame = Frame(index, index / 7, np.zeros((48, 64, 3), np.uint8), str(index))
    return FrameResult(frame, poses, False, ("fast", "fast"))


def record(folder: Path, formats: tuple[Format, ...]) -> Path:
    with Fan(*(make_sink(kind, folder, HEADER) for kind in formats)) as fan:
        for index in range(5):
            fan.write(some_result(index))
    return folder / "result.jsonl"


def test_converted_later_is_the_same_as_written_at_once(tmp_path: Path) -> None:
    result = record(tmp_path, ("jsonl", *OTHERS))
    (tmp_path / "later").mkdir()

    written = convert(result, OTHERS, tmp_path / "later")

    assert written == [file_of(kind, tmp_path / "later") for kind in OTHERS]
    for path in written:
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()


def test_files_bear_the_results_name(tmp_path: Path) -> None:
    result = record(tmp_path, ("jsonl",)).rename(tmp_path / "dance.jsonl")

    assert convert(result, ["csv"], tmp_path) == [tmp_path / "dance.csv"]


def test_a_result_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    result = record(tmp_path, ("jsonl",))
    lines = result.read_bytes().splitlines(keepends=True)
    result.write_bytes(b"".join(lines[:3]) + b'{"frame": 2}\n')
    (tmp_path / "out").mkdir()

    with pytest.raises(ResultError, match=r"result\.jsonl, line 4"):
        convert(result, OTHERS, tmp_path / "out")

    assert list((tmp_path / "out").iterdir()) == []
