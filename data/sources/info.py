"""Source: where frames come from. SourceInfo: what is known of it before the first frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from data.frame import Frame


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says of itself before it is read.

    `width` and `height` are of the upright frame; `fps` is the mean rate (0.0 where there is none,
    as for single images); `count` is the announced number of frames, which headers get wrong, or
    None for a stream or camera. `live` sources cannot be read again.
    """

    name: str
    width: int
    height: int
    fps: float
    count: int | None
    live: bool = False


class Source(Protocol):
    """Frames in order, indices from 0 without a gap; a context manager that releases its handle."""

    @property
    def info(self) -> SourceInfo: ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Source: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
