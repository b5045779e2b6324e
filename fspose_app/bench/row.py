"""Row: a scheme's figures, as tables, CSV and JSON have them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from fspose_app.bench.agreement import Agreement
from fspose_app.bench.job import Measured


@dataclass(frozen=True, slots=True)
class Row:
    """One scheme; None stands for what has no value. Times are milliseconds.

    `people` are shown on a frame, in the mean. Per person and frame: `ms_nets` of the networks that
    read poses, `ms_finding` of those that find people, `ms_all` of everything from the clip to the
    result file; GMACs likewise. `frames_per_second` is end to end, latencies are from a decoded
    frame to its line. `hrnet_...` is how many times HRNet-W32 on every frame takes as much.
    `of_peak` is the share of the networks' time that the measured peak of convolutions would take.
    """

    scheme: str
    people: float | None
    ms_nets: float | None
    ms_finding: float | None
    ms_all: float | None
    gmacs_nets: float | None
    gmacs_finding: float | None
    frames_per_second: float | None
    latency_p50: float | None
    latency_p95: float | None
    latency_p99: float | None
    memory_mb: float
    pck: float | None = None
    oks: float | None = None
    missed: int | None = None
    strangers: int | None = None
    hrnet_gmacs: float | None = None
    hrnet_ms_nets: float | None = None
    hrnet_ms_all: float | None = None
    of_peak: float | None = None


def row(
    run: Measured, agreement: Agreement | None, hrnet: Measured | None, convolution: float
) -> Row:
    """`hrnet` is what ratios are to, `convolution` the machine's measured peak in GFLOP/s."""
    latency = _percentiles(run.latencies)
    per = _per_person(run)
    base = {} if hrnet is None else _per_person(hrnet)
    return Row(
        scheme=run.name,
        people=_ratio(run.people, run.frames),
        frames_per_second=_ratio(run.frames, run.seconds if run.frames else 0),
        latency_p50=latency[0],
        latency_p95=latency[1],
        latency_p99=latency[2],
        memory_mb=run.memory,
        pck=None if agreement is None else agreement.pck,
        oks=None if agreement is None else agreement.oks,
        missed=None if agreement is None else agreement.missed,
        strangers=None if agreement is None else agreement.strangers,
        hrnet_gmacs=_ratio(base.get("gmacs_nets"), per["gmacs_nets"]),
        hrnet_ms_nets=_ratio(base.get("ms_nets"), per["ms_nets"]),
        hrnet_ms_all=_ratio(base.get("ms_all"), per["ms_all"]),
        of_peak=_of_peak(run, convolution),
        **per,
    )


def to_csv(rows: Sequence[Any]) -> str:
    """Frozen rows of one kind; an empty cell for what has no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(rows[0])]
    writer.writerow(names)
    for one in rows:
        values = asdict(one)
        writer.writerow([_cell(values[name]) for name in names])
    return text.getvalue()


def detail(run: Measured) -> dict[str, Any]:
    """What was counted of a run, for JSON: every network's passes, and the stages' seconds."""
    return {
        "frames": run.frames,
        "person_frames": run.people,
        "seconds": run.seconds,
        "networks": {role: asdict(work) for role, work in run.work.items()},
        "stages": dict(run.stages),
    }


def _per_person(run: Measured) -> dict[str, float | None]:
    """Costs per person and frame. Of a network's single pass there is neither a clip nor a finder.

    Nobody shown means no value, and not that it costs nothing.
    """
    whole = bool(run.frames)
    found = {
        "ms_nets": 1000 * run.network_seconds(finding=False),
        "gmacs_nets": run.gmacs(finding=False),
        "ms_finding": 1000 * run.network_seconds(finding=True) if whole else None,
        "gmacs_finding": run.gmacs(finding=True) if whole else None,
        "ms_all": 1000 * run.seconds if whole else None,
    }
    return {name: _ratio(value, run.people) for name, value in found.items()}


def _of_peak(run: Measured, convolution: float) -> float | None:
    """Between 0 and 1, or somewhat more: a peak is measured too."""
    gmacs = sum(run.gmacs(finding=finding) for finding in (True, False))
    seconds = sum(run.network_seconds(finding=finding) for finding in (True, False))
    return _ratio(2 * gmacs / convolution, seconds)


def _percentiles(seconds: Sequence[float]) -> tuple[float | None, ...]:
    """p50, p95 and p99 in milliseconds."""
    if not seconds:
        return None, None, None
    return tuple(1000 * float(value) for value in np.percentile(seconds, (50, 95, 99)))


def _ratio(value: float | None, other: float | None) -> float | None:
    return None if value is None or not other else value / other


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def by_scheme(rows: Sequence[Row]) -> Mapping[str, Row]:
    return {one.scheme: one for one in rows}
