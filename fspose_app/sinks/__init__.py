"""Sinks: where results go. One result is fanned out to many, and all of them are closed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

from data.frame import FrameResult
from data.result import Record, skeleton_of
from fspose_app.config import Format
from fspose_app.sinks.jsonl import JsonlSink
from fspose_app.sinks.posetrack_json import PosetrackSink
from fspose_app.sinks.text import coco_sink, mot_sink, table_sink
from fspose_app.sinks.video import VideoSink

LEAST_SCORE = 0.3  # of a keypoint, to be drawn

_ENDINGS: dict[Format, str] = {
    "jsonl": ".jsonl",
    "posetrack": ".posetrack.json",
    "coco": ".coco.json",
    "mot": ".mot.txt",
    "csv": ".csv",
}


class Sink(Protocol):
    """Takes results in order. Nothing stands under its final name before `close`.

    Every sink writes the numbers that the result file holds (`rounded`): what is drawn or written
    while a video is read, and what is made later from its result file, are the same bytes.

    Exactly one of `close` and `abandon` ends it; either may be called again, and then does
    nothing. All three verbs raise OutputError when a file cannot be written, but `abandon`, which
    raises nothing: it is called when something went wrong already.
    """

    def write(self, result: FrameResult) -> None: ...

    def close(self) -> None:
        """The stream has ended: the output is whole."""

    def abandon(self) -> None:
        """The stream broke off: leave nothing half-written under a final name."""


class Fan:
    """One result to many sinks; a context manager that closes them, or abandons them on error."""

    def __init__(self, *sinks: Sink) -> None:
        self._sinks = list(sinks)

    def add(self, sink: Sink) -> None:
        """One sink more, before the first result: those before it are safe if it cannot open."""
        self._sinks.append(sink)

    def write(self, result: FrameResult) -> None:
        for sink in self._sinks:
            sink.write(result)

    def close(self) -> None:
        """Close all, also when one fails; then its error is raised."""
        with ExitStack() as stack:
            for sink in reversed(self._sinks):
                stack.callback(sink.close)

    def abandon(self) -> None:
        for sink in self._sinks:
            sink.abandon()

    def __enter__(self) -> Fan:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()


def make_sink(kind: Format, out_dir: Path, header: Record, *, stem: str = "result") -> Sink:
    """A new sink of a format, for a video that `header` describes; its file is `file_of` it."""
    path, skeleton = file_of(kind, out_dir, stem=stem), skeleton_of(header)
    if kind == "jsonl":
        return JsonlSink.open_new(path, header)
    if kind == "posetrack":
        return PosetrackSink(path, skeleton, video=video_name(header))
    if kind == "coco":
        return coco_sink(path, skeleton)
    if kind == "mot":
        return mot_sink(path)
    return table_sink(path, skeleton)


def make_overlay(out_dir: Path, header: Record) -> VideoSink:
    """A new sink for `overlay.mp4`."""
    return VideoSink(
        out_dir / "overlay.mp4",
        skeleton_of(header),
        size=(header["width"], header["height"]),
        fps=header["fps"],
        least_score=LEAST_SCORE,
    )


def file_of(kind: Format, out_dir: Path, *, stem: str = "result") -> Path:
    """Where a format's file is written."""
    return out_dir / (stem + _ENDINGS[kind])


def video_name(header: Record) -> str:
    """The last part of the source's name, without what follows its last dot."""
    return Path(header["source"]).stem or "video"
