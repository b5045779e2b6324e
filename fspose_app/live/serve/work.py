"""Follow: an uploaded video becomes its result file and its overlay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from data.frame import Frame
from data.result import Record, header_of
from data.sources.info import Source, SourceInfo
from data.sources.prefetch import prefetch
from data.sources.video import VideoFile
from fspose_app import __version__
from fspose_app.config import Scheme
from fspose_app.live.serve.jobs import Cancel
from fspose_app.live.serve.settings import ServeSettings
from fspose_app.out_folder import OutFolder
from fspose_app.recording import Recording
from pipelines.pipeline import Pipeline
from pipelines.timing import no_clock

PRIVATE = {"weights", "family"}  # settings that name files of this machine


class Follow:
    """Works on jobs; each scheme's networks are built for the first job that wants them."""

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._built: dict[Scheme, tuple[Pipeline, Record]] = {}

    def __call__(
        self,
        upload: Path,
        out: Path,
        *,
        name: str,
        scheme: Scheme,
        tell: Callable[[int, int | None], None],
        stop: Cancel,
    ) -> None:
        """As `jobs.Work` has it."""
        with Called(VideoFile(upload), name) as source:
            tell(0, source.info.count)
            pipeline, about = self.prepare(scheme)
            header = header_of(source.info, pipeline.skeleton, version=__version__, **about)
            result, others = OutFolder(out).open(header, self._settings.following(scheme), None)
            with closing(prefetch(source)) as frames:
                Recording(
                    result=result,
                    others=others,
                    state=None,  # nobody goes on with a job that was stopped
                    stop=stop,
                    clock=no_clock,
                    tell=lambda done: tell(done, source.info.count),
                ).run(frames, pipeline, None)

    def prepare(self, scheme: Scheme) -> tuple[Pipeline, Record]:
        """A scheme's networks, and what a result's header says of them. Raises FsposeError."""
        from fspose_app import build  # brings in torch

        if scheme not in self._built:
            chosen = self._settings.following(scheme)
            want = build.wanted(chosen)
            pipeline, models = build.pipeline(chosen, want, no_clock)
            shown = chosen.model_dump(mode="json", exclude=PRIVATE) | want.effective
            self._built[scheme] = (pipeline, {"models": models, "settings": shown})
        return self._built[scheme]


class Called:
    """A source under another name: its own is a path of this machine."""

    def __init__(self, source: Source, name: str) -> None:
        self._source, self._name = source, name

    @property
    def info(self) -> SourceInfo:
        return replace(self._source.info, name=self._name)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._source)

    def __enter__(self) -> Called:
        self._source.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._source.__exit__(kind, error, trace)
