"""VideoFile: a video file as a source. Decord reads what it reads well, PyAV the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

from data.errors import SourceError
from data.frame import Frame
from data.sources import decord_file, pyav
from data.sources.info import SourceInfo

logger = logging.getLogger(__name__)


class VideoFile:
    """A video file; a Source that can be read again, each time from its start.

    Frames are upright. They have the size that `info` gives, but for the rare file that changes
    its size on the way. `info.count` is what the header announces, or what its length and rate
    amount to.
    """

    def __init__(self, path: Path) -> None:
        """Reads the header and one picture. Raises SourceError where there is none."""
        self._path = path
        self._damaged = 0
        with pyav.open_file(path) as container:
            stream = pyav.picture_stream(container, str(path))
            fps = pyav.mean_rate(stream)
            count = stream.frames or None
            if count is None and container.duration is not None and fps > 0:
                count = round(container.duration / 1_000_000 * fps) or None
            first = next(pyav.Decoder(container, stream, str(path)).pictures(), None)
            if first is None or stream.time_base is None:
                raise SourceError(f"{path}: no picture in it can be decoded. Copy it again.")
            height, width = first.image.shape[:2]
            self._tick = stream.time_base
            # Decord turns pictures too, but not mirrored ones, and chooses among streams itself.
            self._suits_decord = (
                first.turn == pyav.UPRIGHT
                and len(container.streams.video) == 1
                and decord_file.suits(container.format.name, stream.codec_context.name)
            )
        self._info = SourceInfo(str(path), width, height, fps, count)

    @property
    def info(self) -> SourceInfo:
        return self._info

    @property
    def damaged(self) -> int:
        """How many damaged packets the latest pass has skipped so far."""
        return self._damaged

    def __iter__(self) -> Iterator[Frame]:
        return pyav.number(self._pictures(), tick=self._tick, fps=self._info.fps)

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Each pass holds its own handle and closes it when it ends or is dropped."""

    def _pictures(self) -> Iterator[pyav.Picture]:
        """From the quickest reader that can be trusted; where it fails, the next one goes on."""
        self._damaged = 0
        latest: int | None = None
        for reader in self._quick_readers():
            try:
                for picture in reader(latest):
                    latest = picture.pts
                    yield picture
                return
            except pyav.Unreliable as reason:
                logger.debug("%s: another reader after %s: %s", self._path, latest, reason)
        with pyav.open_file(self._path) as container:
            stream = pyav.picture_stream(container, str(self._path))
            decoder = pyav.Decoder(container, stream, str(self._path))
            for picture in decoder.pictures(latest):
                self._damaged = decoder.damaged
                yield picture
            self._damaged = decoder.damaged

    def _quick_readers(self) -> Iterator[Callable[[int | None], Iterator[pyav.Picture]]]:
        if self._suits_decord:
            yield lambda _: decord_file.pictures(self._path, self._info, self._tick)
        yield lambda latest: pyav.quick_pictures(self._path, latest)
