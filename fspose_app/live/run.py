"""LiveRun: a camera, stream or file followed as it comes, always on its newest frame."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from data.errors import FsposeError, OutputError
from data.result import Record, header_of
from data.skeleton import Skeleton
from data.sources import open_source
from data.sources.info import Source, SourceInfo
from data.sources.stream import without_password
from fspose_app import __version__
from fspose_app.config import SchemeSettings
from fspose_app.live.answer import Answers, Make, Networks, networks
from fspose_app.live.frame import LiveFrame
from fspose_app.live.newest import Newest
from fspose_app.live.reader import Reader
from fspose_app.live.segments import Segments
from fspose_app.rate import timed
from pipelines.timing import Stopwatch
from pipelines.tracker import Tracking

State = Literal["starting", "running", "reconnecting", "stopped", "failed"]
MEGABYTE = 1_000_000

logger = logging.getLogger(__name__)


class LiveRun:
    """A live run of one source: one thread reads its newest frame, one answers.

    `start` returns at once; what goes wrong then is a `state` with a `message`. Both threads end
    with `stop`, and by themselves where a file ends or something fails. A source that cannot be
    opened at first fails; one that is lost later is opened again until it is back. It runs once.
    """

    def __init__(
        self,
        source: str,
        settings: SchemeSettings,
        *,
        keep: float = 3.0,
        record: Path | None = None,
        realtime: bool = False,
        loop: bool = False,
        patience: float = 5.0,
        record_size: int = 200,
        say: Callable[[str], None] = logger.info,
        open_source: Callable[..., Source] = open_source,
        make: Make = networks,
    ) -> None:
        """`keep` is for how many seconds without a picture people keep their track numbers,
        `patience` after how many a stream counts as lost. `record` is a folder for results and
        overlays, of about `record_size` megabytes each pair. A file is read as quickly as it can
        be answered, or in `realtime`; with `loop` it begins again at its end. `say` takes a line
        when a stream is lost and when it is back. `open_source` and `make` are for those who bring
        sources and networks of their own.
        """
        self._name = without_password(source) if "://" in source else source
        self._settings, self._keep, self._make = settings, keep, make
        self._record, self._limit = record, record_size * MEGABYTE
        self._say = say
        self._newest = Newest()
        self._reader = Reader(
            lambda: timed(open_source(source, patience=patience), None),
            self._newest,
            self._lost,
            self._back,
            keep=keep,
            realtime=realtime,
            loop=loop,
        )
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._latest: LiveFrame | None = None
        self._failure: BaseException | None = None
        self._loss = ""
        self._losses = 0
        self._is_stopped = self._is_over = False

    @property
    def state(self) -> State:
        with self._changed:
            if self._failure is not None:
                return "failed"
            if self._is_stopped or self._is_over:
                return "stopped"
            if self._loss:
                return "reconnecting"
            return "starting" if self._latest is None else "running"

    @property
    def message(self) -> str:
        """The one line that explains the state; '' where there is nothing to say."""
        state = self.state
        if state == "failed":
            return _told(self._failure)
        if state == "reconnecting":
            return self._loss
        if state == "starting":
            return "Loading networks." if self._newest.is_begun else f"Opening {self._name}."
        ended = state == "stopped" and not self._is_stopped
        return f"{self._name} has come to its end." if ended else ""

    @property
    def failure(self) -> BaseException | None:
        """What the state `failed` is due to: an FsposeError, or a bug."""
        return self._failure

    @property
    def reconnects(self) -> int:
        """How often the stream was lost."""
        return self._losses

    def start(self) -> None:
        """Start both threads; nothing where it is stopped already."""
        with self._changed:
            if self._threads:
                raise ValueError("a live run is started once")
            if self._is_stopped:
                return
            bodies = {"live-read": self._read, "live-answer": self._answer}
            self._threads = [
                threading.Thread(target=body, name=name, daemon=True)
                for name, body in bodies.items()
            ]
            for thread in self._threads:
                thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """End both threads, and give recorded files their names; may be called again, or early.

        A thread that does not end within `timeout` seconds (an address that does not answer, a
        driver that hangs) is left to end by itself.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
        self._newest.close()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def newer(self, than: int, timeout: float) -> LiveFrame | None:
        """The newest frame as soon as its index is above `than` (-1 takes any); None after
        `timeout` seconds without one, or where none will come."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_newer(than) or self._is_done, timeout)
            return self._latest if self._is_newer(than) else None

    def _is_newer(self, than: int) -> bool:
        return self._latest is not None and self._latest.index > than

    @property
    def _is_done(self) -> bool:
        return self._is_stopped or self._is_over or self._failure is not None

    def _read(self) -> None:
        try:
            self._reader.read()
        except BaseException as error:  # handed on: whoever asks for the state is told
            self._fail(error)
        finally:
            self._newest.close()

    def _answer(self) -> None:
        watch = Stopwatch()
        try:
            # A wrong address is told at once, and not while libraries are being loaded.
            if not self._newest.wait_until_begun():
                return
            made = self._make(self._settings, watch, _tracking(self._keep))
            answers = Answers(made.pipeline, watch, self._segments(made), self._dropped)
            try:
                while not self._is_stopped and (taken := self._newest.take()) is not None:
                    self._publish(answers.answer(taken))
            finally:
                answers.close()
        except BaseException as error:  # handed on: whoever asks for the state is told
            self._fail(error)
        finally:
            self._newest.close()
            with self._changed:
                self._is_over = True
                self._changed.notify_all()

    def _segments(self, made: Networks) -> Segments | None:
        if self._record is None:
            return None
        settings = self._settings.model_dump(mode="json")
        settings |= {"fusion": self._settings.one_pass_fusion, "device": made.device}
        skeleton: Skeleton = made.pipeline.skeleton

        def header(info: SourceInfo) -> Record:
            return header_of(
                info, skeleton, models=made.models, settings=settings, version=__version__
            )

        return Segments(self._record, header, limit=self._limit)

    def _dropped(self) -> int:
        return self._newest.dropped + self._reader.dropped

    def _publish(self, frame: LiveFrame) -> None:
        with self._changed:
            self._latest = frame
            self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        """The first failure is the one to tell; what goes wrong after a stop is none, but for
        files that could not be finished."""
        with self._changed:
            if self._failure is None and (not self._is_stopped or isinstance(error, OutputError)):
                self._failure = error
            else:
                logger.debug("after the end of %s", self._name, exc_info=error)
            self._changed.notify_all()

    def _lost(self, line: str) -> None:
        with self._changed:
            self._loss, self._losses = line, self._losses + 1
        self._say(line)

    def _back(self, line: str) -> None:
        with self._changed:
            self._loss = ""
        self._say(line)


def _tracking(keep: float) -> Tracking:
    """People who were lost are found again for at least `keep` seconds."""
    usual = Tracking()
    return Tracking(memory=max(usual.memory, keep))


def _told(failure: BaseException | None) -> str:
    """A failure in one line."""
    if isinstance(failure, FsposeError):
        return " ".join(str(failure).split())
    return f"{type(failure).__name__}: {failure}"
