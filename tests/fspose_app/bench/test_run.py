"""A benchmark of tiny networks, in this process: what is counted, compared and written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import numpy as np
import pytest

from data.errors import ConfigError, SourceError
from data.video_writer import VideoWriter
from fspose_app.bench import clip, growth, measuring
from fspose_app.bench.apart import Tell
from fspose_app.bench.job import Measured
from fspose_app.bench.report import write_growth, write_report
from fspose_app.bench.run import Bench
from fspose_app.bench.schemes import HRNET, MOBILENET, SCHEMES, SLOW
from fspose_app.config import BenchSettings
from fspose_app.console import Console
from models import peak, unfilled

Job = TypeVar("Job")
Result = TypeVar("Result")


def here(work: Callable[[Job, Tell], Result], job: Job, tell: Tell, *, what: str) -> Result:
    """In place of a process of its own, which takes seconds to start."""
    return work(job, tell)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unfilled, "SLOW_SIZE", (64, 96))
    monkeypatch.setattr(unfilled, "FAST_SIZE", (64, 64))
    monkeypatch.setattr(peak, "SECONDS", 0.001)
    monkeypatch.setattr(peak, "SIDE", 64)
    monkeypatch.setattr(peak, "LAYERS", ((8, 8, 8),))


@pytest.fixture
def bench(family: Path, tmp_path: Path) -> Bench:
    chosen = BenchSettings(family=family, threads=1, device="cpu")
    return Bench(chosen, 5, tmp_path, Console(), here)


def work_of(runs: list[Measured], name: str) -> dict[str, tuple[int, int]]:
    """Passes of every network and people in them."""
    (run,) = (run for run in runs if run.name == name)
    return {role: (work.passes, work.items) for role, work in run.work.items()}


def test_schemes_are_counted_compared_and_written(
    bench: Bench, video: Path, tmp_path: Path
) -> None:
    report = bench.schemes(["fast-slow", "fast-only", MOBILENET], str(video))

    names = [row.scheme for row in report.rows]
    assert names == [SLOW, "fast-slow", "fast-only", MOBILENET, HRNET]
    rows = dict(zip(names, report.rows, strict=True))
    runs = list(report.runs)
    slow, fast_slow = work_of(runs, SLOW), work_of(runs, "fast-slow")
    assert slow["finder"] == (5, 5)
    assert slow["slow"][0] == 5
    assert "fast" not in slow
    assert fast_slow["finder"] == (1, 1)
    assert fast_slow["fast"][0] == fast_slow["transfer"][0] == 4
    assert "transfer" not in work_of(runs, "fast-only")
    assert work_of(runs, HRNET)[HRNET] == (5, runs[0].people)
    assert rows[HRNET].gmacs_nets == pytest.approx(7.65 / 8, rel=0.01)
    assert (rows[SLOW].pck or 100, rows[SLOW].missed) == (100, 0)
    assert rows["fast-slow"].oks is not None
    assert (rows[HRNET].pck, rows[HRNET].oks, rows[HRNET].hrnet_gmacs) == (None, None, 1)
    assert rows["fast-slow"].hrnet_gmacs == pytest.approx(
        (rows[HRNET].gmacs_nets or 0) / (rows["fast-slow"].gmacs_nets or 1)
    )

    write_report(report, tmp_path)

    written = json.loads((tmp_path / "bench.json").read_text())
    assert written["clip"] == {"name": str(video), "width": 96, "height": 64, "frames": 5}
    assert written["settings"]["threads"] == written["machine"]["threads"] == 1
    assert written["machine"]["convolution"] > 0
    assert [one["scheme"] for one in written["schemes"]] == names
    assert len((tmp_path / "bench.csv").read_text().splitlines()) == 1 + len(names)
    assert (tmp_path / "pareto.png").read_bytes().startswith(b"\x89PNG")


def test_every_scheme_can_be_measured(
    bench: Bench, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Latencies by a clock that ticks when it is read, so none can be the machine's: two passes
    read all five frames before they write the first, one pass writes each before the next."""
    ticks = count()
    monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    runs = {run.name: run for run in bench.schemes(tuple(SCHEMES), str(video)).runs}

    assert set(runs) == {*SCHEMES, HRNET}
    assert {len(run.latencies) for run in runs.values()} == {5}
    assert list(runs["two-pass"].latencies) == [5] * 5
    assert {*runs["fast-slow"].latencies} == {*runs["adaptive"].latencies} == {1}


def test_growth_is_measured_stage_by_stage(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip, "SIZE", (256, 144))
    monkeypatch.setattr(growth, "COUNTS", (1, 2))

    machine, rows = bench.growth("people", ["fast-slow", "two-pass"], 1.0)
    write_growth("people", machine, bench.settings, rows, tmp_path)

    assert [(row.grown, row.scheme, row.frames) for row in rows] == [
        ("1", "fast-slow", 5),
        ("1", "two-pass", 5),
        ("2", "fast-slow", 5),
        ("2", "two-pass", 5),
    ]
    assert json.loads((tmp_path / "growth.json").read_text())["grown"] == "people"


def test_a_clip_on_which_nobody_is_seen_is_told(tmp_path: Path) -> None:
    """By the bundled networks: the tiny ones see somebody everywhere."""
    bench = Bench(BenchSettings(threads=1, device="cpu"), 5, tmp_path, Console(), here)
    path = tmp_path / "dark.mp4"
    with VideoWriter(path, (96, 64), 10.0) as writer:
        for _ in range(3):
            writer.write(np.zeros((64, 96, 3), np.uint8))

    with pytest.raises(SourceError, match=r"Nobody is seen on the first 3 frames of .*dark"):
        bench.schemes(["fast-slow"], str(path))


@pytest.mark.parametrize("source", ["nowhere.mp4", "0"])
def test_a_clip_that_cannot_be_read_is_told_before_anything_is_measured(
    bench: Bench, source: str
) -> None:
    with pytest.raises(SourceError):
        bench.schemes(["fast-slow"], source)


def test_more_threads_than_cores_are_told_at_once(family: Path, tmp_path: Path) -> None:
    def never(*args: object, **words: object) -> None:
        raise AssertionError("nothing is to be measured")

    wanted = BenchSettings(family=family, threads=min(512, 4 * (os.cpu_count() or 1) + 1))

    with pytest.raises(ConfigError, match="cores here"):
        Bench(wanted, 5, tmp_path, Console(), never).schemes(["fast-slow"], None)
