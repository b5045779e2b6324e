"""fspose evaluate coco: results of single images against COCO's or CrowdPose's annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import click

from fspose_app.coco_texts import csv_text, json_text, show_scores, write_files
from fspose_app.console import Console
from fspose_app.finite import Finite
from fspose_app.score_comparison import labels
from pipelines.evaluation.coco import Asked, CocoScores, evaluate
from pipelines.evaluation.pck import LABELLED, LIMBS, VISIBLE, Counted

TEXTS: Mapping[str, Callable[[CocoScores], str]] = {"json": json_text, "csv": csv_text}
"""Formats that are one text on standard output."""

_SHARE = Finite(0, min_open=True, max=100)


@click.command("coco")
@click.argument("truth", type=click.Path(path_type=Path, exists=True))
@click.argument("results", type=click.Path(path_type=Path, exists=True), nargs=-1, required=True)
@click.option(
    "--pck",
    type=_SHARE,
    metavar="SHARE",
    show_default="none",
    help="PCK too: the keypoints found nearer than this share of the torso, as 0.2.",
)
@click.option(
    "--pckh",
    type=_SHARE,
    metavar="SHARE",
    show_default="none",
    help="PCKh too: the keypoints found within this share of the head, as 0.5.",
)
@click.option(
    "--visible",
    is_flag=True,
    help="Of PCK and PCKh only keypoints that are annotated as visible, without hidden ones.",
)
@click.option(
    "--least-limbs",
    type=click.IntRange(0, len(LIMBS)),
    metavar="N",
    default=0,
    show_default=True,
    help=f"Of PCK and PCKh only people with so many of the {len(LIMBS)} limb keypoints annotated.",
)
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
    help="A folder for scores.json and scores.csv, with everything.",
)
def command(
    truth: Path,
    results: tuple[Path, ...],
    pck: float | None,
    pckh: float | None,
    visible: bool,
    least_limbs: int,
    form: str,
    out: Path | None,
) -> None:
    """Score RESULTS against TRUTH: OKS average precision and recall of COCO or CrowdPose.

    TRUTH is an annotation file with COCO's 17 keypoints or CrowdPose's 14, RESULTS are files as
    `fspose detect` writes them; several are compared side by side.
    """
    console, named = Console(), dict(zip(labels(results), results, strict=True))
    counted = Counted(VISIBLE if visible else LABELLED, least_limbs)
    with console.progress("evaluate", done=0, total=len(named), unit="files") as tell:
        scores = evaluate(truth, named, Asked(pck, pckh, counted), tell=tell)
    for note in scores.notes:
        console.note(note)
    if out is not None:
        write_files(scores, out)
    if form == "table":
        show_scores(console, scores)
    else:
        console.say(TEXTS[form](scores))
