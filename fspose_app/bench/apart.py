"""The same work in a process of its own: its memory is its own, and so are a runtime's threads."""

from __future__ import annotations

import multiprocessing
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Protocol, TypeVar

from data.errors import ConfigError, FsposeError

Job = TypeVar("Job")
Result = TypeVar("Result")
Tell = Callable[[int], None]
"""Hears how many frames are done."""


class Elsewhere(Protocol):
    """Does a work of a job somewhere, as `apart` does."""

    def __call__(
        self, work: Callable[[Job, Tell], Result], job: Job, tell: Tell, *, what: str
    ) -> Result: ...


SECONDS = 0.2  # between two tidings
PATIENCE = 10.0  # seconds to wait for a process that has answered


def apart(work: Callable[[Job, Tell], Result], job: Job, tell: Tell, *, what: str) -> Result:
    """`work` of a job, a function at the head of a module, in a fresh process.

    An FsposeError there is raised here, and a bug there, which shows its traceback, as a
    RuntimeError. ConfigError for a process that is killed; `what` is told of it. Ctrl-C ends the
    process too.
    """
    # Spawned, not forked: nothing that this process holds counts as the other's.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(work, job, theirs), daemon=True)
    with _uninterrupted():
        process.start()
    theirs.close()
    try:
        return _received(ours, tell)
    except EOFError as error:
        process.join(PATIENCE)
        if process.exitcode is not None and process.exitcode > 0:
            raise RuntimeError(f"measuring {what} failed; the traceback stands above") from error
        raise ConfigError(
            f"Measuring {what} ended early, with exit code {process.exitcode}. "
            "Is there enough memory?"
        ) from error
    finally:
        ours.close()
        process.kill()  # one that has answered has nothing left to do
        process.join()


def _received(answers: Connection, tell: Tell) -> Result:  # type: ignore[type-var]
    while True:
        kind, answer = answers.recv()
        if kind == "done":
            tell(answer)
        elif isinstance(answer, FsposeError):
            raise answer
        else:
            found: Result = answer
            return found


def _answer(work: Callable[[Job, Tell], Result], job: Job, answers: Connection) -> None:
    """What the other process does. A bug shows its traceback there."""
    last = -SECONDS

    def tell(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SECONDS:
            last = now
            answers.send(("done", done))

    try:
        result: object = work(job, tell)
    except FsposeError as error:
        result = error
    except BrokenPipeError:  # nobody listens any more
        sys.exit(1)
    answers.send(("answer", result))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """What is started within hears no Ctrl-C: this process does, and ends it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
