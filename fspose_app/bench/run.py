"""A benchmark under way: scheme after scheme, each in a process of its own, then the figures.

Brings in torch, with what the other processes run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import ConfigError, SourceError
from data.pose import Box
from data.result import Record, blank, result_of
from data.result_file import read_result
from data.sources import open_source
from fspose_app import build
from fspose_app.bench import clip, growth
from fspose_app.bench.agreement import Agreement, agreement
from fspose_app.bench.apart import Elsewhere, apart
from fspose_app.bench.growth import Grown, Growth
from fspose_app.bench.job import Job, Machine, Measured
from fspose_app.bench.machine import better, machine
from fspose_app.bench.measuring import measured
from fspose_app.bench.report import Report
from fspose_app.bench.row import row
from fspose_app.bench.schemes import HRNET, REFERENCES, SLOW, of_scheme, with_references
from fspose_app.config import BenchSettings
from fspose_app.console import Console, Tell
from models.runtimes import handed


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """`folder` is for what is needed meanwhile only; `elsewhere` is where the work is done."""

    chosen: BenchSettings
    frames: int
    folder: Path
    console: Console
    elsewhere: Elsewhere = apart

    @property
    def settings(self) -> dict[str, Any]:
        """For the report."""
        return {**self.chosen.model_dump(mode="json"), "frames": self.frames}

    def machine(self) -> Machine:
        """The first thing to measure, since it finds out whether the settings can be had, and the
        last once more: of a machine that is busy now and then the better time counts."""
        for_peak = of_scheme(SLOW, self.chosen)
        _refuse_exported(build.wanted(for_peak))
        with self.console.progress("peak of the machine", done=0, total=None) as tell:
            return self.elsewhere(machine, for_peak, tell, what="the machine")

    def schemes(self, names: Sequence[str], address: str | None) -> Report:
        """The schemes, and what they are compared with, on a clip or the drawn one.

        Raises what `fspose track` raises, and SourceError for a clip that cannot be read again or
        on which nobody is seen.
        """
        if address is not None:
            _check(address)  # before anything takes its time
        best = self.machine()
        source = self._drawn() if address is None else address
        runs = [self._run(SLOW, source, SLOW)]
        if not runs[0].people:
            raise SourceError(
                f"Nobody is seen on the first {runs[0].frames} frames of {source}, so that "
                "nothing can be told per person. Give a clip with people."
            )
        header, records = read_result(self._result(SLOW))
        boxes = [_boxes(record, header) for record in records]
        for name in with_references(names)[1:]:
            runs.append(self._run(name, source, name, boxes if name in REFERENCES else None))
        base = next(run for run in runs if run.name == HRNET)
        best = better(best, self.machine())
        rows = [row(run, self._agreement(run.name), base, best.convolution) for run in runs]
        with open_source(source) as opened:
            size = {"width": opened.info.width, "height": opened.info.height}
        told = {"name": address or "drawn", **size, "frames": runs[0].frames}
        return Report(best, told, self.settings, rows, runs)

    def growth(
        self, what: Growth, names: Sequence[str], minutes: float
    ) -> tuple[Machine, list[Grown]]:
        """Every scheme on every stage of a growing series of drawn clips."""
        best, runs = self.machine(), []
        for stage in growth.stages(what, self.frames, minutes, self.folder, self.console):
            for name in names:
                label = f"{name}, {what} {stage.grown}"
                run = self._run(name, str(stage.clip), label, stage.boxes, stage.frames)
                runs.append(growth.grown(stage, run))
        return better(best, self.machine()), runs

    def _run(
        self,
        name: str,
        source: str,
        label: str,
        boxes: Sequence[Sequence[Box]] | None = None,
        frames: int | None = None,
    ) -> Measured:
        job = Job(
            name=name,
            clip=source,
            frames=frames or self.frames,
            settings=of_scheme(name, self.chosen),
            result=self._result(name),
            boxes=boxes,
        )
        with ExitStack() as stack:
            tell = _Late(lambda: stack.enter_context(self._progress(label, job.frames)))
            return self.elsewhere(measured, job, tell, what=f"'{name}'")

    def _progress(self, label: str, total: int) -> AbstractContextManager[Tell]:
        return self.console.progress(label, done=0, total=total)

    def _agreement(self, name: str) -> Agreement | None:
        if name in REFERENCES:
            return None
        header, reference = read_result(self._result(SLOW))
        _, other = read_result(self._result(name))
        return agreement(header, reference, other)

    def _drawn(self) -> str:
        path, total = self.folder / "drawn.mp4", round(clip.SECONDS * clip.FPS)
        with self.console.progress("draw", done=0, total=min(self.frames, total)) as tell:
            images = clip.drawn(self.frames, tell)
        clip.write(path, images, self.frames, clip.SIZE)
        return str(path)

    def _result(self, name: str) -> Path:
        return self.folder / f"{name.replace(':', '-')}.jsonl"


@dataclass(slots=True)
class _Late:
    """Progress that begins with the first frame: a process that starts has no pace yet."""

    begin: Callable[[], Tell]
    told: Tell | None = None

    def __call__(self, done: int) -> None:
        self.told = self.told or self.begin()
        self.told(done)


def _check(address: str) -> None:
    with open_source(address) as source:
        if source.info.live:
            raise SourceError(
                f"{address} is live and cannot be read again, as every scheme has to. "
                "Record it first: fspose webcam --record."
            )


def _boxes(record: Record, header: Record) -> list[Box]:
    return [pose.box for pose in result_of(record, blank(record, header)).poses]


def _refuse_exported(want: build.Wanted) -> None:
    """ConfigError for a file of `fspose export`, of which nobody knows what a pass costs."""
    for role in want.settings.weights:
        file = want.file(role)
        if file is not None and handed.is_exported(file):
            raise ConfigError(
                f"{file} is an exported {role} network, whose multiply-adds cannot be counted. "
                "Give its checkpoint, and say --runtime."
            )
