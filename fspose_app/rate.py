"""AtRate: images as frames of a video. They carry no time, and tracks age by time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from data.errors import ConfigError
from data.frame import Frame
from data.sources.around import Around
from data.sources.folder import Images
from data.sources.info import Source, SourceInfo

IMAGES_FPS = 25.0


class AtRate(Around):
    """A source of images with `fps` frames per second."""

    def __init__(self, images: Images, fps: float) -> None:
        super().__init__(images)
        self._fps = fps

    @property
    def info(self) -> SourceInfo:
        return replace(super().info, fps=self._fps)

    def __iter__(self) -> Iterator[Frame]:
        for frame in super().__iter__():
            yield replace(frame, seconds=frame.index / self._fps)


def timed(source: Source, fps: float | None) -> Source:
    """The source, with a rate where it has none. ConfigError for a rate where it has its own."""
    if isinstance(source, Images):
        return AtRate(source, fps or IMAGES_FPS)
    if fps is not None:
        raise ConfigError(
            f"{source.info.name} has times of its own; --fps is for folders of images."
        )
    return source
