"""Job, Measured, Machine: what is asked of a process that measures, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.pose import Box
from fspose_app.config import TrackSettings

FINDING = ("finder", "checks")
"""Networks that find people; all others read their poses."""


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One scheme on the first `frames` of a clip; its result is written to `result`.

    `boxes` are everyone's, frame by frame, where people are known beforehand: the finder runs, but
    these are handed on.
    """

    name: str
    clip: str
    frames: int
    settings: TrackSettings
    result: Path
    boxes: Sequence[Sequence[Box]] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What a network did: passes, people (or pictures, or pairs of maps) in them, its seconds."""

    passes: int
    items: int
    seconds: float
    gmacs: float


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a run amounted to. `people` are person-frames, `seconds` from opening the clip to the
    finished file; `latencies` are seconds from a decoded frame to its line in the file.

    `stages` are the pipeline's seconds by stage, `memory` the most that was resident, in MB.
    """

    name: str
    frames: int
    people: int
    seconds: float
    latencies: Sequence[float]
    work: Mapping[str, Work]
    stages: Mapping[str, float]
    memory: float

    def gmacs(self, *, finding: bool) -> float:
        """Of the networks that find people, or of those that read poses."""
        return sum(w.gmacs for role, w in self.work.items() if (role in FINDING) == finding)

    def network_seconds(self, *, finding: bool) -> float:
        return sum(w.seconds for role, w in self.work.items() if (role in FINDING) == finding)


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """`load` is how many programs wanted to run, in the mean of the last minute; `matrix` and
    `convolution` are billions of floating point operations a second, measured."""

    processor: str
    system: str
    cores: int
    threads: int
    device: str
    runtime: str
    precision: str
    load: float
    matrix: float
    convolution: float
    versions: Mapping[str, str]
