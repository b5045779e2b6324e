"""fspose evaluate heatmaps: predictions out of two heatmap databases, and their scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from data.annorect import write_results
from data.draft import Draft, output_error
from data.draft_folder import draft_folder
from data.posetrack import write
from data.posetrack_set import read_set
from fspose_app.config import NetName, ReplaySettings, settings
from fspose_app.console import Console
from fspose_app.finite import Finite
from fspose_app.heatmap_stores import Source, open_stores
from fspose_app.options import NET_NAMES, FusionName, default, given, net_options
from fspose_app.replay_report import document, show_tables
from fspose_app.several import Several
from fspose_app.size import PICTURES, Size
from pipelines.heatmap_job import boxed
from pipelines.replay_comparison import Comparison, Outcome, computations, scored
from pipelines.replay_rules import (
    AS_PUBLISHED,
    CORRECTIONS,
    OURS,
    Correction,
    Corrections,
    judged,
    records,
)
from pipelines.replay_rules import fast_peak as peak_of
from pipelines.replay_stores import tracks_of

FORMATS = ("annolist", "posetrack18")
_SETTINGS = ("fusion", "interval", "batch")


@click.command("heatmaps")
@click.argument("slow", type=click.Path(path_type=Path, exists=True))
@click.argument("fast", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--annotations",
    type=click.Path(path_type=Path, exists=True),
    metavar="PATH",
    required=True,
    help="The annotations that both were made for: a folder of files, or one merged file.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    required=True,
    help="A new folder for the predictions by each of the rules, and scores.json.",
)
@click.option(
    "--fusion",
    type=FusionName(),
    default=default(ReplaySettings, "fusion"),
    show_default=True,
    help="How the maps of keyframe and present frame are merged; the published numbers do too.",
)
@click.option(
    "--interval",
    type=click.IntRange(1),
    metavar="N",
    default=default(ReplaySettings, "interval"),
    show_default=True,
    help="Frames of the video from one keyframe of a track to the next.",
)
@click.option(
    "--as-published", is_flag=True, help="Only by the published rules, without any correction."
)
@click.option(
    "--corrections",
    type=Several(tuple(CORRECTIONS)),
    metavar="NAMES",
    default=",".join(name for name in CORRECTIONS if name in OURS),
    show_default=True,
    help=f"What our rules put right: some of {', '.join(CORRECTIONS)}, with commas between.",
)
@click.option(
    "--alone/--not-alone",
    default=True,
    show_default=True,
    help="Whether each correction is also measured alone, over the published rules.",
)
@click.option(
    "--tracking-threshold",
    type=float,
    metavar="SCORE",
    show_default="none",
    help="Leave out people whose box scores less and write tracks, as upstream's EVAL_TRACKING.",
)
@click.option(
    "--fast-peak",
    type=Finite(0, 1, min_open=True),
    metavar="PEAK",
    show_default="told by the maps: 0.262 of a soft-max, else 1",
    help="The highest cell of the fast network's ideal maps, for the correction `scale`.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default=FORMATS[0],
    show_default=True,
    help="The predictions' format: upstream's result files, or PoseTrack18's.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    metavar="N",
    default=default(ReplaySettings, "batch"),
    show_default=True,
    help="How many people go through the transfer network at once, of one video or several.",
)
@click.option(
    "--image-size",
    type=Size(PICTURES),
    metavar="WxH",
    show_default="as annotated",
    help="The pictures' width and height, where the annotations do not say them.",
)
@net_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    slow: Path,
    fast: Path,
    annotations: Path,
    out: Path,
    as_published: bool,
    corrections: tuple[Correction, ...],
    alone: bool,
    tracking_threshold: float | None,
    fast_peak: float | None,
    form: str,
    image_size: tuple[int, int] | None,
    config: Path | None,
    **_: Any,
) -> None:
    """Replay a fusion over the heatmaps of SLOW and FAST, and score what comes out.

    SLOW and FAST are files of `fspose heatmaps create`, or published folders of .pt files. People
    are followed in the annotated boxes, by the published rules and by ours. No image is read; only
    the transfer network runs, where the fusion needs one.
    """
    if as_published and "corrections" in given(ctx, ("corrections",)):
        raise click.UsageError("--as-published and --corrections exclude each other.")
    chosen = settings(ReplaySettings, config, given(ctx, (*NET_NAMES, *_SETTINGS)))
    ours = None if as_published else frozenset(corrections)
    annotated, console = read_set(annotations), Console()
    people = boxed(annotated, image_size)
    tracks = tracks_of(annotated, people, chosen.interval)
    # What would stop the scoring at the end stops here: the truth against itself.
    scored(annotated, annotated.sequences, tracked=ours is not None and "tracks" in ours)
    with (
        draft_folder(out) as folder,
        open_stores(slow, fast, annotated, people, tracks) as (stores, sources),
    ):
        from fspose_app import build  # brings in torch

        make, models = build.replayed_fusion(chosen, build.wanted(chosen), stores.skeleton)
        comparison = Comparison(
            annotated=annotated,
            stores=stores,
            tracks=tracks,
            fusion=make,
            fast_peak=fast_peak or peak_of(stores.sample(tracks)),
            batch=chosen.batch,
            threshold=tracking_threshold,
        )
        outcomes = _replayed(comparison, _rules(ours, alone=alone), console)
        named = {"as-published": AS_PUBLISHED} | ({} if ours is None else {"ours": ours})
        for name, rules in named.items():
            _write(folder / name, outcomes[rules], rules, tracking_threshold, form)
        scores = {rules: outcome.scores for rules, outcome in outcomes.items()}
        with Draft(folder / "scores.json") as draft:
            draft.write(document(scores, ours, _about(chosen, comparison, sources, models)))
    for note in scores[AS_PUBLISHED].notes:
        console.note(note)
    show_tables(console, scores, ours)
    console.say(str(out))


def _rules(ours: Corrections | None, *, alone: bool) -> list[Corrections]:
    """The published rules, ours, and each correction alone, without repetition."""
    if ours is None:
        return [AS_PUBLISHED]
    each = [frozenset({name}) for name in CORRECTIONS] if alone else []
    return list(dict.fromkeys([AS_PUBLISHED, ours, *each]))


def _replayed(
    comparison: Comparison, rules: list[Corrections], console: Console
) -> dict[Corrections, Outcome]:
    people = sum(map(len, comparison.tracks))
    total = people * len(computations(rules))
    with console.progress("replay", done=0, total=total, unit="people") as tell:
        return comparison.outcomes(rules, tell)


def _write(
    folder: Path, outcome: Outcome, rules: Corrections, threshold: float | None, form: str
) -> None:
    """One file per video, under the video's name."""
    try:
        folder.mkdir()
    except OSError as error:
        raise output_error(folder, error) from error
    for sequence in outcome.sequences:
        path = folder / f"{sequence.name}.json"
        if form == "annolist":
            write_results(sequence, path, records(rules, threshold))
        else:
            write(judged(sequence, rules, threshold), path)


def _about(
    chosen: ReplaySettings,
    comparison: Comparison,
    sources: Mapping[NetName, Source],
    models: tuple[tuple[str, str], ...],
) -> dict[str, Any]:
    """What was replayed with what."""
    return {
        "fusion": chosen.fusion,
        "interval": chosen.interval,
        "people": sum(map(len, comparison.tracks)),
        "tracks": len(comparison.tracks),
        "fast_peak": comparison.fast_peak,
        "tracking_threshold": comparison.threshold,
        "annotations": comparison.annotated.sha256,
        "databases": {
            net: {"network": source.network, "sha256": source.weights}
            for net, source in sources.items()
        },
        "models": [{"name": name, "sha256": sha256} for name, sha256 in models],
    }
