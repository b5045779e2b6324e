"""PoseTrack scores as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data.json_fields import Doubles
from fspose_app.console import Console
from fspose_app.score_texts import AP_HEAD, MOT_HEAD, View, official_row
from pipelines.evaluation.metric import NAMES, TOTAL, Metric
from pipelines.evaluation.scores import Correction, Families, Scores

_MOT = {"mota": "MOTA", "motp": "MOTP", "pre": "MOT prec", "rec": "MOT rec"}
_SHOWN: Mapping[str, Mapping[str, str]] = {
    "ap": {"ap": "AP", "pre": "AP prec", "rec": "AP rec"},
    "mot": _MOT,
    "official_mot": _MOT,
    "hota": {name: name for name in ("HOTA", "DetA", "AssA", "LocA", "FA-HOTA")},
    "idf1": {"idf1": "IDF1", "idp": "IDP", "idr": "IDR"},
}
"""The columns of the tables, by family and metric."""

_OFFICIAL = "Tracking as the official tool counts"
_CORRECTED = "Tracking with the official tool's oddities put right (see below, and --as-official)"

Cells = dict[str, tuple[float, str]]
"""A row of a table: by column a value, and why it is NaN where it is."""


def show_scores(console: Console, scores: Scores, view: View) -> None:
    """The official rows, what was put right in them, and all keypoints' numbers."""
    families = _one_mot(scores.families, view)
    console.say(f"# gt frames  : {scores.frames}\n# pred frames: {scores.frames}")
    if "ap" in families:
        found = families["ap"]["ap"]
        _say_rows(console, "Average precision", AP_HEAD, found.columns)
        _say_nan(console, {"AP": found})
    if view.mot in families:
        mot = families[view.mot]
        totals = [mot[name].total for name in ("motp", "pre", "rec")]
        title = _OFFICIAL if view.as_official else _CORRECTED
        _say_rows(console, title, MOT_HEAD, np.append(mot["mota"].columns, totals))
        _say_nan(console, {_MOT[name]: mot[name] for name in _MOT})
    if view.mot in families and not view.as_official:
        _say_corrections(console, scores.corrections)
    console.say("\nKeypoints, per cent")
    _show_table(console, "keypoint", {NAMES[i]: _cells(families, i) for i in range(TOTAL + 1)})
    if view.per_sequence:
        console.say("\nSequences, totals, per cent")
        rows = {
            name: _cells(_one_mot(one.families, view), TOTAL)
            for name, one in scores.sequences.items()
        }
        _show_table(console, "sequence", rows)


def _one_mot(families: Families, view: View) -> Families:
    """The families with one of the two ways of counting tracks."""
    other = "mot" if view.as_official else "official_mot"
    return {name: metrics for name, metrics in families.items() if name != other}


def _say_rows(console: Console, title: str, head: Sequence[str], values: Doubles) -> None:
    for line in (f"\n{title}, per cent", *head, official_row(values)):
        console.say(line)


def _say_nan(console: Console, metrics: Mapping[str, Metric]) -> None:
    """Why there are nan in the rows above."""
    for label, metric in metrics.items():
        places: dict[str, list[str]] = {}
        for place, reason in metric.reasons.items():
            places.setdefault(reason, []).append(NAMES[place])
        for reason, names in places.items():
            console.say(f"  nan: {label} of {', '.join(names)}: {reason}")


def _say_corrections(console: Console, corrections: Sequence[Correction]) -> None:
    """What was put right, one after another, and what each did to the totals."""
    console.say("\nPut right, one after another (totals, official first):")
    for number, step in enumerate(corrections, 1):
        console.say(f"  {number}. {step.what}: {_change(step.before, step.after)}")
    console.say(f"  all: {_change(corrections[0].before, corrections[-1].after)}")


def _change(before: Mapping[str, Metric], after: Mapping[str, Metric]) -> str:
    totals = {
        label: (f"{before[name].total:.2f}", f"{after[name].total:.2f}")
        for name, label in _MOT.items()
    }
    changes = [f"{label} {old} -> {new}" for label, (old, new) in totals.items() if old != new]
    return ", ".join(changes) or "no change"


def _cells(families: Families, place: int) -> Cells:
    """One place, a keypoint or the total, of every metric that tables show."""
    return {
        label: (float(metrics[name].values[place]), metrics[name].reasons.get(place, ""))
        for family, metrics in families.items()
        for name, label in _SHOWN[family].items()
    }


def _show_table(console: Console, first: str, rows: Mapping[str, Cells]) -> None:
    """A row per name; where a row has nan, the last column tells why."""
    labels = list(next(iter(rows.values())))
    reasons = [_reason(cells) for cells in rows.values()]
    columns = [first, *labels, *(["why nan"] if any(reasons) else [])]
    lines = [
        (name, *(_text(cells[label][0]) for label in labels), reason)[: len(columns)]
        for (name, cells), reason in zip(rows.items(), reasons, strict=True)
    ]
    console.table(lines, columns=columns, right=range(1, len(labels) + 1))


def _reason(cells: Cells) -> str:
    reasons = {label: reason for label, (_, reason) in cells.items() if reason}
    return "; ".join(f"{label}: {reason}" for label, reason in reasons.items())


def _text(value: float) -> str:
    return f"{value:.1f}"
