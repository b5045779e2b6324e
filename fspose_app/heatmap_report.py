"""What the commands of `fspose heatmaps` say: tables, and faults by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from data.heatmap_file import told
from data.heatmap_store import Header, Key
from fspose_app.console import Console, clock_time
from pipelines.heatmap_check import Check
from pipelines.heatmap_job import Tally, Work
from pipelines.timing import Stopwatch

SHOWN = 10  # faults that are named; the rest is counted


def show_summary(
    console: Console, out: Path, header: Header, work: Work, tally: Tally, watch: Stopwatch
) -> None:
    """What a run of `create` amounts to."""
    people = work.people_before + tally.made
    spent, network = watch.seconds["all"], watch.seconds.get("network", 0.0)
    skipped = work.skipped + tally.skipped
    rows = [
        ("people", f"{people} ({tally.made} of them now)"),
        ("skipped", f"{skipped} without keypoints or a usable box"),
        ("bytes per person", f"{out.stat().st_size / max(people, 1):.0f} at {header.precision}"),
        ("time", f"{clock_time(spent)}, of it {network:.1f} s the network"),
        ("speed", f"{tally.made / max(spent, 1e-9):.1f} people/s"),
        (f"weights: {header.network}", header.weights[:12]),
    ]
    console.table(rows, columns=("heatmaps", header.net))


def show_verdict(console: Console, header: Header, found: Check, *, finished: bool) -> None:
    """What `verify` found; the first faults of each kind are named."""
    rows = [
        ("net", f"{header.net}, {header.network} ({told(header.weights)})"),
        ("annotations", told(header.annotations)),
        ("maps", f"of {header.size[0]} x {header.size[1]}, {header.skeleton}, {header.precision}"),
        ("records", f"{found.records}, {len(found.damaged)} damaged"),
        ("missing", f"{len(found.missing)}"),
        ("finished", "yes" if finished else "no, the command that made it goes on with it"),
    ]
    console.table(rows, columns=("heatmaps", ""))
    faults: tuple[tuple[str, Sequence[object]], ...] = (
        ("The file's structure is damaged:", found.flaws),
        (f"{len(found.damaged)} damaged:", found.damaged),
        (f"{len(found.missing)} missing:", found.missing),
        (f"{len(found.strangers)} not annotated:", found.strangers),
    )
    for words, listed in faults:
        if listed:
            show_list(console, words, listed)


def show_list(console: Console, words: str, faults: Sequence[object]) -> None:
    """Some faults by name and the rest by number, on standard error."""
    console.note(words)
    for fault in faults[:SHOWN]:
        console.note(f"  {fault}")
    if len(faults) > SHOWN:
        console.note(f"  and {len(faults) - SHOWN} more")


def nearest(key: Key, keys: Sequence[Key]) -> str:
    """Who is there instead, in words."""
    if not keys:
        return "it is empty."
    of_video = [other for other in keys if other.video == key.video]
    if not of_video:
        names = sorted({other.video for other in keys})
        near = difflib.get_close_matches(key.video, names, n=3, cutoff=0.0)
        return f"its videos are {', '.join(near)}{', …' if len(names) > len(near) else ''}."
    tracks = sorted(other.track for other in of_video if other.frame == key.frame)
    if tracks:
        return f"on that frame are tracks {', '.join(map(str, tracks))}."
    return f"that video's frames are {of_video[0].frame} to {of_video[-1].frame}."
