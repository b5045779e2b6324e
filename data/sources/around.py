"""Around: a source that is another one in all but what a subclass says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from data.frame import Frame
from data.sources.info import Source, SourceInfo


class Around:
    """Holds a source, opens and releases it; a subclass changes its `info` or its frames."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def info(self) -> SourceInfo:
        return self._source.info

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)

    def __enter__(self) -> Source:
        self._source.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.__exit__(kind, error, trace)
