"""The report: scores of one or several folders of predictions as one HTML page.

The page is whole in itself: no script, no link, every picture inside, and its own policy forbids
it to fetch anything. The template escapes whatever comes out of a person's files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from data.errors import SourceError
from data.evaluation_files import read
from data.flat_sequence import FlatSequence
from pipelines.evaluation import report_plots as plots
from pipelines.evaluation import report_tables as tables
from pipelines.evaluation.notes import Note, told
from pipelines.evaluation.pool import Tell
from pipelines.evaluation.report_pictures import picture
from pipelines.evaluation.report_style import colour, dash, letter, svg
from pipelines.evaluation.report_switches import Switch, lane, switches_in, worst_frames
from pipelines.evaluation.report_tables import Run, SequenceRows
from pipelines.evaluation.scores import SequenceScores
from pipelines.evaluation.words import MOT, change, nan_lines

MOST_EVENTS = 60
"""Frames of a report that are told one by one, with a picture where there is one."""

MOST_OF_ONE = 4
"""Of these in one sequence."""

MOST_TOLD = 3  # switches of a run that are told under one frame


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where the frames' images are: `root` is what the annotations' file names start from.

    `truths` are the annotation files by sequence: of those with pictures, the people's places are
    read again.
    """

    root: Path
    truths: Mapping[str, Path]


def _silent(_: int) -> None:
    """Nobody is told how far the work is."""


class Report(NamedTuple):
    """The page, and what the person should know of pictures that are not in it."""

    html: str
    notes: tuple[str, ...]


class Event(NamedTuple):
    """A frame in which people change their identity.

    `picture` is a data URI, empty where `lost` tells why, or where none was asked for; `told` are
    sentences with the number of the run that each is about.
    """

    frame: int
    file: str
    picture: str
    lost: str
    told: list[tuple[int, str]]


class Part(NamedTuple):
    """A sequence: its rows, its time line as SVG, and its worst frames; empty without switches."""

    rows: SequenceRows
    time_line: str
    events: list[Event]


def report(
    truth: str,
    runs: Sequence[Run],
    *,
    as_official: bool = False,
    pictures: Pictures | None = None,
    tell: Tell = _silent,
) -> Report:
    """The page on `runs`, which were scored against `truth` by the same metrics.

    `tell` hears how many sequences are drawn.
    """
    families = runs[0].scores.families
    mot = "official_mot" if as_official else "mot"
    heads, found = tables.sequences(runs, as_official=as_official)
    failed: list[Note] = []
    highest = max(_highest(run) for run in runs)
    parts = []
    for part in _parts(runs, found, highest, pictures, failed):
        parts.append(part)
        tell(len(parts))
    notes = told(failed)
    content = {
        "truth": truth,
        "runs": runs,
        "overview": tables.overview(runs, as_official=as_official),
        "ap": tables.printed(runs, "ap", "ap") if "ap" in families else None,
        "ap_nan": [_nan(run, "ap", {"ap": "AP"}) for run in runs],
        "mot": tables.printed(runs, mot, "mota") if mot in families else None,
        "mot_nan": [_nan(run, mot, MOT) for run in runs],
        "changes": [] if as_official else [_changes(run) for run in runs],
        "curves": _curves(runs),
        "bars": _bars(runs, mot),
        "keypoints": [tables.keypoints(run, as_official=as_official) for run in runs],
        "compared": tables.compared_keypoints(runs, as_official=as_official),
        "heads": heads,
        "parts": parts,
        "highest": highest,
        "events": sum(len(part.events) for part in parts),
        "has_pictures": pictures is not None,
        "picture_notes": notes,
        "as_official": as_official,
        "most_events": MOST_EVENTS,
        "most_of_one": MOST_OF_ONE,
    }
    return Report(_page(content), notes)


def _page(content: Mapping[str, Any]) -> str:
    folder = resources.files("pipelines.evaluation")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(letter=letter, colour=colour, dash=dash)
    template = environment.from_string((folder / "report.html.jinja").read_text(encoding="utf-8"))
    style = Markup((folder / "report.css").read_text(encoding="utf-8"))
    page = template.render(content, style=style)
    # A file's name may hold halves of characters, which UTF-8 has no place for.
    return page.lstrip().encode("utf-8", "replace").decode("utf-8")


def _parts(
    runs: Sequence[Run],
    sequences: Sequence[SequenceRows],
    most: int,
    pictures: Pictures | None,
    failed: list[Note],
) -> Iterator[Part]:
    """What is shown of the sequences, in their order; `failed` gathers lost pictures."""
    left = MOST_EVENTS
    for place, rows in enumerate(sequences):
        own = [run.scores.sequences[rows.name] for run in runs]
        lanes = [lane(one) for one in own]
        if not any(found.any() for found in lanes):
            yield Part(rows, "", [])
            continue
        frames = worst_frames(lanes, min(left, MOST_OF_ONE))
        left -= len(frames)
        drawn = plots.time_line(lanes, frames, most)
        events = list(_events(own, frames, pictures, failed))
        yield Part(rows, Markup(svg(drawn, f"s{place}")), events)


def _events(
    own: Sequence[SequenceScores],
    frames: Sequence[int],
    pictures: Pictures | None,
    failed: list[Note],
) -> Iterator[Event]:
    truth = read(pictures.truths[own[0].name]) if pictures and frames else None
    for frame in frames:
        name = own[0].frame_names[frame]
        found = [(run, one) for run, scores in enumerate(own) for one in switches_in(scores, frame)]
        shown, lost = "", ""
        if pictures is not None and truth is not None:
            try:
                shown = _picture(pictures.root, truth, frame, [one for _, one in found])
            except SourceError as error:
                lost = f"{error}"
                failed.append(Note(name, f"no picture: {lost}"))
        yield Event(frame, PurePosixPath(name).name, shown, lost, _told(found))


def _picture(root: Path, truth: FlatSequence, frame: int, found: Sequence[Switch]) -> str:
    return picture(root, truth, frame, sorted({one.track for one in found}))


def _told(found: Sequence[tuple[int, Switch]]) -> list[tuple[int, str]]:
    """Of every run the first few, and how many more there are."""
    lines: list[tuple[int, str]] = []
    for run in sorted({run for run, _ in found}):
        own = [one for other, one in found if other == run]
        for one in own[:MOST_TOLD]:
            count = len(one.joints)
            named = plots.WORDS[one.joints[0]] if count == 1 else f"{count} keypoints"
            lines.append((run, f"person {one.track}: {one.before} → {one.now}, {named}"))
        if len(own) > MOST_TOLD:
            lines.append((run, f"and {len(own) - MOST_TOLD} more"))
    return lines


def _highest(run: Run) -> int:
    """The most keypoints that change their identity in one frame."""
    return max(int(lane(one).max(initial=0)) for one in run.scores.sequences.values())


def _nan(run: Run, family: str, labels: Mapping[str, str]) -> list[str]:
    metrics = run.scores.families.get(family, {})
    return nan_lines({label: metrics[name] for name, label in labels.items() if metrics})


def _changes(run: Run) -> list[str]:
    """What was put right, and what it changed: a sentence per correction, and one for them all."""
    steps = run.scores.corrections
    if not steps:
        return []
    lines = [f"{step.what}: {change(step.before, step.after)}" for step in steps]
    lines.append(f"all: {change(steps[0].before, steps[-1].after)}")
    return [line.replace(" -> ", "\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}") for line in lines]


def _curves(runs: Sequence[Run]) -> str:
    if not runs[0].scores.samples:
        return ""
    ap = [run.scores.families["ap"]["ap"] for run in runs]
    return Markup(svg(plots.curves([run.scores.curves() for run in runs], ap), "curves"))


def _bars(runs: Sequence[Run], mot: str) -> str:
    if mot not in runs[0].scores.families:
        return ""
    return Markup(
        svg(plots.bars([run.scores.families[mot]["mota"] for run in runs], "MOTA"), "bars")
    )
