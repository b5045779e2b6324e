"""Segments: results and overlays of a live run in a folder, a new pair of files by and by."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from data.draft import output_error
from data.errors import OutputError
from data.frame import Frame, FrameResult, Image
from data.result import Record
from data.sources.info import SourceInfo
from data.video_writer import VideoWriter
from fspose_app.live.count import FPS
from fspose_app.sinks.jsonl import JsonlSink, partial_of

HeaderOf = Callable[[SourceInfo], Record]


class Segments:
    """Writes `<time>.jsonl` and `<time>.mp4`, the UTC time of their first frame.

    A pair holds the same frames, numbered and timed from 0. It is closed, and the next one begun,
    when it is larger than `limit` bytes or the pictures change their size. All files are whole
    after `close`, also after an error in the run; before it the newest two are called
    `<name>.partial`.
    """

    def __init__(self, folder: Path, header_of: HeaderOf, *, limit: int) -> None:
        """Makes the folder where it is not there. Raises OutputError."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder} cannot be made: {error.strerror or error}.") from error
        self._folder, self._header_of, self._limit = folder, header_of, limit
        self._pair: _Pair | None = None

    def write(self, result: FrameResult, picture: Image, info: SourceInfo) -> None:
        """A frame's result, and its picture (RGB) with what is drawn on it. Raises OutputError."""
        if self._pair is not None and self._pair.is_over(self._limit, result.frame.size):
            self.close()
        if self._pair is None:
            self._pair = self._begun(result.frame, info)
        self._pair.write(result, picture)

    def close(self) -> None:
        """Give the present pair its names; nothing where there is none. Raises OutputError."""
        pair, self._pair = self._pair, None
        if pair is not None:
            pair.close()

    def _begun(self, first: Frame, info: SourceInfo) -> _Pair:
        width, height = first.size
        shown = replace(info, width=width, height=height)
        return _Pair(self._free_stem(), self._header_of(shown), first, info.fps or FPS)

    def _free_stem(self) -> Path:
        """A path without ending at which neither file is there, whole or not."""
        name = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        stems = (self._folder / (name if n == 1 else f"{name}-{n}") for n in range(1, 10_000))
        return next(stem for stem in stems if not any(_there(path) for path in _files(stem)))


class _Pair:
    """One result file and one overlay under way."""

    def __init__(self, stem: Path, header: Record, first: Frame, fps: float) -> None:
        result, overlay = _files(stem)
        self._first, self._written = first, 0
        self._result, self._overlay = JsonlSink.open_new(result, header), None
        try:
            self._overlay = VideoWriter(overlay, first.size, fps)
        except OutputError:
            self._discard()
            raise

    def is_over(self, limit: int, size: tuple[int, int]) -> bool:
        """Whether a frame of this size belongs into another pair."""
        return size != self._first.size or self._bytes() > limit

    def write(self, result: FrameResult, picture: Image) -> None:
        assert self._overlay is not None
        seconds = result.frame.seconds - self._first.seconds
        frame = replace(result.frame, index=self._written, seconds=seconds)
        self._result.write(replace(result, frame=frame))
        self._overlay.write(picture, seconds)
        self._written += 1

    def close(self) -> None:
        """Both get their names; where one cannot, the other still does."""
        assert self._overlay is not None
        try:
            self._overlay.close()
        finally:
            self._result.close()

    def _bytes(self) -> int:
        assert self._overlay is not None
        paths = (self._result.path, self._overlay.path)
        try:
            return sum(partial_of(path).stat().st_size for path in paths)
        except OSError as error:
            raise output_error(self._overlay.path, error) from error

    def _discard(self) -> None:
        """Nothing but a header was written: leave nothing."""
        self._result.abandon()
        partial_of(self._result.path).unlink(missing_ok=True)


def _files(stem: Path) -> tuple[Path, Path]:
    return stem.with_name(f"{stem.name}.jsonl"), stem.with_name(f"{stem.name}.mp4")


def _there(path: Path) -> bool:
    return path.exists() or partial_of(path).exists()
