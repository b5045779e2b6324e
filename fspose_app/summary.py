"""show_summary: what a run of `fspose track` amounts to, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from fspose_app.console import Console, clock_time
from fspose_app.recording import Tally
from pipelines.timing import Stopwatch

STAGES = {
    "read": "wait for frames",
    "find": "find people, or wait for it",
    "slow": "slow network",
    "fast": "fast network",
    "fuse": "transfer and fuse",
    "decode": "read keypoints",
    "track": "track",
    "between": "wait for the second pass",
    "settle": "join and smooth",
    "write": "write, wait for overlay",
}
"""What a stopwatch's stages are called, in the order in which a frame passes them."""

BESIDE = {
    "read ahead": "decode frames",
    "find ahead": "find people",
    "fast between": "second pass: fast network",
    "fuse between": "second pass: transfer and fuse",
    "decode between": "second pass: read keypoints",
    "overlay": "draw and encode",
}
"""What the threads beside do."""


def show_summary(
    console: Console,
    tally: Tally,
    watch: Stopwatch,
    beside: Stopwatch,
    models: Sequence[tuple[str, str]],
) -> None:
    """Frames, people, tracks and speed; which weights; the time of each stage.

    The stages of the run itself add up to its time. What its threads did meanwhile stands apart:
    they work at the same time, and one that waits for a core seems to work.
    """
    new = f" ({tally.worked} of them now)" if tally.worked < tally.frames else ""
    speed = tally.worked / max(tally.seconds, 1e-9)
    rows = [
        ("frames", f"{tally.frames}{new}, {tally.keyframes} keyframes"),
        ("people", f"{tally.most_people} at once"),
        ("tracks", f"{len(tally.tracks)}"),
        ("speed", f"{speed:.1f} frames/s, {clock_time(tally.seconds)} in all"),
        *((f"weights: {name}", sha256[:12]) for name, sha256 in models),
    ]
    console.table(rows, columns=("run", ""))
    _show(console, "time", [*stages(watch, tally.seconds), ("all", tally.seconds)], tally)
    if beside.seconds:
        _show(console, "beside it", _named(beside, BESIDE), tally)


def stages(watch: Stopwatch, seconds: float) -> list[tuple[str, float]]:
    """The stages of a run of so many seconds, and the rest, which add up to it."""
    named = _named(watch, STAGES)
    return [*named, ("the rest", seconds - sum(spent for _, spent in named))]


def _named(watch: Stopwatch, names: dict[str, str]) -> list[tuple[str, float]]:
    """Stages with their seconds in the order of `names`, and then those that it does not have."""
    known = [stage for stage in names if stage in watch.seconds]
    others = [stage for stage in watch.seconds if stage not in names]
    return [(names.get(stage, stage), watch.seconds[stage]) for stage in (*known, *others)]


def _show(console: Console, title: str, rows: list[tuple[str, float]], tally: Tally) -> None:
    frames, whole = max(tally.frames, 1), max(tally.seconds, 1e-9)
    cells = [
        (name, f"{s:.2f}", f"{1000 * s / frames:.1f}", f"{100 * s / whole:.0f}") for name, s in rows
    ]
    console.table(cells, columns=(title, "s", "ms/frame", "%"), right=(1, 2, 3))
