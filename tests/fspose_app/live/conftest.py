"""What tests of live runs share: a pipeline without networks, and sources that break off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from data.errors import SourceError
from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.skeleton import COCO_17, Skeleton
from data.sources.info import SourceInfo


@dataclass
class OnePerson:
    """A pipeline with one person, whose track number grows by one when it is told to forget.

    `seen` are the frames that it answered, `took` are seconds for each; an `error` comes after
    `fine` frames.
    """

    took: float = 0.0
    fine: int = 1_000_000
    error: BaseException | None = None
    skeleton: Skeleton = COCO_17
    seen: list[Frame] = field(default_factory=list)
    track: int = 1

    def begin(self, snapshot: Mapping[str, Any] | None = None) -> OnePerson:
        return self

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        return map(self.step, frames)

    def step(self, frame: Frame) -> FrameResult:
        time.sleep(self.took)
        if self.error is not None and len(self.seen) >= self.fine:
            raise self.error
        self.seen.append(frame)
        points = np.full((17, 2), 20.0, np.float32) + np.arange(17, dtype=np.float32)[:, None]
        box = Box(10, 10, 50, 50)
        pose = Pose(points, np.full(17, 0.9, np.float32), box, 0.9, self.track)
        return FrameResult(frame, (pose,), len(self.seen) % 4 == 1, ("slow",))

    def snapshot(self) -> dict[str, Any]:
        return {}

    def forget(self) -> None:
        self.track += 1


@dataclass
class Breaking:
    """A live source of grey pictures that ends after some of them, or with an error."""

    count: int = 10
    error: SourceError | None = None
    size: tuple[int, int] = (96, 64)
    fps: float = 25.0
    pause: float = 0.002
    live: bool = True
    closed: bool = False

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("street", *self.size, self.fps, None, live=self.live)

    def __iter__(self) -> Iterator[Frame]:
        for index in range(self.count):
            time.sleep(self.pause)
            image = np.full((self.size[1], self.size[0], 3), index % 250, np.uint8)
            yield Frame(index, index / (self.fps or 25), image, str(index))
        if self.error is not None:
            raise self.error

    def __enter__(self) -> Breaking:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


@pytest.fixture
def one_person() -> Callable[..., OnePerson]:
    return OnePerson


@pytest.fixture
def breaking() -> Callable[..., Breaking]:
    return Breaking


@pytest.fixture
def one_after_the_other() -> Callable[[Sequence[Any]], Callable[..., Any]]:
    """An `open_source` that hands out sources in turn; errors among them are raised, and the last
    is handed out again and again."""

    def make(sources: Sequence[Any]) -> Callable[..., Any]:
        left = list(sources)

        def open_next(*_: object, **__: object) -> Any:
            source = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(source, BaseException):
                raise source
            return source

        return open_next

    return make
