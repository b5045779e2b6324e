"""The result file: whole lines while it grows, its name at the end, the same bytes when resumed."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import fspose_app
from data.errors import OutputError, ResultError
from data.frame import FrameResult
from data.result import Record, line_of, record_of, result_of
from data.result_file import read_partial, read_result
from fspose_app.sinks.jsonl import JsonlSink, partial_of

SCHEMA_FILE = Path(fspose_app.__file__).with_name("result.schema.json")


def write_all(path: Path, header: Record, results: list[FrameResult]) -> bytes:
    sink = JsonlSink.open_new(path, header)
    for result in results:
        sink.write(result)
    sink.close()
    return path.read_bytes()


def interrupt(path: Path, header: Record, results: list[FrameResult]) -> None:
    sink = JsonlSink.open_new(path, header)
    for result in results:
        sink.write(result)
    sink.abandon()


def test_a_line_stands_in_the_partial_file_at_once(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    sink = JsonlSink.open_new(tmp_path / "result.jsonl", header)
    sink.write(results[0])

    begun, records = read_partial(tmp_path / "result.jsonl.partial")
    assert begun == header
    assert list(records) == [record_of(results[0])]
    assert not (tmp_path / "result.jsonl").exists()
    sink.abandon()


def test_the_whole_file_gets_its_name(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    write_all(tmp_path / "result.jsonl", header, results)

    read, records = read_result(tmp_path / "result.jsonl")
    assert read == header
    assert list(records) == [record_of(result) for result in results]
    assert [path.name for path in tmp_path.iterdir()] == ["result.jsonl"]


def test_closing_and_abandoning_again_does_nothing(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    sink = JsonlSink.open_new(tmp_path / "result.jsonl", header)
    sink.close()
    sink.abandon()
    sink.close()

    assert (tmp_path / "result.jsonl").read_bytes() == line_of(header)


@pytest.mark.parametrize("done", range(7))
@pytest.mark.parametrize("further", [0, 2])
@pytest.mark.parametrize("torn", [b"", b'{"frame":9,"time":0.'])
def test_interrupted_and_resumed_is_the_same_file(
    tmp_path: Path,
    header: Record,
    results: list[FrameResult],
    done: int,
    further: int,
    torn: bytes,
) -> None:
    """The state says `done` frames; the file may hold more by then, and a torn line."""
    expected = write_all(tmp_path / "whole.jsonl", header, results)
    path = tmp_path / "result.jsonl"
    interrupt(path, header, results[: done + further])
    with partial_of(path).open("ab") as file:
        file.write(torn)

    sink = JsonlSink.resume(path, header, done)
    for result in results[done:]:
        sink.write(result)
    sink.close()

    assert path.read_bytes() == expected


def test_what_is_drawn_again_from_a_partial_file_is_what_was_drawn(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    interrupt(tmp_path / "result.jsonl", header, results)

    _, records = read_partial(tmp_path / "result.jsonl.partial")
    again = [
        result_of(record, result.frame) for record, result in zip(records, results, strict=True)
    ]

    assert [record_of(result) for result in again] == [record_of(result) for result in results]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": "other.mp4"}, 'source "clips/000123_mpii.mp4", this run has "other.mp4"'),
        ({"settings": {"interval": 8}}, "settings.interval 4, this run has 8"),
        ({"settings": {"interval": 4, "device": "cpu"}}, 'device null, this run has "cpu"'),
        ({"models": []}, 'sha256": "000'),
        ({"height": 50}, "height 48, this run has 50"),
    ],
)
def test_another_header_is_told_by_its_first_difference(
    tmp_path: Path,
    header: Record,
    results: list[FrameResult],
    change: dict[str, Any],
    told: str,
) -> None:
    interrupt(tmp_path / "result.jsonl", header, results[:2])
    before = (tmp_path / "result.jsonl.partial").read_bytes()

    with pytest.raises(ResultError, match=r"result\.jsonl\.partial was begun with") as caught:
        JsonlSink.resume(tmp_path / "result.jsonl", header | change, 2)

    assert told in str(caught.value)
    assert (tmp_path / "result.jsonl.partial").read_bytes() == before


def test_a_partial_file_with_too_few_frames_is_told(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    interrupt(tmp_path / "result.jsonl", header, results[:2])

    with pytest.raises(ResultError, match="holds 2 frames where the run had done 3"):
        JsonlSink.resume(tmp_path / "result.jsonl", header, 3)


@pytest.mark.parametrize("content", [b"", b"hello\n", b"[1]\n", b'{"schema":"fspose'])
def test_a_partial_file_of_another_kind_is_told(
    tmp_path: Path, header: Record, content: bytes
) -> None:
    (tmp_path / "result.jsonl.partial").write_bytes(content)

    with pytest.raises(ResultError, match=r"result\.jsonl\.partial, line 1"):
        JsonlSink.resume(tmp_path / "result.jsonl", header, 0)


def test_nothing_to_resume_is_told(tmp_path: Path, header: Record) -> None:
    with pytest.raises(ResultError, match="cannot be resumed: No such file"):
        JsonlSink.resume(tmp_path / "result.jsonl", header, 0)


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path, header: Record) -> None:
    with pytest.raises(OutputError, match=r"result\.jsonl cannot be written: No such file"):
        JsonlSink.open_new(tmp_path / "missing" / "result.jsonl", header)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_is_an_output_error(tmp_path: Path, header: Record) -> None:
    (tmp_path / "result.jsonl.partial").symlink_to("/dev/full")

    with pytest.raises(OutputError, match=r"result\.jsonl cannot be written: No space left"):
        JsonlSink.open_new(tmp_path / "result.jsonl", header)


class Fills:
    """A file that takes `room` bytes more, then no further ones, like a disk that fills up."""

    def __init__(self, path: Path, room: int) -> None:
        self._file = path.open("r+b", buffering=0)
        self._file.seek(0, 2)
        self._room = room

    @property
    def closed(self) -> bool:
        return self._file.closed

    def write(self, data: memoryview) -> int:
        if not self._room:
            raise OSError(28, "No space left on device")
        taken = self._file.write(data[: self._room])
        self._room -= taken
        return taken

    def truncate(self, size: int) -> int:
        return self._file.truncate(size)

    def close(self) -> None:
        self._file.close()


def test_a_disk_that_fills_up_leaves_whole_lines(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    path = tmp_path / "result.jsonl"
    interrupt(path, header, results[:2])
    partial = partial_of(path)
    before = partial.read_bytes()
    sink = JsonlSink(path, Fills(partial, 100), len(before))  # type: ignore[arg-type]

    with pytest.raises(OutputError, match="No space left"):
        sink.write(results[3])

    assert partial.read_bytes() == before


def test_every_line_fits_the_schema(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    schema = json.loads(SCHEMA_FILE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    lines = write_all(tmp_path / "result.jsonl", header, results).splitlines()

    assert len(lines) == 7
    for line in lines:
        validator.validate(json.loads(line))


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"frame": -1},
        {"frame": 1.5},
        {"people": [{}]},
        {"time": "now"},
        {"keyframe": None},
    ],
)
def test_the_schema_refuses_other_frames(
    results: list[FrameResult], change: dict[str, Any]
) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))

    assert not validator.is_valid(record_of(results[0]) | change)


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"track": 0},
        {"score": 1.2},
        {"box": [1, 2, 3]},
        {"box": [1, 2, -3, 4]},
        {"box": [1, 2, 3, 4, 5]},
        {"keypoints": [[1, 2]]},
        {"keypoints": [[1, 2, 0.5, 4]]},
        {"from": "elsewhere"},
    ],
)
def test_the_schema_refuses_other_people(
    results: list[FrameResult], change: dict[str, Any]
) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    record = record_of(results[0])
    assert validator.is_valid(record)

    record["people"][0].update(change)

    assert not validator.is_valid(record)


@pytest.mark.parametrize(
    "change", [{"extra": 1}, {"schema": "fspose.result/2"}, {"width": 0}, {"models": [{}]}]
)
def test_the_schema_refuses_other_headers(header: Record, change: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    assert validator.is_valid(header)

    assert not validator.is_valid(header | change)
