"""COCO and CrowdPose scores as tables for people, as JSON, as CSV, and as files."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from data.errors import OutputError
from fspose_app.console import Console
from fspose_app.score_texts import write_text
from pipelines.evaluation.coco import OKS, CocoScores
from pipelines.evaluation.value import Value, Values


def show_scores(console: Console, scores: CocoScores) -> None:
    """A table of OKS scores with a line per results file, and one per kind of PCK."""
    console.say(
        f"# {scores.keypoint_set}: {scores.images} images, {scores.people} people, "
        f"{scores.to_find} of them to be found"
    )
    console.say("\nOKS average precision and recall, per cent")
    rows = {name: one.families[OKS] for name, one in scores.results.items()}
    people = {name: str(one.count) for name, one in scores.results.items()}
    _show_table(console, ("results", "people"), people, rows)
    for family, counts in scores.wanted.items():
        unit = "heads" if family.startswith("PCKh") else "torsos"
        console.say(f"\n{family} ({unit}), per cent; {scores.measured[family]} people")
        by_keypoint = {
            keypoint: {name: one.families[family][keypoint] for name, one in scores.results.items()}
            for keypoint in counts
        }
        if not scores.measured[family]:
            (reason,) = {value.reason for row in by_keypoint.values() for value in row.values()}
            console.say(f"  nan: {reason}")
            continue
        shown = {keypoint: str(count) for keypoint, count in counts.items()}
        _show_table(console, ("keypoint", "annotated"), shown, by_keypoint)


def json_text(scores: CocoScores) -> str:
    """Everything as one JSON: null for NaN, and under `reasons` why."""
    return json.dumps(document(scores), indent=1, allow_nan=False)


def document(scores: CocoScores) -> dict[str, Any]:
    """Everything as plain lists and dictionaries."""
    return {
        "keypoint_set": scores.keypoint_set,
        "images": scores.images,
        "people": scores.people,
        "to_find": scores.to_find,
        "annotated": {family: dict(counts) for family, counts in scores.wanted.items()},
        "measured": dict(scores.measured),
        "results": {
            name: {"people": one.count, **_families(one.families)}
            for name, one in scores.results.items()
        },
        "notes": list(scores.notes),
    }


def csv_text(scores: CocoScores) -> str:
    """A line per results file, family and name: OKS scores, and keypoints of PCK."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(("results", "family", "name", "value", "reason"))
    for results, one in scores.results.items():
        for family, values in one.families.items():
            for name, value in values.items():
                shown = "nan" if value.reason else repr(value.number)
                lines.writerow((results, family, name, shown, value.reason))
    return text.getvalue().rstrip("\n")


def write_files(scores: CocoScores, folder: Path) -> None:
    """`scores.json` and `scores.csv`, with everything. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made: {error.strerror or error}. Name another with --out."
        ) from error
    for name, text in {"scores.json": json_text(scores), "scores.csv": csv_text(scores)}.items():
        write_text(folder / name, text)


def _families(families: Mapping[str, Values]) -> dict[str, Any]:
    return {
        "metrics": {
            family: {name: None if value.reason else value.number for name, value in values.items()}
            for family, values in families.items()
        },
        "reasons": {
            family: told
            for family, values in families.items()
            if (told := {name: value.reason for name, value in values.items() if value.reason})
        },
    }


def _show_table(
    console: Console,
    first: tuple[str, str],
    seconds: Mapping[str, str],
    rows: Mapping[str, Mapping[str, Value]],
) -> None:
    """A row per name, with a second column of counts; the last one tells why there is a nan."""
    labels = list(next(iter(rows.values())))
    reasons = [_reason(row) for row in rows.values()]
    columns = [*first, *labels, *(["why nan"] if any(reasons) else [])]
    lines = [
        (name, seconds[name], *(f"{row[label].number:.1f}" for label in labels), reason)
        for (name, row), reason in zip(rows.items(), reasons, strict=True)
    ]
    cut = [line[: len(columns)] for line in lines]
    console.table(cut, columns=columns, right=range(1, len(labels) + 2))


def _reason(row: Mapping[str, Value]) -> str:
    """Why the values of a row are nan that are; without names where it is the same of all."""
    of: dict[str, list[str]] = {}
    for label, value in row.items():
        if math.isnan(value.number):
            of.setdefault(value.reason, []).append(label)
    if len(of) == 1 and sum(map(len, of.values())) == len(row):
        return next(iter(of))
    return "; ".join(f"{', '.join(labels)}: {reason}" for reason, labels in of.items())
