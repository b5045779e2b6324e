"""fspose evaluate: predictions against annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from fspose_app.cli.evaluate_heatmaps import command as heatmaps
from fspose_app.console import Console
from fspose_app.options import Several
from fspose_app.score_tables import show_scores
from fspose_app.score_texts import View, csv_text, json_text, write_files
from pipelines.evaluation.folders import file_pairs
from pipelines.evaluation.posetrack import METRICS, evaluate
from pipelines.evaluation.scores import Scores

TEXTS: Mapping[str, Callable[[Scores, View], str]] = {"json": json_text, "csv": csv_text}
"""Formats that are one text on standard output."""


@click.group("evaluate")
def command() -> None:
    """Score predictions against annotations."""


command.add_command(heatmaps)


@command.command("posetrack")
@click.argument("truth", type=click.Path(path_type=Path, exists=True))
@click.argument("predictions", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--metrics",
    type=Several(METRICS),
    metavar="NAMES",
    default="ap,mot",
    show_default=True,
    help="Some of ap, mot, hota, idf1, with commas between; ap needs no track ids.",
)
@click.option(
    "--as-official",
    is_flag=True,
    help="Show tracking scores as the official tool counts, its oddities included.",
)
@click.option("--per-sequence", "-s", is_flag=True, help="Show and write every sequence too.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", *TEXTS]),
    default="table",
    show_default=True,
    help="How the scores are shown.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    show_default="none",
    help="A folder for result files under the official names, and scores.json with everything.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 512),
    metavar="N",
    default=1,
    show_default=True,
    help="How many processes share the work; the scores do not depend on it.",
)
def posetrack(
    truth: Path,
    predictions: Path,
    metrics: tuple[str, ...],
    as_official: bool,
    per_sequence: bool,
    form: str,
    out: Path | None,
    processes: int,
) -> None:
    """Score PREDICTIONS against TRUTH: AP, MOTA, keypoint HOTA and IDF1 of PoseTrack.

    Both are folders of equally named JSON files, one per video, or two single files; PoseTrack17,
    18 and 21 may be mixed.
    """
    console, view = Console(), View(as_official, per_sequence)
    pairs, _ = file_pairs(truth, predictions)
    with console.progress("evaluate", done=0, total=len(pairs), unit="sequences") as tell:
        scores = evaluate(truth, predictions, metrics=metrics, processes=processes, tell=tell)
    for note in scores.notes:
        console.note(note)
    if out is not None:
        write_files(scores, view, out)
    if form == "table":
        show_scores(console, scores, view)
    else:
        console.say(TEXTS[form](scores, view))
