"""A scheme on a clip, measured: the way of `fspose track` from the clip to the result file.

Brings in torch; it runs in a process of its own (`apart`).
"""

from __future__ import annotations

import re
import resource
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from data.crop import Crop
from data.errors import SourceError
from data.frame import Frame
from data.heatmaps import Heatmaps
from data.pose import Box
from data.result import header_of
from data.sources import open_source
from data.sources.around import Around
from data.sources.info import Source
from fspose_app import __version__, build, passes
from fspose_app.bench.apart import Tell
from fspose_app.bench.job import Job, Measured, Work
from fspose_app.bench.known import KnownFinder, KnownPeople
from fspose_app.bench.metered import Metered, metered
from fspose_app.bench.schemes import HRNET, MOBILENET, TRANSFER
from fspose_app.overlap import overlapped
from fspose_app.rate import timed
from fspose_app.sinks.jsonl import JsonlSink
from models import cost, device, unfilled
from models.metering import Meter
from models.runtimes.base import cores
from pipelines.fast_slow import FastSlow
from pipelines.pipeline import LatePipeline, Pipeline
from pipelines.timing import Stopwatch
from pipelines.two_pass import TwoPass

WARM_UP = 10  # frames, in which every network has its turn: first passes compile


def measured(job: Job, tell: Tell) -> Measured:
    """Raises what `fspose track` raises, and SourceError for a clip without a frame."""
    want = metered(job.settings)
    if job.name == TRANSFER:
        return _one_pass(want)
    watch = Stopwatch()
    pipeline, models = _pipeline(job, want, watch)
    with _first(job.clip, WARM_UP) as source:
        for _ in pipeline(source):
            pass
    want.meter.reset()
    watch.seconds.clear()
    latencies, people, given = array("d"), 0, dict[int, float]()
    tell(0)
    start = time.perf_counter()
    with (
        _first(job.clip, job.frames) as source,
        overlapped(pipeline, source, first=0, device=want.device, clock=watch) as (at_work, frames),
    ):
        settings = job.settings.model_dump(mode="json")
        header = header_of(
            source.info, pipeline.skeleton, models=models, settings=settings, version=__version__
        )
        sink = JsonlSink.open_new(job.result, header)
        try:
            for result in at_work(_noted(frames, given)):
                sink.write(result)
                latencies.append(time.perf_counter() - given.pop(result.frame.index))
                people += len(result.poses)
                tell(len(latencies))
            sink.close()
        finally:
            sink.abandon()
    seconds, memory = time.perf_counter() - start, peak_memory()
    if not latencies:
        raise SourceError(f"{job.clip} has no frame that could be measured.")
    return Measured(
        name=job.name,
        frames=len(latencies),
        people=people,
        seconds=seconds,
        latencies=latencies,
        work=_work(want.meter),
        stages=dict(watch.seconds),
        memory=memory,
    )


def peak_memory() -> float:
    """The most memory that was resident in this process so far, in MB."""
    status = Path("/proc/self/status")
    text = status.read_text(encoding="utf-8") if status.exists() else ""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", text, re.MULTILINE)
    if found:  # what follows would count the process that started this one as well
        return int(found[1]) / 1024
    unit = 2**20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _pipeline(
    job: Job, want: Metered, watch: Stopwatch
) -> tuple[Pipeline | LatePipeline, build.Models]:
    """A scheme as `fspose track` has it; or a published design, on the boxes of the job."""
    if job.name in (HRNET, MOBILENET):
        made = unfilled.slow if job.name == HRNET else unfilled.fast
        net = made(want.device).placed(want.meter.placing(job.name, want.plain.placing))
        return KnownPeople(want.finder().find, net, job.boxes or (), watch), ()
    pipeline, models = passes.pipeline(job.settings, want, watch, live=False)
    if job.boxes is None:
        return pipeline, models
    if isinstance(pipeline, TwoPass):
        finder = KnownFinder(pipeline.eyes.finder, job.boxes)
        return replace(pipeline, eyes=replace(pipeline.eyes, finder=finder)), models
    assert isinstance(pipeline, FastSlow), "people are only handed to schemes with a finder"
    return replace(pipeline, finder=KnownFinder(pipeline.finder, job.boxes)), models


def _one_pass(want: Metered) -> Measured:
    """The published transfer network on one pair of maps. In torch: other runtimes took minutes
    to compile its deformable convolutions."""
    device.use_threads(want.settings.threads or cores())  # beside another runtime it has but one
    warp = unfilled.transfer(want.device)
    warp = warp.placed(want.meter.placing(TRANSFER, lambda network, _=None: network))
    width, height = unfilled.MAPS[2], unfilled.MAPS[1]
    crop = Crop.around(Box(0, 0, width, height), (width, height), 1.0)
    maps = Heatmaps(np.random.default_rng(0).random(unfilled.MAPS, np.float32), crop)
    start = time.perf_counter()
    warp([maps], [maps])
    seconds, memory = time.perf_counter() - start, peak_memory()
    return Measured(TRANSFER, 0, 1, seconds, (), _work(want.meter), {}, memory)


def _work(meter: Meter) -> dict[str, Work]:
    return {
        role: Work(did.calls, did.items, did.seconds, did.macs / cost.GIGA)
        for role, did in meter.passes().items()
    }


def _noted(frames: Iterator[Frame], given: dict[int, float]) -> Iterator[Frame]:
    """The frames; `given` is when each was handed on, since some answers come frames later."""
    for frame in frames:
        given[frame.index] = time.perf_counter()
        yield frame


class _First(Around):
    """The first frames of a source."""

    def __init__(self, source: Source, count: int) -> None:
        super().__init__(source)
        self._count = count

    def __iter__(self) -> Iterator[Frame]:
        return islice(super().__iter__(), self._count)


def _first(clip: str, count: int) -> _First:
    return _First(timed(open_source(clip), None), count)
