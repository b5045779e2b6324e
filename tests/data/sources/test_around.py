"""A source around another one: its frames and its handle, but for what a subclass changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from data.frame import Frame
from data.sources.around import Around
from data.sources.info import Source, SourceInfo


@dataclass
class Clip:
    """Three frames; notes who opens and closes it."""

    is_open: bool = False

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("clip", 2, 2, 25.0, 3)

    def __iter__(self) -> Iterator[Frame]:
        assert self.is_open
        for index in range(3):
            yield Frame(index, index / 25, np.zeros((2, 2, 3), np.uint8), str(index))

    def __enter__(self) -> Clip:
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False


class Renamed(Around):
    @property
    def info(self) -> SourceInfo:
        return replace(super().info, name="another")


def test_the_inner_source_is_opened_read_and_closed() -> None:
    clip = Clip()
    source: Source = Around(clip)

    with source as opened:
        assert [frame.index for frame in opened] == [0, 1, 2]
        assert opened.info == clip.info

    assert not clip.is_open


def test_what_a_subclass_says_counts_inside_the_block_too() -> None:
    with Renamed(Clip()) as source:
        assert source.info == SourceInfo("another", 2, 2, 25.0, 3)
        assert len(list(source)) == 3
