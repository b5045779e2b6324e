"""The scores of a replay under several rules: tables for people, and a JSON with everything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence as Several
from typing import Any

import numpy as np

from data.json_fields import Doubles
from fspose_app.console import Console
from pipelines.evaluation.metric import COLUMNS, NAMES
from pipelines.evaluation.scores import Scores
from pipelines.replay_rules import AS_PUBLISHED, CORRECTIONS, Corrections

_COLUMNS = (*COLUMNS, "Total", "MOTA")
_RIGHT = range(1, len(_COLUMNS) + 1)
_NONE = "-"


def show_tables(
    console: Console, scores: Mapping[Corrections, Scores], ours: Corrections | None
) -> None:
    """Both rules side by side, their difference, and what each correction does alone.

    MOTA stands only where people keep their tracks. Nothing is compared where `ours` is None.
    """
    published = _row(scores[AS_PUBLISHED])
    rows = [("as published", *map(_plain, published))]
    if ours is not None:
        own = _row(scores[ours])
        rows.append(("ours", *map(_plain, own)))
        rows.append(("difference", *map(_signed, own - published)))
    console.say("\nAverage precision, and MOTA where people keep their tracks, per cent")
    console.table(rows, columns=("rules", *_COLUMNS), right=_RIGHT)
    alone = {name: scores.get(frozenset({name})) for name in CORRECTIONS}
    lines = [
        (
            CORRECTIONS[name],
            *map(_signed, _row(one)[:-1] - published[:-1]),
            _plain(_row(one)[-1]),
            "yes" if ours is not None and name in ours else "no",
        )
        for name, one in alone.items()
        if one is not None
    ]
    if lines:
        console.say(
            "\nEach correction alone, over the published rules: the difference (MOTA: itself)"
        )
        columns = ("correction", *_COLUMNS, "in ours")
        console.table(lines, columns=columns, right=_RIGHT)


def document(
    scores: Mapping[Corrections, Scores], ours: Corrections | None, settings: Mapping[str, Any]
) -> str:
    """Everything as JSON: settings, and per set of corrections every keypoint's numbers."""
    outcomes = [
        {
            "rules": _name(corrections, ours),
            "corrections": sorted(corrections),
            "frames": one.frames,
            "metrics": {
                family: {name: _numbers(metric.values) for name, metric in metrics.items()}
                for family, metrics in one.families.items()
            },
            "notes": list(one.notes),
        }
        for corrections, one in scores.items()
    ]
    content = {**settings, "names": list(NAMES), "outcomes": outcomes}
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _name(corrections: Corrections, ours: Corrections | None) -> str:
    if corrections == AS_PUBLISHED:
        return "as published"
    return "ours" if corrections == ours else "alone"


def _row(scores: Scores) -> Doubles:
    """(9,): the printed columns, their total, and MOTA, NaN where there is none."""
    families = scores.families
    mota = families["mot"]["mota"].total if "mot" in families else np.nan
    return np.append(families["ap"]["ap"].columns, mota)


def _plain(value: float) -> str:
    return _NONE if np.isnan(value) else f"{value:.1f}"


def _signed(value: float) -> str:
    return _NONE if np.isnan(value) else f"{value:+.2f}"


def _numbers(values: Several[float] | Doubles) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
