"""PoseTrack scores as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from data.json_fields import Doubles
from fspose_app.console import Console
from fspose_app.score_texts import AP_HEAD, MOT_HEAD, View, official_row
from pipelines.evaluation.metric import NAMES, TOTAL, Metric
from pipelines.evaluation.scores import Correction, Scores
from pipelines.evaluation.words import MOT, change, labelled, nan_lines, reason, with_one_mot

_OFFICIAL = "Tracking as the official tool counts"
_CORRECTED = "Tracking with the official tool's oddities put right (see below, and --as-official)"


def show_scores(console: Console, scores: Scores, view: View) -> None:
    """The official rows, what was put right in them, and all keypoints' numbers."""
    families = with_one_mot(scores.families, as_official=view.as_official)
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
        _say_nan(console, {label: mot[name] for name, label in MOT.items()})
    if view.mot in families and not view.as_official:
        _say_corrections(console, scores.corrections)
    metrics = labelled(families)
    console.say("\nKeypoints, per cent")
    _show_table(console, "keypoint", {NAMES[i]: (metrics, i) for i in range(TOTAL + 1)})
    if view.per_sequence:
        console.say("\nSequences, totals, per cent")
        rows = {
            name: (labelled(with_one_mot(one.families, as_official=view.as_official)), TOTAL)
            for name, one in scores.sequences.items()
        }
        _show_table(console, "sequence", rows)


def _say_rows(console: Console, title: str, head: Sequence[str], values: Doubles) -> None:
    for line in (f"\n{title}, per cent", *head, official_row(values)):
        console.say(line)


def _say_nan(console: Console, metrics: Mapping[str, Metric]) -> None:
    """Why there are nan in the rows above."""
    for line in nan_lines(metrics):
        console.say(f"  {line}")


def _say_corrections(console: Console, corrections: Sequence[Correction]) -> None:
    """What was put right, one after another, and what each did to the totals."""
    console.say("\nPut right, one after another (totals, official first):")
    for number, step in enumerate(corrections, 1):
        console.say(f"  {number}. {step.what}: {change(step.before, step.after)}")
    console.say(f"  all: {change(corrections[0].before, corrections[-1].after)}")


def _show_table(
    console: Console, first: str, rows: Mapping[str, tuple[Mapping[str, Metric], int]]
) -> None:
    """A row per name, of metrics at a place; where it has nan, the last column tells why."""
    labels = list(next(iter(rows.values()))[0])
    reasons = [reason(metrics, place) for metrics, place in rows.values()]
    columns = [first, *labels, *(["why nan"] if any(reasons) else [])]
    lines = [
        (name, *(f"{metrics[label].values[place]:.1f}" for label in labels), why)[: len(columns)]
        for (name, (metrics, place)), why in zip(rows.items(), reasons, strict=True)
    ]
    console.table(lines, columns=columns, right=range(1, len(labels) + 1))
