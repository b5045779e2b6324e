"""The tables of a benchmark, for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fspose_app.bench.growth import Grown
from fspose_app.bench.job import Machine
from fspose_app.bench.row import Row
from fspose_app.console import Console

NONE = "-"
Column = tuple[str, Callable[[Row], float | None], str]
"""Its head, its value, and the value's form."""

COST: tuple[Column, ...] = (
    ("people", lambda r: r.people, ".1f"),
    ("GMACs nets", lambda r: r.gmacs_nets, ".3f"),
    ("GMACs finding", lambda r: r.gmacs_finding, ".3f"),
    ("ms nets", lambda r: r.ms_nets, ".1f"),
    ("ms finding", lambda r: r.ms_finding, ".1f"),
    ("ms all", lambda r: r.ms_all, ".1f"),
    ("x GMACs", lambda r: r.hrnet_gmacs, ".1f"),
    ("x ms nets", lambda r: r.hrnet_ms_nets, ".1f"),
    ("x ms all", lambda r: r.hrnet_ms_all, ".1f"),
    ("% of peak", lambda r: None if r.of_peak is None else 100 * r.of_peak, ".0f"),
)
"""The `x` columns are how many times HRNet-W32 on every frame takes as much."""

RUN: tuple[Column, ...] = (
    ("frames/s", lambda r: r.frames_per_second, ".1f"),
    ("p50 ms", lambda r: r.latency_p50, ".1f"),
    ("p95", lambda r: r.latency_p95, ".1f"),
    ("p99", lambda r: r.latency_p99, ".1f"),
    ("MB", lambda r: r.memory_mb, ".0f"),
    ("PCK@0.2", lambda r: r.pck, ".1f"),
    ("OKS", lambda r: r.oks, ".1f"),
    ("missed", lambda r: r.missed, "d"),
    ("strangers", lambda r: r.strangers, "d"),
)


def show_machine(console: Console, machine: Machine) -> None:
    """What it was measured on."""
    versions = ", ".join(f"{name} {number}" for name, number in machine.versions.items())
    rows = [
        ("processor", f"{machine.processor}, {machine.cores} cores"),
        (
            "runtime",
            f"{machine.runtime}, {machine.precision}, {machine.device}, {machine.threads} threads",
        ),
        ("peak, matrices", f"{machine.matrix:.0f} GFLOP/s"),
        ("peak, 3x3 convolutions", f"{machine.convolution:.0f} GFLOP/s"),
        ("programs that want to run", f"{machine.load:.1f}"),
        ("versions", versions),
    ]
    console.table(rows, columns=("machine", machine.system))


def show_rows(console: Console, rows: Sequence[Row]) -> None:
    """What a person costs on a frame, then how a run goes and what it keeps."""
    _show(console, rows, COST, "per person and frame")
    _show(console, rows, RUN, "scheme")


def show_growth(console: Console, rows: Sequence[Grown], what: str) -> None:
    """A line per scheme and size."""
    columns = (what, "scheme", "shown", "GMACs", "ms", "frames/s", "p95 ms", "MB")
    cells = [
        (
            one.grown,
            one.scheme,
            _told(one.people, ".1f"),
            _told(one.gmacs, ".3f"),
            _told(one.ms, ".1f"),
            _told(one.frames_per_second, ".1f"),
            _told(one.latency_p95, ".1f"),
            _told(one.memory_mb, ".0f"),
        )
        for one in rows
    ]
    console.table(cells, columns=columns, right=(0, *range(2, len(columns))))


def _show(console: Console, rows: Sequence[Row], columns: Sequence[Column], first: str) -> None:
    cells = [(row.scheme, *(_told(value(row), form) for _, value, form in columns)) for row in rows]
    heads = (first, *(head for head, _, _ in columns))
    console.table(cells, columns=heads, right=tuple(range(1, len(heads))))


def _told(value: float | None, form: str) -> str:
    return NONE if value is None else format(value, form)
