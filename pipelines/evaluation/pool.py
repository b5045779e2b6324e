"""The same work on many things, in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any, Generic, TypeVar

from data.errors import FsposeError

Job = TypeVar("Job")
Result = TypeVar("Result")
Tell = Callable[[int], None]

_SECONDS = 0.1  # between two looks at how far the others are


def each(
    work: Callable[[Job], Result], jobs: Sequence[Job], *, processes: int, tell: Tell
) -> list[Result]:
    """`work` of every job, in their order; `tell` hears how many are done.

    Where `work` raises FsposeError, that of the first such job is raised, whatever the number of
    processes. `work` must be a function at the head of a module, for other processes to find.
    """
    if processes == 1 or len(jobs) < 2:
        return _one_after_another(work, jobs, tell)
    # Spawned, not forked: threads of numpy and of the progress bar may hold locks at a fork.
    context = multiprocessing.get_context("spawn")
    shared = _Shared(work, tuple(jobs), context.Value("q", 0), context.Value("q", 0))
    with ExitStack() as stack:
        with _uninterrupted():
            answers = [
                stack.enter_context(_helper(context, shared))
                for _ in range(min(processes, len(jobs)) - 1)
            ]
        found = shared.part(tell)
        for answer in answers:
            found |= _received(answer, shared.done, tell)
    for index, job in enumerate(jobs):
        if index not in found:  # of a helper that was killed, or met a bug, which shows here
            found[index] = _caught(work, job)
    tell(len(jobs))
    return [_unwrapped(found[index]) for index in range(len(jobs))]


@dataclass(frozen=True, slots=True, eq=False)
class _Shared(Generic[Job, Result]):
    """What all processes have: the jobs, whose `turn` it is, and how many are `done`."""

    work: Callable[[Job], Result]
    jobs: tuple[Job, ...]
    turn: Synchronized[int]
    done: Synchronized[int]

    def part(self, tell: Tell) -> dict[int, Result | FsposeError]:
        """What one process does: the first job that nobody has taken, until there is none."""
        found: dict[int, Result | FsposeError] = {}
        while True:
            with self.turn.get_lock():
                index = self.turn.value
                self.turn.value += 1
            if index >= len(self.jobs):
                return found
            found[index] = _caught(self.work, self.jobs[index])
            with self.done.get_lock():
                self.done.value += 1
            tell(self.done.value)


def _one_after_another(
    work: Callable[[Job], Result], jobs: Sequence[Job], tell: Tell
) -> list[Result]:
    found = []
    for job in jobs:
        found.append(work(job))
        tell(len(found))
    return found


@contextmanager
def _helper(
    context: multiprocessing.context.SpawnContext, shared: _Shared[Job, Result]
) -> Iterator[Connection]:
    """A process that does its part, and where that can be received; it ends with the block."""
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_help, args=(shared, sender), daemon=True)
    process.start()
    sender.close()  # the process has its own, so that its end can be noticed
    try:
        yield receiver
    finally:
        process.terminate()
        process.join()
        receiver.close()


def _help(shared: _Shared[Job, Result], sender: Connection) -> None:
    """What a helper runs."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sender.send(shared.part(lambda _: None))


def _end_with_parent() -> None:
    """A helper ends with the process that started it, also where that is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _received(answer: Connection, done: Synchronized[int], tell: Tell) -> dict[int, Any]:
    """A helper's part; nothing of one that ended early."""
    while not answer.poll(_SECONDS):
        tell(done.value)
    try:
        found: dict[int, Any] = answer.recv()
    except (EOFError, OSError):  # OSError in the middle of an answer
        return {}
    return found


def _caught(work: Callable[[Job], Result], job: Job) -> Result | FsposeError:
    """The result, or the error as a value: which one is raised must not depend on timing."""
    try:
        return work(job)
    except FsposeError as error:
        return error


def _unwrapped(found: Result | FsposeError) -> Result:
    if isinstance(found, FsposeError):
        raise found
    return found


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the block ends; processes started in it never hear it.

    Ctrl-C is for the process that was started by hand, which ends the others.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
