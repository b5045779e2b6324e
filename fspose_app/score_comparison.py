"""Several folders of predictions: what they are called, and their scores side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from fspose_app.console import Console
from fspose_app.score_texts import View
from pipelines.evaluation import report_tables
from pipelines.evaluation.report_style import letter
from pipelines.evaluation.report_tables import Row, Run, Table


def labels(paths: Sequence[Path]) -> list[str]:
    """The last part of each path, with as many folders before it as tell them all apart.

    Raises click.UsageError where one is named twice.
    """
    whole = [Path(os.path.abspath(path)) for path in paths]
    for depth in range(1, max(len(path.parts) for path in whole) + 1):
        named = [path.parts[1:][-depth:] for path in whole]
        found = ["_".join(parts) or "predictions" for parts in named]
        if len(set(found)) == len(found):
            return found
    raise click.UsageError("The same predictions are named twice.")


def show_comparison(console: Console, runs: Sequence[Run], view: View) -> None:
    """Totals and keypoints side by side, with the differences to the first."""
    console.say("\nSide by side, per cent; differences are to A")
    for place, run in enumerate(runs):
        console.say(f"  {letter(place)}: {run.place}")
    found = [
        ("predictions", report_tables.overview(runs, as_official=view.as_official)),
        ("keypoint", report_tables.compared_keypoints(runs, as_official=view.as_official)),
    ]
    for first, table in found:
        console.say("")
        _show(console, first, table)
    if view.per_sequence:
        console.say("\nSequences, worst first")
        _show_sequences(console, runs, view)


def _show(console: Console, first: str, table: Table) -> None:
    over = [head.text for head in table.over for _ in range(head.span)]
    heads = [head.text for head in table.heads]
    if over:
        heads = [f"{above} {head}" for above, head in zip(over, heads, strict=True)]
    lines = [(_name(row), *_texts(row), row.why) for row in table.rows]
    _show_lines(console, [first, *heads, "why nan"], lines, numbers=range(1, len(heads) + 1))


def _show_sequences(console: Console, runs: Sequence[Run], view: View) -> None:
    heads, found = report_tables.sequences(runs, as_official=view.as_official)
    lines = []
    for sequence in found:
        name, frames, why = sequence.name, f"{sequence.frames}", sequence.why
        for row in sequence.rows:
            run = row.name if row.run is None else letter(row.run)
            lines.append((name, frames, run, *_texts(row), why))
            name, frames, why = "", "", ""
    columns = ["sequence", "compared frames", "", *(head.text for head in heads), "why nan"]
    _show_lines(console, columns, lines, numbers=[1, *range(3, len(heads) + 3)])


def _show_lines(
    console: Console,
    columns: Sequence[str],
    lines: Sequence[tuple[str, ...]],
    *,
    numbers: Sequence[int],
) -> None:
    """The last column is left out where it is empty."""
    count = len(columns) if any(line[-1] for line in lines) else len(columns) - 1
    console.table([line[:count] for line in lines], columns=columns[:count], right=numbers)


def _name(row: Row) -> str:
    return row.name if row.run is None else f"{letter(row.run)} {row.name}"


def _texts(row: Row) -> list[str]:
    return [cell.text for cell in row.cells]
