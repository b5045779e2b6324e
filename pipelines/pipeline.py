"""The protocols of this floor: Pipeline, Run, their late kin, HeatmapNet, Transfer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from data.frame import Frame, FrameResult, Image
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import Skeleton

Snapshot = Mapping[str, NDArray[np.generic]]
"""Everything a run remembers between two frames, as named arrays (an .npz file holds one)."""


class HeatmapNet(Protocol):
    """A top-down network: one set of maps per box, all boxes of an image in one forward pass."""

    @property
    def skeleton(self) -> Skeleton: ...

    def heatmaps(self, image: Image, boxes: Sequence[Box]) -> list[Heatmaps]: ...


class Transfer(Protocol):
    """Carries reference maps toward the current ones, all people at once, in their order."""

    def __call__(
        self, current: Sequence[Heatmaps], reference: Sequence[Heatmaps]
    ) -> list[Heatmaps]: ...


class Run(Protocol):
    """One video under way: it owns the tracks and the memory, and nothing outlives it."""

    def step(self, frame: Frame) -> FrameResult:
        """The result of the next frame."""

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame; `Pipeline.begin` goes on from it exactly."""

    def forget(self) -> None:
        """Forget everyone, as at a cut: the next frame is like a first one, but numbers go on."""


class Pipeline(Protocol):
    """Frames in, results out, one for one and in order. Can be called again on another video."""

    @property
    def skeleton(self) -> Skeleton: ...

    def begin(self, snapshot: Snapshot | None = None) -> Run:
        """A run at the start of a video, or one that goes on after `snapshot`."""

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]: ...


@runtime_checkable
class LateRun(Protocol):
    """One file under way whose results come later than their frames, yet one for one in order."""

    def feed(self, frame: Frame) -> Sequence[FrameResult]:
        """Take the next frame; the results that are ready, from none to many."""

    def finish(self) -> Sequence[FrameResult]:
        """The results of all frames that still wait for theirs."""

    def snapshot(self) -> Snapshot:
        """What is remembered after the last result; who goes on from it is fed the frames after
        that one, those too that were fed before."""


class LatePipeline(Protocol):
    """Frames in, results out, some frames later. Can be called again on another file."""

    @property
    def skeleton(self) -> Skeleton: ...

    def begin(self, snapshot: Snapshot | None = None) -> LateRun:
        """A run at the start of a file, or one that goes on after `snapshot`."""

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]: ...


class AtOnce:
    """A run that answers at once, for those who also take late ones."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def feed(self, frame: Frame) -> Sequence[FrameResult]:
        """The frame's result."""
        return [self._run.step(frame)]

    def finish(self) -> Sequence[FrameResult]:
        """Nothing: every frame has its result."""
        return []

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame."""
        return self._run.snapshot()
