"""fspose evaluate: predictions against annotations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click

from fspose_app.cli.lazy import Later, LazyGroup
from fspose_app.console import Console, Tell
from fspose_app.score_comparison import labels, show_comparison
from fspose_app.score_tables import show_scores
from fspose_app.score_texts import REPORT, View, csv_text, json_text, write_files, write_text
from fspose_app.several import Several
from pipelines.evaluation.folders import Pair, file_pairs
from pipelines.evaluation.posetrack import METRICS, evaluate
from pipelines.evaluation.report_tables import Run

TEXTS: Mapping[str, Callable[[Sequence[Run], View], str]] = {"json": json_text, "csv": csv_text}
"""Formats that are one text on standard output."""


LATER = {
    "coco": Later(
        "fspose_app.cli.evaluate_coco",
        "Score RESULTS against TRUTH: OKS average precision and recall of COCO or CrowdPose.",
    ),
    "heatmaps": Later(
        "fspose_app.cli.evaluate_heatmaps",
        "Replay a fusion over the heatmaps of SLOW and FAST, and score what comes out.",
    ),
}
"""Commands of modules of their own."""


@click.group("evaluate", cls=LazyGroup, later=LATER)
def command() -> None:
    """Score predictions against annotations."""


@command.command("posetrack")
@click.argument("truth", type=click.Path(path_type=Path, exists=True))
@click.argument(
    "predictions", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
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
    type=click.Choice(["table", *TEXTS, "html"]),
    default="table",
    show_default=True,
    help="How the scores are shown; html is a page with plots that needs nothing but itself.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    show_default="none",
    help="A folder for result files under the official names, scores.json with everything and, "
    f"with --format html, {REPORT}; several PREDICTIONS have folders of their own in it.",
)
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    show_default="none",
    help="The folder that the annotations' image paths start from: with --format html, for "
    "pictures of the frames in which identities switch.",
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
    predictions: tuple[Path, ...],
    metrics: tuple[str, ...],
    as_official: bool,
    per_sequence: bool,
    form: str,
    out: Path | None,
    images: Path | None,
    processes: int,
) -> None:
    """Score PREDICTIONS against TRUTH: AP, MOTA, keypoint HOTA and IDF1 of PoseTrack.

    Both are folders of equally named JSON files, one per video, or two single files; PoseTrack17,
    18 and 21 may be mixed. Several PREDICTIONS are scored each, and compared with the first.
    """
    if images is not None and form != "html":
        raise click.UsageError("--images is for the pictures of --format html.")
    console, view, named = Console(), View(as_official, per_sequence), labels(predictions)
    pairs = [file_pairs(truth, path)[0] for path in predictions]
    runs: list[Run] = []
    total = sum(map(len, pairs))
    with console.progress("evaluate", done=0, total=total, unit="sequences") as tell:
        for label, path in zip(named, predictions, strict=True):
            further = partial(_tell_from, tell, len(runs) * len(pairs[0]))
            scores = evaluate(truth, path, metrics=metrics, processes=processes, tell=further)
            runs.append(Run(label, f"{path}", scores))
    for run in runs:
        for note in run.scores.notes:
            console.note(note if len(runs) == 1 else f"{run.label}: {note}")
    page = _page(truth, runs, view, images, pairs[0], console) if form == "html" else None
    if out is not None:
        for run in runs:
            write_files(run.scores, view, out if len(runs) == 1 else out / run.label)
    if page is None and form == "table":
        _show(console, runs, view)
    elif page is None:
        console.say(TEXTS[form](runs, view))
    elif out is None:
        console.say(page)
    else:
        write_text(out / REPORT, page)
        console.say(f"{out / REPORT}")


def _tell_from(tell: Tell, first: int, done: int) -> None:
    tell(first + done)


def _show(console: Console, runs: Sequence[Run], view: View) -> None:
    for run in runs:
        if len(runs) > 1:
            console.say(f"== {run.label}: {run.place}")
        show_scores(console, run.scores, view)
        if len(runs) > 1:
            console.say("")
    if len(runs) > 1:
        show_comparison(console, runs, view)


def _page(
    truth: Path,
    runs: Sequence[Run],
    view: View,
    images: Path | None,
    pairs: Sequence[Pair],
    console: Console,
) -> str:
    """The report; of pictures that are not in it a note is said."""
    from pipelines.evaluation.report import Pictures, report  # brings in matplotlib and jinja2

    truths = {path.name.split(".")[0]: path for path, _ in pairs}
    pictures = None if images is None else Pictures(images, truths)
    total = len(runs[0].scores.sequences)
    with console.progress("report", done=0, total=total, unit="sequences") as tell:
        made = report(f"{truth}", runs, as_official=view.as_official, pictures=pictures, tell=tell)
    for note in made.notes:
        console.note(note)
    return made.html
