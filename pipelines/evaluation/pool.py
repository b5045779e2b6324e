"""The same work on many things, in several processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from data.errors import FsposeError

Job = TypeVar("Job")
Result = TypeVar("Result")
Tell = Callable[[int], None]


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
    helpers = min(processes, len(jobs)) - 1
    pool = ProcessPoolExecutor(helpers, mp_context=context, initializer=_leave_interrupts)
    try:
        futures = [pool.submit(_caught, work, job) for job in jobs]
        found = _own_share(work, jobs, futures, tell)
        for index, future in enumerate(futures[: len(jobs) - len(found)]):
            found[index] = future.result()
            tell(_done(futures))
    except BrokenProcessPool as error:
        raise FsposeError("A helping process ended unexpectedly. Try --processes 1.") from error
    finally:
        pool.shutdown(cancel_futures=True)
    return [_unwrapped(found[index]) for index in range(len(jobs))]


def _one_after_another(
    work: Callable[[Job], Result], jobs: Sequence[Job], tell: Tell
) -> list[Result]:
    found = []
    for job in jobs:
        found.append(work(job))
        tell(len(found))
    return found


def _own_share(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    futures: Sequence[Future[Result | FsposeError]],
    tell: Tell,
) -> dict[int, Result | FsposeError]:
    """What this process does itself, from the last job on, while the others take the first."""
    found: dict[int, Result | FsposeError] = {}
    for index in reversed(range(len(jobs))):
        if not futures[index].cancel():
            break
        found[index] = _caught(work, jobs[index])
        tell(_done(futures))
    return found


def _done(futures: Sequence[Future[Result | FsposeError]]) -> int:
    """How many jobs are done; those that were cancelled are, by this process."""
    return sum(future.done() for future in futures)


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


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that was started by hand; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
