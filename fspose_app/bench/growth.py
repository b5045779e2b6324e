"""Growth: the same schemes with more people, larger pictures, or a longer clip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from data.frame import Image
from data.pose import Box
from fspose_app.bench import clip
from fspose_app.bench.job import Measured
from fspose_app.bench.row import row
from fspose_app.console import Console

Growth = Literal["people", "size", "length"]
GROWTHS: tuple[Growth, ...] = get_args(Growth)
COUNTS = (1, 2, 5, 10, 20, 50)
SIZES = {
    "240p": (426, 240),
    "480p": (854, 480),
    "720p": (1280, 720),
    "1080p": (1920, 1080),
    "2160p": (3840, 2160),
}
SMALL, SLOW_FPS = (320, 180), 12.5  # of a long clip: memory is asked about, and how often
MINUTES = (1, 2, 5, 15, 30)  # of the clips before the longest


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A clip of a growing series, under what is grown; `boxes` where people are known."""

    grown: str
    clip: Path
    frames: int
    boxes: Sequence[Sequence[Box]] | None = None


@dataclass(frozen=True, slots=True)
class Grown:
    """A scheme on a stage; `gmacs` and `ms` are of everything, per person and frame."""

    grown: str
    scheme: str
    frames: int
    people: float | None
    gmacs: float | None
    ms: float | None
    frames_per_second: float | None
    latency_p50: float | None
    latency_p95: float | None
    latency_p99: float | None
    memory_mb: float


def stages(
    what: Growth, frames: int, minutes: float, folder: Path, console: Console
) -> Iterator[Stage]:
    """The clips, drawn one by one into the folder. Raises OutputError.

    `minutes` is the longest clip's length.
    """
    if what == "people":
        for people in COUNTS:
            path = folder / f"{people}.mp4"
            total = min(people, clip.FACES) * (frames // 2 + 1)
            with console.progress(f"draw {people} people", done=0, total=total) as tell:
                boxes = clip.crowd(path, people, frames, tell)
            yield Stage(str(people), path, frames, boxes)
    elif what == "size":
        images = _drawn(frames, clip.DRAWN, clip.FPS, console)
        for name, size in SIZES.items():
            path = folder / f"{name}.mp4"
            clip.write(path, images, frames, size)
            yield Stage(name, path, frames)
    else:
        images = _drawn(10**6, SMALL, SLOW_FPS, console)
        for length in (*(shorter for shorter in MINUTES if shorter < minutes), minutes):
            path = folder / "long.mp4"
            count = max(2, round(60 * length * SLOW_FPS))
            clip.write(path, images, count, SMALL, SLOW_FPS)
            yield Stage(f"{length:g}", path, count)


def grown(stage: Stage, run: Measured) -> Grown:
    found = row(run, None, None, math.inf)
    gmacs = run.gmacs(finding=False) + run.gmacs(finding=True)
    return Grown(
        grown=stage.grown,
        scheme=run.name,
        frames=run.frames,
        people=found.people,
        gmacs=gmacs / run.people if run.people else None,
        ms=found.ms_all,
        frames_per_second=found.frames_per_second,
        latency_p50=found.latency_p50,
        latency_p95=found.latency_p95,
        latency_p99=found.latency_p99,
        memory_mb=found.memory_mb,
    )


def _drawn(frames: int, size: tuple[int, int], fps: float, console: Console) -> list[Image]:
    total = min(frames, round(clip.SECONDS * fps))
    with console.progress("draw", done=0, total=total) as tell:
        return clip.drawn(frames, tell, size=size, fps=fps)
