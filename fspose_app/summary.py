"""show_summary: what a run of `fspose track` amounts to, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from fspose_app.console import Console, clock_time
from fspose_app.recording import Tally
from pipelines.timing import Stopwatch

STAGES = {
    "read": "wait for frames",
    "find": "find people",
    "slow": "slow network",
    "fast": "fast network",
    "fuse": "transfer and fuse",
    "decode": "read keypoints",
    "track": "track",
    "write": "draw and write",
}
"""What a stopwatch's stages are called, in the order in which a frame passes them."""


def show_summary(
    console: Console, tally: Tally, watch: Stopwatch, models: Sequence[tuple[str, str]]
) -> None:
    """Frames, people, tracks and speed; the time of each stage; which weights."""
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
    console.table(_stages(tally, watch), columns=("time", "s", "ms/frame", "%"), right=(1, 2, 3))


def _stages(tally: Tally, watch: Stopwatch) -> list[tuple[str, ...]]:
    """A row per stage, what is left over, and the sum."""
    known = [stage for stage in STAGES if stage in watch.seconds]
    others = [stage for stage in watch.seconds if stage not in STAGES]
    spent = {STAGES.get(stage, stage): watch.seconds[stage] for stage in (*known, *others)}
    spent["the rest"] = max(0.0, tally.seconds - sum(spent.values()))
    spent["all"] = tally.seconds
    frames, whole = max(tally.frames, 1), max(tally.seconds, 1e-9)
    return [
        (name, f"{s:.1f}", f"{1000 * s / frames:.1f}", f"{100 * s / whole:.0f}")
        for name, s in spent.items()
    ]
