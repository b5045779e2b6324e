"""The report's tables: several folders of predictions side by side, with what lies between."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.evaluation.metric import COLUMNS, NAMES, TOTAL, Metric
from pipelines.evaluation.report_style import letter
from pipelines.evaluation.scores import Scores, SequenceScores
from pipelines.evaluation.words import MOT, labelled, reason, with_one_mot

LEADING = ("AP", "MOTA", "HOTA", "IDF1")
"""Of each family the metric that it is known for."""

SWITCHES = "id switches"
_LOW_IS_GOOD = frozenset({SWITCHES})


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A folder of predictions: what it is called, as a person named it, and its scores."""

    label: str
    place: str
    scores: Scores


class Cell(NamedTuple):
    """A number as text. `kind` is value, nan, or better, worse and same of a difference."""

    text: str
    kind: str


class Head(NamedTuple):
    """A column's head, or one over several columns; `starts` where a group of columns begins."""

    text: str
    span: int = 1
    starts: bool = False


class Row(NamedTuple):
    """A row: its name, whose it is (a run's number, or None), why some of it is NaN.

    `is_gap` where it holds differences.
    """

    name: str
    cells: list[Cell]
    run: int | None = None
    why: str = ""
    is_gap: bool = False


class Table(NamedTuple):
    """`over` are heads over those of `heads`, empty where there is only one line of them."""

    over: list[Head]
    heads: list[Head]
    rows: list[Row]


class SequenceRows(NamedTuple):
    """A sequence: how many frames were compared, rows as in the overview, why some is NaN."""

    name: str
    frames: int
    rows: list[Row]
    why: str


def overview(runs: Sequence[Run], *, as_official: bool) -> Table:
    """The leading totals, a row per run, and under each but the first its difference to it."""
    rows = []
    for run in runs:
        parts = run.scores.sequences.values()
        rows.append(_totals(run.scores, sum(len(part.switches) for part in parts), as_official))
    return _stacked(runs, rows)


def printed(runs: Sequence[Run], family: str, name: str) -> Table:
    """The official table's columns of one metric; of MOTA also the other totals of tracking."""
    rows = []
    for run in runs:
        metrics = run.scores.families[family]
        rows.append(dict(zip((*COLUMNS, "Total"), metrics[name].columns.tolist(), strict=True)))
        if name == "mota":
            rows[-1] |= {MOT[other]: metrics[other].total for other in ("motp", "pre", "rec")}
    return _stacked(runs, rows)


def keypoints(run: Run, *, as_official: bool) -> Table:
    """Every metric of every keypoint of one run."""
    metrics = _metrics(run.scores, as_official)
    rows = [
        Row(
            NAMES[place],
            [number(float(metric.values[place])) for metric in metrics.values()],
            why=reason(metrics, place),
        )
        for place in range(TOTAL + 1)
    ]
    return Table([], [Head(label) for label in metrics], rows)


def compared_keypoints(runs: Sequence[Run], *, as_official: bool) -> Table:
    """The leading metrics of every keypoint, the runs side by side."""
    found = [_leading(run.scores, as_official) for run in runs]
    rows = []
    for place in range(TOTAL + 1):
        cells: list[Cell] = []
        for label in found[0]:
            cells += side_by_side([float(one[label].values[place]) for one in found], label)
        rows.append(Row(NAMES[place], cells, why=_reasons(found, place)))
    return Table(*_side_heads(list(found[0]), len(runs)), rows)


def sequences(runs: Sequence[Run], *, as_official: bool) -> tuple[list[Head], list[SequenceRows]]:
    """The leading totals and switches of every sequence, worst first, and the columns' heads.

    A sequence's place is that of its worst run by MOTA, or by whatever is there of AP, HOTA and
    IDF1 where tracks were not scored that way; NaN stands last.
    """
    ranked = []
    for name, first in runs[0].scores.sequences.items():
        own = [run.scores.sequences[name] for run in runs]
        totals = [_totals(one, len(one.switches), as_official) for one in own]
        table = _stacked(runs, totals)
        why = _reasons([_leading(one, as_official) for one in own], TOTAL)
        order = "MOTA" if "MOTA" in totals[0] else next(iter(totals[0]))
        known = [found[order] for found in totals if not math.isnan(found[order])]
        rows = SequenceRows(name, first.frames, table.rows, why)
        ranked.append((min(known, default=math.inf), name, rows))
    ranked.sort(key=lambda ranks: ranks[:2])
    return table.heads, [rows for *_, rows in ranked]


def number(value: float, *, whole: bool = False) -> Cell:
    """A value as the tables print it: one decimal, or none of a count."""
    if math.isnan(value):
        return Cell("nan", "nan")
    return Cell(f"{value:.0f}" if whole else f"{value:.1f}", "value")


def difference(value: float, first: float, label: str) -> Cell:
    """How much more than the first a value is, and whether that is better."""
    if math.isnan(value) or math.isnan(first):
        return Cell("-", "same")
    more = value - first
    text = f"{more:+.0f}" if label in _LOW_IS_GOOD else f"{more:+.1f}"
    if not float(text):
        return Cell(text.lstrip("+-"), "same")
    return Cell(text, "better" if (more > 0) != (label in _LOW_IS_GOOD) else "worse")


def side_by_side(values: Sequence[float], label: str) -> list[Cell]:
    """The runs' values, each but the first followed by its difference to the first."""
    whole = label in _LOW_IS_GOOD
    cells = [number(values[0], whole=whole)]
    for value in values[1:]:
        cells += [number(value, whole=whole), difference(value, values[0], label)]
    return cells


def _stacked(runs: Sequence[Run], values: Sequence[Mapping[str, float]]) -> Table:
    """A row per run of values by column; under each but the first its difference to the first."""
    rows = []
    for place, (run, own) in enumerate(zip(runs, values, strict=True)):
        cells = [number(value, whole=label in _LOW_IS_GOOD) for label, value in own.items()]
        rows.append(Row(run.label, cells, run=place))
        if place:
            cells = [difference(own[label], values[0][label], label) for label in own]
            rows.append(Row(_gap(place), cells, is_gap=True))
    return Table([], [Head(label) for label in values[0]], rows)


def _side_heads(labels: Sequence[str], count: int) -> tuple[list[Head], list[Head]]:
    """Heads over the columns of each metric, and those of the columns."""
    if count == 1:
        return [], [Head(label) for label in labels]
    group = [Head(letter(0), starts=True)]
    for place in range(1, count):
        group += [Head(letter(place)), Head(_gap(place))]
    return [Head(label, len(group)) for label in labels], group * len(labels)


def _gap(run: int) -> str:
    return f"{letter(run)} - {letter(0)}"


def _metrics(scores: Scores | SequenceScores, as_official: bool) -> dict[str, Metric]:
    return labelled(with_one_mot(scores.families, as_official=as_official))


def _leading(scores: Scores | SequenceScores, as_official: bool) -> dict[str, Metric]:
    metrics = _metrics(scores, as_official)
    return {label: metrics[label] for label in LEADING if label in metrics}


def _totals(scores: Scores | SequenceScores, switches: int, as_official: bool) -> dict[str, float]:
    totals = {label: metric.total for label, metric in _leading(scores, as_official).items()}
    return totals | ({SWITCHES: float(switches)} if "MOTA" in totals else {})


def _reasons(found: Sequence[Mapping[str, Metric]], place: int) -> str:
    """Why there is NaN in any of the runs, once where it is the same in all."""
    reasons = [reason(metrics, place) for metrics in found]
    if len(set(reasons)) == 1:
        return reasons[0]
    return "; ".join(f"{letter(run)}: {why}" for run, why in enumerate(reasons) if why)
