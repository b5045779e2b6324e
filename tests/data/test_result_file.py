"""The result file read back: whole lines, checked; what is wrong is told with its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.errors import ResultError
from data.result import Record, line_of
from data.result_file import line_starts, read_partial, read_result
from data.skeleton import COCO_17


def some_header() -> Record:
    skeleton = {"name": "coco-17", "keypoints": list(COCO_17.keypoints), "limbs": []}
    return {
        "schema": "fspose.result/1",
        "source": "a.mp4",
        "width": 64,
        "height": 48,
        "fps": 25.0,
        "skeleton": skeleton,
        "models": [],
        "settings": {},
        "version": "1",
    }


def some_record(index: int) -> Record:
    person = {
        "track": 1,
        "box": [1.0, 2.0, 3.0, 4.0],
        "score": 0.5,
        "keypoints": [[1.0, 2.0, 0.5]] * 17,
        "from": "slow",
    }
    return {"frame": index, "time": index / 25, "keyframe": True, "people": [person]}


def write(path: Path, *records: Record, tail: bytes = b"") -> Path:
    lines = [line_of(record) for record in (some_header(), *records)]
    path.write_bytes(b"".join(lines) + tail)
    return path


def test_a_file_is_read_back(tmp_path: Path) -> None:
    path = write(tmp_path / "result.jsonl", some_record(0), some_record(1))

    header, records = read_result(path)

    assert header == some_header()
    assert len(records) == 2
    assert list(records) == [some_record(0), some_record(1)]
    assert list(records) == [some_record(0), some_record(1)]  # a second time too


def test_a_file_without_frames_is_read_back(tmp_path: Path) -> None:
    _, records = read_result(write(tmp_path / "result.jsonl"))

    assert list(records) == []


def test_a_torn_last_line_is_an_error_in_a_finished_file(tmp_path: Path) -> None:
    path = write(tmp_path / "result.jsonl", some_record(0), tail=b'{"frame":1,"ti')

    with pytest.raises(ResultError, match=r"result\.jsonl, line 3: is cut off"):
        read_result(path)


def test_a_torn_last_line_does_not_count_in_a_partial_file(tmp_path: Path) -> None:
    path = write(tmp_path / "result.jsonl.partial", some_record(0), tail=b'{"frame":1,"ti')

    header, records = read_partial(path)

    assert header == some_header()
    assert list(records) == [some_record(0)]


def test_lines_are_found_by_their_ends(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"one\ntwo\nthr")

    assert line_starts(tmp_path / "a") == ([0, 4], 8)


@pytest.mark.parametrize("asked", ["result.jsonl", "result.jsonl.partial"])
def test_an_unfinished_result_is_told_as_such(tmp_path: Path, asked: str) -> None:
    write(tmp_path / "result.jsonl.partial", some_record(0))

    with pytest.raises(ResultError, match=r"result\.jsonl is unfinished.*--resume"):
        read_result(tmp_path / asked)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"no\.jsonl cannot be read: No such file"):
        read_result(tmp_path / "no.jsonl")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"hello\n", "line 1: is not JSON"),
        (b"\x89PNG\r\n\x1a\n\xff", "line 1: is not JSON"),
        (b"[1]\n", "line 1: is a list, expected an object"),
        (b'{"a":1}\n', "schema is None instead of 'fspose.result/1'"),
        (b'{"schema":"fspose.result/2"}\n', "schema is 'fspose.result/2' instead"),
        (b'{"schema":"fspose.result/1"}\n', "'source' is missing"),
    ],
)
def test_a_file_of_another_kind_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "result.jsonl"
    path.write_bytes(content)

    with pytest.raises(ResultError, match=r"result\.jsonl") as caught:
        read_result(path)
    assert told in str(caught.value)


def test_an_unknown_skeleton_is_told(tmp_path: Path) -> None:
    header = some_header() | {"skeleton": {"name": "bird", "keypoints": ["beak"], "limbs": []}}
    (tmp_path / "result.jsonl").write_bytes(line_of(header))

    with pytest.raises(ResultError, match="the skeleton is none of coco-17"):
        read_result(tmp_path / "result.jsonl")


def _without(name: str) -> Callable[[Record], object]:
    return lambda record: record.pop(name)


def _set(**values: Any) -> Callable[[Record], object]:
    return lambda record: record.update(values)


def _set_person(**values: Any) -> Callable[[Record], object]:
    return lambda record: record["people"][0].update(values)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_set(frame=7), "frame is 7, expected 1"),
        (_without("time"), "expected a number as time"),
        (_set(keyframe=1), "true or false as keyframe"),
        (_without("people"), "expected a list of people"),
        (_set(people=[3]), r"people\[0\]: expected an object"),
        (_set_person(track=0), r"people\[0\]: track is 0, expected a number from 1"),
        (_set_person(box=[1, 2, 3]), "expected four numbers as box"),
        (_set_person(score="high"), "one as score"),
        (_set_person(keypoints=[[1, 2, 3]]), "1 keypoints, expected 17"),
        (_set_person(keypoints=[[1, 2]] * 17), "expected three numbers per keypoint"),
        (_set_person(keypoints=[[1, True, 1]] * 17), "expected three numbers per keypoint"),
        (_set_person(**{"from": "nowhere"}), "from is none of slow, fast, fused, backend"),
    ],
)
def test_a_broken_line_is_told_with_its_number(
    tmp_path: Path, spoil: Callable[[Record], object], told: str
) -> None:
    broken = json.loads(json.dumps(some_record(1)))
    spoil(broken)
    path = write(tmp_path / "result.jsonl", some_record(0), broken)

    _, records = read_result(path)

    with pytest.raises(ResultError, match=rf"result\.jsonl, line 3: .*{told}"):
        list(records)
