"""One result to many sinks, and none of them left open."""

from pathlib import Path

import pytest

from data.errors import OutputError
from data.frame import FrameResult
from data.result import Record
from fspose_app.options import FORMATS
from fspose_app.sinks import Fan, file_of, make_overlay, make_sink, video_name


class Notes:
    """A sink that notes what is asked of it, and fails at what it is told to fail at."""

    def __init__(self, fails_at: str = "") -> None:
        self.notes: list[str] = []
        self._fails_at = fails_at

    def write(self, result: FrameResult) -> None:
        self._note(f"write {result.frame.index}")

    def close(self) -> None:
        self._note("close")

    def abandon(self) -> None:
        self.notes.append("abandon")

    def _note(self, what: str) -> None:
        self.notes.append(what)
        if what == self._fails_at:
            raise OutputError(f"could not {what}")


def run(fan: Fan, results: list[FrameResult]) -> None:
    with fan:
        for result in results:
            fan.write(result)


def test_every_sink_gets_every_result(results: list[FrameResult]) -> None:
    first, second = Notes(), Notes()

    run(Fan(first, second), results[:2])

    assert first.notes == second.notes == ["write 0", "write 1", "close"]


def test_all_are_closed_even_if_one_fails(results: list[FrameResult]) -> None:
    sinks = [Notes(), Notes("close"), Notes()]

    with pytest.raises(OutputError, match="could not close"):
        run(Fan(*sinks), results[:1])

    assert [sink.notes for sink in sinks] == [["write 0", "close"]] * 3


def test_all_are_abandoned_when_one_cannot_write(results: list[FrameResult]) -> None:
    sinks = [Notes(), Notes("write 1"), Notes()]

    with pytest.raises(OutputError, match="could not write 1"):
        run(Fan(*sinks), results)

    assert [sink.notes[-1] for sink in sinks] == ["abandon"] * 3
    assert sinks[2].notes == ["write 0", "abandon"]


def test_every_format_has_a_sink_and_a_file(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    sinks = [make_sink(kind, tmp_path, header) for kind in FORMATS]  # type: ignore[arg-type]

    run(Fan(make_overlay(tmp_path, header), *sinks), results)

    expected = {file_of(kind, tmp_path).name for kind in FORMATS}  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} == expected | {"overlay.mp4"}
    assert {"result.jsonl", "result.csv"} < expected


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("clips/000123_mpii.mp4", "000123_mpii"),
        ("frames/", "frames"),
        ("0", "0"),
        ("rtsp://host/stream.m3u8", "stream"),
        (".", "video"),
    ],
)
def test_a_video_is_named_after_its_source(header: Record, source: str, name: str) -> None:
    assert video_name(header | {"source": source}) == name
