"""PoseTrack scores as JSON, CSV and the official tool's own files and rows."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.draft import Draft
from data.errors import OutputError
from data.json_fields import Doubles
from pipelines.evaluation.metric import NAMES, Metric
from pipelines.evaluation.report_tables import Run
from pipelines.evaluation.scores import Correction, Families, Scores

REPORT = "report.html"

AP_HEAD = ("& Head & Shou & Elb  & Wri  & Hip  & Knee & Ankl & Total\\\\",)
MOT_HEAD = (
    "& MOTA & MOTA & MOTA & MOTA & MOTA & MOTA & MOTA & MOTA & MOTP & Prec & Rec  \\\\",
    "& Head & Shou & Elb  & Wri  & Hip  & Knee & Ankl & Total& Total& Total& Total\\\\",
)
_MOT = ("mota", "motp", "pre", "rec")
# Official file names and keys (evaluation specification 7); further families take the same form.
# The official name always holds the official numbers.
_FILES = {
    "ap": ("AP", ("ap", "pre", "rec")),
    "official_mot": ("MOT", _MOT),
    "mot": ("MOT_corrected", _MOT),
    "hota": ("HOTA", ()),
    "idf1": ("IDF1", ("idf1", "idp", "idr")),
}


@dataclass(frozen=True, slots=True)
class View:
    """What of the scores is shown: the official tracking numbers, every sequence."""

    as_official: bool
    per_sequence: bool

    def families(self, families: Families) -> Families:
        """Without the corrected numbers where the official ones are wanted."""
        return {
            name: metrics
            for name, metrics in families.items()
            if not (self.as_official and name == "mot")
        }

    @property
    def mot(self) -> str:
        """The family of tracking scores that is shown."""
        return "official_mot" if self.as_official else "mot"


def official_row(values: Doubles) -> str:
    """A row of the official tables: one decimal in five characters."""
    return "&" + " &".join(f"{value:5.1f}" for value in values) + " \\\\"


def json_text(runs: Sequence[Run], view: View) -> str:
    """Everything as one JSON: null for NaN, and under `reasons` why; of several runs by label."""
    if len(runs) == 1:
        return _json(document(runs[0].scores, view))
    return _json({"predictions": {run.label: document(run.scores, view) for run in runs}})


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False)


def document(scores: Scores, view: View) -> dict[str, Any]:
    """Everything as plain lists and dictionaries."""
    content: dict[str, Any] = {
        "frames": scores.frames,
        "as_official": view.as_official,
        "names": list(NAMES),
        **_families(view.families(scores.families)),
    }
    if not view.as_official:
        content["corrections"] = [_correction(step) for step in scores.corrections]
    if view.per_sequence:
        content["sequences"] = {
            name: {"frames": one.frames, **_families(view.families(one.families))}
            for name, one in scores.sequences.items()
        }
    content["notes"] = list(scores.notes)
    return content


def csv_text(runs: Sequence[Run], view: View) -> str:
    """A line per sequence, metric and keypoint; the set is the sequence `all`.

    Of several runs, each line begins with its run's label.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    head = ("sequence", "family", "metric", "keypoint", "value", "reason")
    several = len(runs) > 1
    lines.writerow(("predictions", *head) if several else head)
    for run in runs:
        label = (run.label,) if several else ()
        lines.writerows((*label, *row) for row in _csv_rows(run.scores, view))
    return text.getvalue().rstrip("\n")


def _csv_rows(scores: Scores, view: View) -> Iterator[tuple[str, ...]]:
    parts = {"all": scores.families}
    if view.per_sequence:
        parts |= {name: one.families for name, one in scores.sequences.items()}
    for sequence, families in parts.items():
        for family, metrics in view.families(families).items():
            for name, metric in metrics.items():
                for place, keypoint in enumerate(NAMES):
                    value = _number(metric.values[place])
                    shown = "nan" if value is None else repr(value)
                    reason = metric.reasons.get(place, "")
                    yield sequence, family, name, keypoint, shown, reason


def write_files(scores: Scores, view: View, folder: Path) -> list[Path]:
    """The official result files, one for each further family, and `scores.json` with it all.

    Raises OutputError where they cannot be written, and where a sequence's name is that of the set.
    """
    if view.per_sequence and "total" in scores.sequences:
        raise OutputError(
            "A sequence is called 'total', as the files of the whole set are. Rename its files."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made: {error.strerror or error}. Name another with --out."
        ) from error
    parts = {"total": scores.families}
    if view.per_sequence:
        parts |= {name: one.families for name, one in scores.sequences.items()}
    texts = {
        folder / f"{sequence}_{kind}_metrics.json": text
        for sequence, families in parts.items()
        for kind, text in _official_files(view.families(families))
    }
    texts[folder / "scores.json"] = _json(document(scores, view))
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def write_text(path: Path, text: str) -> None:
    """Store a text, under its name only when whole. Raises OutputError."""
    with Draft(path) as draft:
        draft.write(text + "\n")


def _official_files(families: Families) -> Iterator[tuple[str, str]]:
    names = {str(place): name for place, name in enumerate(NAMES)}
    for family, metrics in families.items():
        kind, keys = _FILES[family]
        content: dict[str, Any] = {key: _values(metrics[key]) for key in keys or metrics}
        yield kind, json.dumps({**content, "names": names}, allow_nan=False)


def _families(families: Families) -> dict[str, Any]:
    reasons = {
        family: {
            name: {NAMES[place]: reason for place, reason in metric.reasons.items()}
            for name, metric in metrics.items()
            if metric.reasons
        }
        for family, metrics in families.items()
    }
    return {
        "metrics": {
            family: {name: _values(metric) for name, metric in metrics.items()}
            for family, metrics in families.items()
        },
        "reasons": {family: told for family, told in reasons.items() if told},
    }


def _correction(step: Correction) -> dict[str, Any]:
    return {"what": step.what, "before": _totals(step.before), "after": _totals(step.after)}


def _totals(metrics: Mapping[str, Metric]) -> dict[str, float | None]:
    return {name: _number(metrics[name].total) for name in _MOT}


def _values(metric: Metric) -> list[float | None]:
    return [_number(value) for value in metric.values]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
