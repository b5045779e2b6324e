"""overlapped: what a run need not wait for happens beside it, and its results stay the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace

from data.frame import Frame
from data.sources.info import Source
from data.sources.prefetch import prefetch
from pipelines.fast_slow import FastSlow
from pipelines.keyframes import Every
from pipelines.look_ahead import LookAhead
from pipelines.pipeline import LatePipeline, Pipeline
from pipelines.timing import Clock, each, no_clock
from pipelines.two_pass import Beside, TwoPass

Frames = Generator[Frame, None, None]

A_SPAN = 16
"""How many frames wait decoded for two passes, which take a span at a time: one of the usual
length, and no more where spans are long, for each of a thousand frames takes room."""


@contextmanager
def overlapped(
    pipeline: Pipeline | LatePipeline,
    source: Source,
    *,
    first: int,
    device: str,
    clock: Clock = no_clock,
) -> Iterator[tuple[Pipeline | LatePipeline, Frames]]:
    """A pipeline that is to work on `source` from frame `first` on, and the source's frames.

    Frames are decoded ahead, but for live sources, whose frames would no longer be new. On a CPU
    people are looked for ahead too, and the second of two passes has a thread to itself; an
    accelerator is not asked from two threads. What the threads do is told to the `clock`: read
    ahead, find ahead, and of the second pass fast between, fuse between, decode between.
    """
    if source.info.live:
        with closing(_drawn(source)) as frames:
            yield pipeline, frames
        return
    decoded = each(source, clock, "read ahead")
    if device == "cpu" and isinstance(pipeline, FastSlow):
        keyframes, interval = pipeline.keyframes, pipeline.search_interval
        with (
            LookAhead(pipeline.finder, keyframes, interval, first=first, clock=clock) as finder,
            closing(prefetch(finder.passing(decoded))) as frames,
        ):
            yield replace(pipeline, finder=finder), frames
        return
    if device == "cpu" and isinstance(pipeline, TwoPass):
        eyes, turns, interval = pipeline.eyes, Every(pipeline.interval), pipeline.rhythm.search
        with (
            LookAhead(eyes.finder, turns, interval, first=first, clock=clock) as finder,
            ThreadPoolExecutor(1, "between") as thread,
            closing(prefetch(finder.passing(decoded), A_SPAN)) as frames,
        ):
            beside = Beside(thread, lambda stage: clock(f"{stage} between"))
            yield replace(pipeline, eyes=replace(eyes, finder=finder), beside=beside), frames
        return
    with closing(prefetch(decoded)) as frames:
        yield pipeline, frames


def _drawn(source: Source) -> Frames:
    yield from source
