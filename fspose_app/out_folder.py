"""OutFolder: where a run's files lie, and whether a run may begin there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from data.draft import output_error
from data.errors import OutputError
from data.result import Record
from data.result_file import read_partial
from fspose_app.config import TrackSettings
from fspose_app.recording import Past
from fspose_app.sinks import Fan, file_of, make_overlay, make_sink
from fspose_app.sinks.behind import Behind
from fspose_app.sinks.jsonl import JsonlSink, partial_of
from fspose_app.state import load_state
from pipelines.timing import Clock, no_clock

PARENT = Path("fspose-out")


@dataclass(frozen=True, slots=True)
class OutFolder:
    """The folder of one run: `result.jsonl`, `overlay.mp4`, and other formats beside them."""

    path: Path

    @classmethod
    def named_after(cls, address: str) -> OutFolder:
        """`fspose-out/clip` for `videos/clip.mp4`, `fspose-out/webcam-0` for a camera."""
        address = f"webcam-{address}" if address.isdecimal() else address
        path = Path(address)
        if any(sign in path.name for sign in "*?["):
            path = path.parent
        stem = path.name if path.is_dir() else path.stem
        return cls(PARENT / (re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "run"))

    @property
    def result(self) -> Path:
        return file_of("jsonl", self.path)

    @property
    def state(self) -> Path:
        return self.path / "result.state.npz"

    @property
    def is_whole(self) -> bool:
        """Whether a run came to its end here."""
        return self.result.exists()

    def make(self, *, resume: bool, overwrite: bool) -> None:
        """Make the folder. Raises OutputError where that cannot be, or a result would be lost."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self.path} cannot be made: {error.strerror or error}. Name another with -o."
            ) from error
        if resume or overwrite:
            return
        if self.is_whole:
            raise OutputError(
                f"{self.result} is there already. Name another folder with -o, "
                "or replace it with --overwrite."
            )
        if self.state.exists() and partial_of(self.result).exists():
            raise OutputError(
                f"{self.path} holds an unfinished run. Go on with it by --resume, "
                "or begin anew with --overwrite."
            )

    def drop_if_empty(self) -> None:
        """Take the folder away where nothing was written into it."""
        if not any(self.path.iterdir()):
            self.path.rmdir()

    def past(self) -> Past | None:
        """What an interrupted run left here; None where there is nothing to go on from."""
        partial = partial_of(self.result)
        state = load_state(self.state)
        if state is None or not partial.exists():
            return None
        _, records = read_partial(partial)
        return Past(state, records)

    def open(
        self, header: Record, settings: TrackSettings, past: Past | None, beside: Clock = no_clock
    ) -> tuple[JsonlSink, Fan]:
        """The result file, which goes on after `past`, and the others, which begin anew.

        The overlay is drawn on a thread, whose work is told to the clock `beside`.
        """
        result, others = self._open_result(header, past), Fan()
        try:
            if settings.overlay:
                others.add(Behind(make_overlay(self.path, header), clock=beside))
            for kind in settings.format:
                if kind != "jsonl":
                    others.add(make_sink(kind, self.path, header))
        except OutputError:
            others.abandon()
            result.abandon()
            raise
        return result, others

    def _open_result(self, header: Record, past: Past | None) -> JsonlSink:
        if past is not None:
            return JsonlSink.resume(self.result, header, past.state.frames)
        try:
            self.result.unlink(missing_ok=True)
            self.state.unlink(missing_ok=True)
        except OSError as error:
            raise output_error(self.result, error) from error
        return JsonlSink.open_new(self.result, header)

    def files(self, settings: TrackSettings) -> list[Path]:
        """What a whole run left."""
        others = [file_of(kind, self.path) for kind in settings.format if kind != "jsonl"]
        overlay = [self.path / "overlay.mp4"] if settings.overlay else []
        return [path for path in (*overlay, self.result, *others) if path.exists()]
