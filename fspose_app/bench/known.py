"""People who are known beforehand: rows of a benchmark that must have just as many of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from data.frame import Frame, FrameResult, Image, Origin
from data.pose import Box
from data.skeleton import Skeleton
from models.decode import poses
from pipelines.people import PeopleFinder
from pipelines.pipeline import HeatmapNet, Snapshot
from pipelines.timing import Clock


@dataclass(frozen=True, slots=True)
class KnownFinder:
    """Runs a finder, and answers with the frame's own boxes."""

    finder: PeopleFinder
    boxes: Sequence[Sequence[Box]]

    def find(self, frame: Frame) -> list[Box]:
        self.finder.find(frame)
        return _of(self.boxes, frame)


@dataclass(frozen=True, slots=True)
class KnownPeople:
    """A pipeline of one network on everyone in every frame, whoever the finder sees; nobody is
    followed. Stages told to the `clock`: find, slow, decode."""

    find: Callable[[Image], list[Box]]
    net: HeatmapNet
    boxes: Sequence[Sequence[Box]]
    clock: Clock

    @property
    def skeleton(self) -> Skeleton:
        return self.net.skeleton

    def begin(self, snapshot: Snapshot | None = None) -> KnownPeople:
        """Nothing is remembered, so that a run is the pipeline itself."""
        return self

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        return map(self.step, frames)

    def step(self, frame: Frame) -> FrameResult:
        boxes = _of(self.boxes, frame)
        with self.clock("find"):
            self.find(frame.image)
        with self.clock("slow"):
            maps = self.net.heatmaps(frame.image, boxes)
        with self.clock("decode"):
            found = tuple(poses(maps, boxes))
        origin: Origin = "slow"
        return FrameResult(frame, found, True, (origin,) * len(found))

    def snapshot(self) -> Snapshot:
        return {}

    def forget(self) -> None:
        """There is nothing to forget."""


def _of(boxes: Sequence[Sequence[Box]], frame: Frame) -> list[Box]:
    """A frame's boxes; nobody is known beyond their end."""
    return list(boxes[frame.index]) if frame.index < len(boxes) else []
