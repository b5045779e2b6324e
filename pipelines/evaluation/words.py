"""How scores are worded: labels of the metrics, why some are NaN, what a correction changed."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.evaluation.metric import NAMES, Metric
from pipelines.evaluation.scores import Families

MOT = {"mota": "MOTA", "motp": "MOTP", "pre": "MOT prec", "rec": "MOT rec"}
SHOWN: Mapping[str, Mapping[str, str]] = {
    "ap": {"ap": "AP", "pre": "AP prec", "rec": "AP rec"},
    "mot": MOT,
    "official_mot": MOT,
    "hota": {name: name for name in ("HOTA", "DetA", "AssA", "LocA", "FA-HOTA")},
    "idf1": {"idf1": "IDF1", "idp": "IDP", "idr": "IDR"},
}
"""What is shown to people of each family, and how it is called."""


def with_one_mot(families: Families, *, as_official: bool) -> Families:
    """The families with one of the two ways of counting tracks."""
    other = "mot" if as_official else "official_mot"
    return {name: metrics for name, metrics in families.items() if name != other}


def labelled(families: Families) -> dict[str, Metric]:
    """Every metric that is shown, by its label."""
    return {
        label: metrics[name]
        for family, metrics in families.items()
        for name, label in SHOWN[family].items()
    }


def nan_lines(metrics: Mapping[str, Metric]) -> list[str]:
    """Why there are NaN, a line per label and reason: `nan: AP of nose: never annotated`."""
    lines = []
    for label, metric in metrics.items():
        places: dict[str, list[str]] = {}
        for place, reason in metric.reasons.items():
            places.setdefault(reason, []).append(NAMES[place])
        lines += [f"nan: {label} of {', '.join(of)}: {why}" for why, of in places.items()]
    return lines


def reason(metrics: Mapping[str, Metric], place: int) -> str:
    """Why metrics are NaN at one place, in one line; empty where none is."""
    reasons = {label: metric.reasons.get(place, "") for label, metric in metrics.items()}
    return "; ".join(f"{label}: {why}" for label, why in reasons.items() if why)


def change(before: Mapping[str, Metric], after: Mapping[str, Metric]) -> str:
    """What a correction did to the totals of tracking."""
    totals = {
        label: (f"{before[name].total:.2f}", f"{after[name].total:.2f}")
        for name, label in MOT.items()
    }
    changes = [f"{label} {old} -> {new}" for label, (old, new) in totals.items() if old != new]
    return ", ".join(changes) or "no change"
