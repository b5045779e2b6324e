"""The files of a benchmark: a table for programs, everything for scripts, a picture for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from data.draft import Draft
from fspose_app.bench import plot
from fspose_app.bench.growth import Grown
from fspose_app.bench.job import Machine, Measured
from fspose_app.bench.row import Row, detail, to_csv

SCHEMA = "fspose.bench/1"


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What was measured, of which clip, with which settings."""

    machine: Machine
    clip: Mapping[str, Any]
    settings: Mapping[str, Any]
    rows: Sequence[Row]
    runs: Sequence[Measured]


def write_report(report: Report, folder: Path) -> None:
    """`bench.csv`, `bench.json` and `pareto.png`. Raises OutputError."""
    _write(folder / "bench.csv", to_csv(report.rows))
    found = {
        "schema": SCHEMA,
        "machine": asdict(report.machine),
        "clip": dict(report.clip),
        "settings": dict(report.settings),
        "schemes": [
            {**asdict(row), "counted": detail(run)}
            for row, run in zip(report.rows, report.runs, strict=True)
        ],
    }
    _write(folder / "bench.json", _json(found))
    plot.save(report.rows, folder / "pareto.png")


def write_growth(
    what: str,
    machine: Machine,
    settings: Mapping[str, Any],
    rows: Sequence[Grown],
    folder: Path,
) -> None:
    """`growth.csv` and `growth.json`. Raises OutputError."""
    _write(folder / "growth.csv", to_csv(rows))
    found = {
        "schema": SCHEMA,
        "machine": asdict(machine),
        "settings": dict(settings),
        "grown": what,
        "rows": [asdict(row) for row in rows],
    }
    _write(folder / "growth.json", _json(found))


def _json(found: object) -> str:
    return json.dumps(found, indent=1, allow_nan=False) + "\n"


def _write(path: Path, text: str) -> None:
    with Draft(path) as draft:
        draft.write(text)
