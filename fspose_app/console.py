"""Console: the only place that writes for people: notes, errors, progress, tables, logging."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import rich.box
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from data.errors import FsposeError

WIDTH = 200  # of a file or pipe, which has none: tables are not folded there
QUIET = (5.0, 60.0)  # least and most seconds between two lines where no bar can be drawn


class Tell(Protocol):
    """Takes how much is done, and a note of how the work goes."""

    def __call__(self, done: int, note: str = "") -> None: ...


class Console:
    """What a command says: answers on standard output, progress and errors on standard error."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = rich.console.Console()
        self._err = rich.console.Console(stderr=True)
        if not self._out.is_terminal:
            self._out.width = WIDTH
        self._clock = clock

    def say(self, text: str) -> None:
        """One answer, on standard output, never wrapped or coloured."""
        _plain(self._out, text)

    def note(self, text: str) -> None:
        """Something said by the way, on standard error."""
        _plain(self._err, text)

    def table(
        self,
        rows: Sequence[tuple[str, ...]],
        *,
        columns: Sequence[str],
        right: Sequence[int] = (),
    ) -> None:
        """A table on standard output; columns numbered in `right` hold numbers and end flush."""
        table = Table(box=rich.box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for place, head in enumerate(columns):
            table.add_column(head, justify="right" if place in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._out.print(table)

    @contextmanager
    def progress(
        self, label: str, *, done: int, total: int | None, unit: str = "frames"
    ) -> Iterator[Tell]:
        """A function that takes the number of frames done: a bar on a terminal, else plain lines.

        `done` frames lie behind already; `total` is the announced number, which may be wrong, or
        None where it is open. `unit` is what is counted, where it is not frames. The function
        takes a note too, of how the work goes.
        """
        pace = _Pace(done, total, self._clock(), self._clock, unit)
        if not self._err.is_terminal:
            yield _Lines(label, pace, self.note)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        rate = TextColumn("{task.fields[rate]}")
        note = TextColumn("{task.fields[note]}")
        with Progress(*columns, rate, TimeRemainingColumn(), note, console=self._err) as bar:
            task = bar.add_task(label, total=total, completed=done, rate="", note="")
            yield lambda now, note="": bar.update(
                task, completed=now, rate=pace.rate(now), note=note
            )

    def trace(self, error: FsposeError) -> None:
        """The traceback of an error that is otherwise told in one line (`fspose --debug`)."""
        _plain(self._err, "".join(traceback.format_exception(error)).rstrip())


@dataclass(frozen=True)
class _Pace:
    """How fast the frames go by, from the first one that was really worked on."""

    first: int
    total: int | None
    start: float
    clock: Callable[[], float]
    unit: str

    def rate(self, done: int) -> str:
        return f"{(done - self.first) / max(self.clock() - self.start, 1e-9):.1f} {self.unit}/s"

    def left(self, done: int) -> str | None:
        """The time that is left, or None where it cannot be known."""
        if self.total is None or done <= self.first:
            return None
        spent = self.clock() - self.start
        return clock_time(max(0, self.total - done) * spent / (done - self.first))


class _Lines:
    """Progress where no bar can be drawn: a line every few seconds, in long runs every minute."""

    def __init__(self, label: str, pace: _Pace, say: Callable[[str], None]) -> None:
        self._label, self._pace, self._say = label, pace, say
        self._last = pace.start

    def __call__(self, done: int, note: str = "") -> None:
        now = self._pace.clock()
        quiet = min(max((now - self._pace.start) / 10, QUIET[0]), QUIET[1])
        if now - self._last < quiet:
            return
        self._last = now
        total, left = self._pace.total, self._pace.left(done)
        of = f" of {total} ({100 * done // total} %)" if total else ""
        one = self._pace.unit.removesuffix("s")
        line = f"{self._label}: {one} {done}{of}, {self._pace.rate(done)}"
        line = f"{line}, about {left} left" if left else line
        self._say(f"{line}; {note}" if note else line)


def clock_time(seconds: float) -> str:
    """Seconds as `0:07`, `12:30` or `1:02:03`."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def log_everything() -> None:
    """Send the program's own log to standard error (`fspose --debug`)."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for floor in ("fspose_app", "pipelines", "models", "data"):
        logging.getLogger(floor).setLevel(logging.DEBUG)


def _plain(console: rich.console.Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)
