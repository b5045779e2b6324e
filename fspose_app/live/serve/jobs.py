"""Jobs: uploaded videos, worked on one after another; their files, and the end of them."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

from data.errors import FsposeError
from fspose_app.config import Scheme
from fspose_app.stopping import StopRequest

logger = logging.getLogger(__name__)

JobState = Literal["receiving", "queued", "running", "done", "failed"]
ENDED: tuple[JobState, ...] = ("done", "failed")
FILES: Mapping[str, str] = MappingProxyType({"result": "result.jsonl", "overlay": "overlay.mp4"})
MOST_WAITING = 8  # uploads and jobs that have not ended, each of which takes an upload's room
MOST_KEPT = 100  # ended jobs; of more the oldest go before their time


class Cancel(StopRequest):
    """A wish to stop that comes from a page and not from a signal."""

    def __init__(self) -> None:
        super().__init__()
        self._event = threading.Event()

    @property
    def wanted(self) -> bool:
        return self._event.is_set()

    def want(self) -> None:
        self._event.set()


class Work(Protocol):
    """Follows the people of the video `upload`, and leaves the FILES in the folder `out`.

    `name` is what the video may be called in them; `tell` takes frames done and announced (None
    where that is not known). Ends early where `stop` is wanted. Raises FsposeError.
    """

    def __call__(
        self,
        upload: Path,
        out: Path,
        *,
        name: str,
        scheme: Scheme,
        tell: Callable[[int, int | None], None],
        stop: Cancel,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Job:
    """One uploaded video on its way. `since` and `ended` are time.monotonic() seconds."""

    id: str
    folder: Path
    since: float
    state: JobState = "receiving"
    name: str = "video"
    scheme: Scheme = "fast-slow"
    frames: int = 0
    total: int | None = None
    message: str = ""
    ended: float | None = None
    stop: Cancel = field(default_factory=Cancel, compare=False)

    @property
    def upload(self) -> Path:
        return self.folder / "upload"

    def file(self, kind: str) -> Path | None:
        """The finished file of a kind of FILES; None where there is none."""
        path = self.folder / FILES[kind]
        return path if self.state == "done" and path.is_file() else None


class Busy(Exception):
    """As many jobs wait as may."""


class Jobs:
    """Jobs by their ids, which cannot be guessed; one thread works on them in order.

    `folder` holds a folder per job, named by us. An upload goes as soon as its job has ended, the
    files of a job `keep` seconds after that.
    """

    def __init__(
        self, folder: Path, work: Work, *, keep: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.keep = keep
        self._folder = folder
        self._work = work
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._worker = ThreadPoolExecutor(1, "fspose-jobs")

    def reserve(self) -> Job:
        """A new job and its folder, for an upload that begins. Raises Busy, OSError."""
        with self._lock:
            open_jobs = sum(job.state not in ENDED for job in self._jobs.values())
            if open_jobs >= MOST_WAITING:
                raise Busy
            number = secrets.token_urlsafe(16)
            job = Job(number, self._folder / number, self._now())
            job.folder.mkdir()
            self._jobs[number] = job
            return job

    def start(self, job: Job, *, name: str, scheme: Scheme) -> Job:
        """Queue a job whose upload is there."""
        queued = replace(job, state="queued", name=name, scheme=scheme)
        with self._lock:
            del self._jobs[job.id]  # the order is that of complete uploads
            self._jobs[job.id] = queued
            future = self._worker.submit(self._run, queued)
        future.add_done_callback(partial(self._end, queued))
        return queued

    def find(self, number: str) -> Job | None:
        with self._lock:
            return self._jobs.get(number)

    def before(self, job: Job) -> int:
        """How many jobs are worked on before this one is."""
        if job.state != "queued":
            return 0
        with self._lock:
            earlier = takewhile(lambda other: other.id != job.id, list(self._jobs.values()))
        return sum(other.state in ("queued", "running") for other in earlier)

    def remove(self, number: str) -> None:
        """Forget a job. Its files go now, or when the work on it has stopped."""
        with self._lock:
            job = self._jobs.pop(number, None)
        if job is None:
            return
        job.stop.want()
        if job.state not in ("queued", "running"):
            shutil.rmtree(job.folder, ignore_errors=True)

    def sweep(self) -> None:
        """Take away what has been kept for its time, and the oldest of too many."""
        with self._lock:
            ended = [(job.ended, job.id) for job in self._jobs.values() if job.ended is not None]
        newest = sorted(ended, reverse=True)
        for place, (since, number) in enumerate(newest):
            if place >= MOST_KEPT or self._now() - since >= self.keep:
                self.remove(number)

    def left(self, job: Job) -> float | None:
        """Seconds until the files of an ended job go."""
        return None if job.ended is None else max(0.0, self.keep - (self._now() - job.ended))

    def close(self) -> None:
        """Stop what is under way, and wait for that."""
        with self._lock:
            for job in self._jobs.values():
                job.stop.want()
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: Job) -> None:
        if job.stop.wanted:
            return
        self._change(job.id, state="running")
        self._work(
            job.upload,
            job.folder,
            name=job.name,
            scheme=job.scheme,
            tell=partial(self._tell, job.id),
            stop=job.stop,
        )

    def _tell(self, number: str, frames: int, total: int | None) -> None:
        self._change(number, frames=frames, total=total)

    def _end(self, job: Job, future: Future[None]) -> None:
        """What became of a job, told by its thread."""
        if future.cancelled() or self.find(job.id) is None:
            shutil.rmtree(job.folder, ignore_errors=True)
            return
        job.upload.unlink(missing_ok=True)
        error = future.exception()
        if error is None:
            self._change(job.id, state="done", ended=self._now())
            return
        if isinstance(error, FsposeError):
            told = without_folder(str(error), job.upload, job.name)
        else:
            logger.error("A job failed.", exc_info=error)
            told = "A bug of fspose ended the job; the server's log says more."
        self._change(job.id, state="failed", message=told, ended=self._now())

    def _change(self, number: str, **changes: Any) -> None:
        """Another state of a job, unless it was removed."""
        with self._lock:
            job = self._jobs.get(number)
            if job is not None:
                self._jobs[number] = replace(job, **changes)


def without_folder(told: str, path: Path, name: str) -> str:
    """A message as it may leave this machine: with `name` for the path and no folder."""
    return told.replace(str(path), name).replace(f"{path.parent}/", "")
