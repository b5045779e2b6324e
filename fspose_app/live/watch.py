"""Watching a live run: in a window, or by a line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fspose_app.live.frame import LiveFrame
from fspose_app.stopping import StopRequest
from fspose_app.window import Window

if TYPE_CHECKING:  # it brings in scipy, which a command's help does without
    from fspose_app.live.run import LiveRun

LINE_SECONDS = 5.0
MOMENT = 0.1  # seconds after which it is asked whether to stop


def watch_by_lines(
    run: LiveRun,
    stop: StopRequest,
    say: Callable[[str], None],
    *,
    first: str = "",
    every: float = LINE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """A status line every few seconds, until the run ends or a stop is wanted.

    `first` is said before the others, when it is known that there will be pictures.
    """
    latest, said = None, clock()
    while not (stop.wanted or is_over(run)):
        latest = run.newer(-1 if latest is None else latest.index, MOMENT) or latest
        if first and latest is not None:
            say(first)
            first = ""
        if clock() - said >= every and not is_over(run):
            say(status_line(run, latest))
            said = clock()


def has_picture(run: LiveRun, stop: StopRequest) -> bool:
    """Waits for the first picture; False where the run ends or a stop is wanted before it."""
    while not (stop.wanted or is_over(run)):
        if run.newer(-1, MOMENT) is not None:
            return True
    return run.newer(-1, 0.0) is not None and not stop.wanted


def watch_in_window(run: LiveRun, stop: StopRequest, window: Window) -> bool:
    """The newest picture, until the window is closed, the run ends or a stop is wanted; False where
    the window broke before."""
    latest = -1
    try:
        while not (stop.wanted or is_over(run)) and window.wants_more():
            frame = run.newer(latest, MOMENT)
            if frame is not None:
                window.show(frame.picture)
                latest = frame.index
    finally:
        window.close()
    return not window.is_broken


def is_over(run: LiveRun) -> bool:
    return run.state in ("stopped", "failed")


def status_line(run: LiveRun, latest: LiveFrame | None) -> str:
    """How the run goes, in one line."""
    state = run.state
    if latest is None:
        return f"{state}: {run.message}"
    people = "1 person" if latest.people == 1 else f"{latest.people} people"
    return (
        f"{state}: frame {latest.index + 1}, {latest.rate:.1f} frames/s, {latest.dropped} dropped, "
        f"{people}, latency {1000 * latest.latency:.0f} ms"
    )
