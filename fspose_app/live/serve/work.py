"""Follow: an uploaded video becomes its result file and its overlay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from data.result import Record, header_of
from data.sources.around import Around
from data.sources.info import Source, SourceInfo
from data.sources.video import VideoFile
from fspose_app import __version__, build, passes
from fspose_app.config import Scheme
from fspose_app.live.serve.jobs import Cancel
from fspose_app.live.serve.settings import ServeSettings
from fspose_app.out_folder import OutFolder
from fspose_app.overlap import overlapped
from fspose_app.recording import Recording
from pipelines.pipeline import LatePipeline, Pipeline
from pipelines.timing import no_clock
from pipelines.two_pass import TwoPass

PRIVATE = {"weights", "family"}  # settings that name files of this machine
ROOM = 3 << 29  # bytes of the frames that two passes hold: 48 of 4K are 1.2 GB


@dataclass(frozen=True, slots=True)
class Built:
    """A scheme's networks, the device they are on, and what a result's header says of them."""

    pipeline: Pipeline | LatePipeline
    device: str
    about: Record

    def fits(self, info: SourceInfo) -> bool:
        """Whether the frames that wait for their answers find room."""
        if not isinstance(self.pipeline, TwoPass):
            return True
        return self.pipeline.most_held * info.width * info.height * 3 <= ROOM


class Follow:
    """Works on jobs; each scheme's networks are built for the first job that wants them.

    Videos are followed as `fspose track` follows files, in two passes where there can be two and
    the frames that wait for the second find room.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self._settings = settings
        self._built: dict[tuple[Scheme, bool], Built] = {}

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
            built = self.prepare(scheme)
            if not built.fits(source.info):
                built = self.prepare(scheme, causal=True)
            header = header_of(
                source.info, built.pipeline.skeleton, version=__version__, **built.about
            )
            result, others = OutFolder(out).open(header, self._settings.following(scheme), None)
            with overlapped(built.pipeline, source, first=0, device=built.device) as (
                at_work,
                frames,
            ):
                Recording(
                    result=result,
                    others=others,
                    state=None,  # nobody goes on with a job that was stopped
                    stop=stop,
                    clock=no_clock,
                    tell=lambda done: tell(done, source.info.count),
                ).run(frames, at_work, None)

    def prepare(self, scheme: Scheme, *, causal: bool = False) -> Built:
        """A scheme's networks, with `causal` for one pass in any case. Raises FsposeError."""
        if (scheme, causal) not in self._built:
            chosen = self._settings.following(scheme)
            if causal:
                chosen = chosen.model_copy(update={"two_pass": False})
            chosen = passes.settled(chosen, live=False)
            want = build.wanted(chosen)
            pipeline, models = passes.pipeline(chosen, want, no_clock, live=False)
            shown = chosen.model_dump(mode="json", exclude=PRIVATE) | want.effective
            about = {"models": models, "settings": shown}
            self._built[scheme, causal] = Built(pipeline, want.device, about)
        return self._built[scheme, causal]


class Called(Around):
    """A source under another name: its own is a path of this machine."""

    def __init__(self, source: Source, name: str) -> None:
        super().__init__(source)
        self._name = name

    @property
    def info(self) -> SourceInfo:
        return replace(super().info, name=self._name)
