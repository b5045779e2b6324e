"""What runs beside a run: frames decoded ahead, people looked for ahead, and no thread left."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import numpy as np
import pytest

from data.crop import Crop
from data.errors import SourceError
from data.frame import Frame, Image
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import COCO_17, Skeleton
from data.sources.info import SourceInfo
from fspose_app.overlap import overlapped
from pipelines.fast_slow import FastSlow
from pipelines.fusion import create
from pipelines.keyframes import Every
from pipelines.scout import Eyes
from pipelines.spans import Rhythm
from pipelines.timing import Stopwatch
from pipelines.two_pass import TwoPass


@dataclass
class Clip:
    """A source of grey frames that may break."""

    live: bool = False
    breaks_at: int | None = None
    threads: set[threading.Thread] = field(default_factory=set)

    @property
    def info(self) -> SourceInfo:
        return SourceInfo("clip", 64, 48, 25.0, None, live=self.live)

    def __iter__(self) -> Iterator[Frame]:
        for index in range(20):
            self.threads.add(threading.current_thread())
            if index == self.breaks_at:
                raise SourceError("clip: breaks")
            yield Frame(index, index / 25, np.full((48, 64, 3), 90, np.uint8), str(index))

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Net:
    """Sees everyone's keypoints in the middle of the crop."""

    skeleton: Skeleton = COCO_17

    def heatmaps(self, image: Image, boxes: Sequence[Box]) -> list[Heatmaps]:
        maps = np.zeros((17, 16, 12), np.float32)
        maps[:, 8, 6] = 1
        return [Heatmaps(maps, Crop.around(box, (12, 16), 1.25)) for box in boxes]

    def heatmaps_across(self, looks: Sequence[tuple[Image, Box]]) -> list[Heatmaps]:
        return [self.heatmaps(image, [box])[0] for image, box in looks]


@dataclass
class Finder:
    looked: list[int] = field(default_factory=list)

    def find(self, frame: Frame) -> list[Box]:
        self.looked.append(frame.index)
        return [Box(10, 5, 30, 45, 0.9)]


def scheme(finder: Finder) -> FastSlow:
    return FastSlow(
        finder=finder,
        slow=Net(),
        fast=Net(),
        fusion=create("fast-only", interval=8, resampling="smooth"),
        keyframes=Every(8),
        padding=1.25,
        search_interval=4,
    )


def beside() -> set[threading.Thread]:
    return set(threading.enumerate()) - {threading.current_thread()}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_results_are_those_of_a_plain_run(device: str) -> None:
    finder, clock, clip, before = Finder(), Stopwatch(), Clip(), beside()
    expected = [result.poses[0].box for result in scheme(Finder())(Clip())]

    with overlapped(scheme(finder), clip, first=0, device=device, clock=clock) as (run, frames):
        actual = [result.poses[0].box for result in run(frames)]

    assert actual == expected
    assert sorted(finder.looked) == [0, 4, 8, 12, 16]
    assert threading.current_thread() not in clip.threads
    assert clock.calls["read ahead"] == 21  # the end too
    assert ("find ahead" in clock.calls) <= (device == "cpu")
    assert beside() == before


def test_only_a_cpu_is_asked_from_two_threads() -> None:
    finder = Finder()

    with overlapped(scheme(finder), Clip(), first=0, device="cuda") as (run, frames):
        list(frames)

    assert finder.looked == []
    assert isinstance(run, FastSlow)
    assert run.finder is finder


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_two_passes_give_the_results_of_a_plain_run(device: str) -> None:
    def two(finder: Finder) -> TwoPass:
        eyes = Eyes(finder=finder, slow=Net(), fast=Net())
        rhythm = Rhythm(search=4)
        return TwoPass(eyes=eyes, transfer=None, padding=1.25, interval=8, rhythm=rhythm)

    clock, clip, before = Stopwatch(), Clip(), beside()
    expected = [result.poses[0].box for result in two(Finder())(Clip())]

    with overlapped(two(Finder()), clip, first=0, device=device, clock=clock) as (run, frames):
        assert isinstance(run, TwoPass)
        actual = [result.poses[0].box for result in run(frames)]

    assert actual == expected
    assert threading.current_thread() not in clip.threads
    assert (run.beside is not None) == (device == "cpu")
    assert ("fuse between" in clock.calls) == (device == "cpu")
    assert beside() == before


def test_frames_of_a_live_source_are_not_drawn_ahead() -> None:
    clip, before = Clip(live=True), beside()

    with overlapped(scheme(Finder()), clip, first=0, device="cpu") as (_, frames):
        next(frames)

    assert clip.threads == {threading.current_thread()}
    assert beside() == before


def test_an_error_of_the_source_comes_after_the_frames_before_it() -> None:
    clip, before = Clip(breaks_at=7), beside()

    with overlapped(scheme(Finder()), clip, first=0, device="cpu") as (run, frames):
        results = iter(run(frames))
        done = [next(results).frame.index for _ in range(7)]
        with pytest.raises(SourceError, match="breaks"):
            next(results)

    assert done == list(range(7))
    assert beside() == before


def test_a_run_that_stops_early_leaves_no_thread() -> None:
    before = beside()

    with overlapped(scheme(Finder()), Clip(), first=0, device="cpu") as (run, frames):
        first = next(iter(run(frames)))

    assert first.frame.index == 0
    assert beside() == before
