"""Reader: a source's frames as they come; lost streams are opened again, files are played."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from data.errors import SourceError
from data.frame import Frame
from data.sources.camera import Camera
from data.sources.info import Source, SourceInfo
from fspose_app.live.count import FPS, SourceCount
from fspose_app.live.frame import Taken
from fspose_app.live.newest import Newest

Tell = Callable[[str], None]


@dataclass(eq=False)
class Reader:
    """Puts the frames of one source into `newest`, until the source ends or `newest` is closed.

    People are kept over a silence of `keep` seconds. A file is read as quickly as its frames are
    taken, or in `realtime`; with `loop` from its start again at its end. `lost` and `back` take
    the one line to be said when a stream breaks off and returns. The first attempt to open it again
    comes after `first_wait` seconds; each doubles the wait, up to `longest_wait`, until a
    connection has been `steady` for so many seconds.
    """

    open_source: Callable[[], Source]
    newest: Newest
    lost: Tell
    back: Tell
    keep: float
    realtime: bool = False
    loop: bool = False
    first_wait: float = 0.5
    longest_wait: float = 30.0
    steady: float = 10.0
    clock: Callable[[], float] = time.monotonic
    dropped: int = field(default=0, init=False)  # by cameras, before their frames came here
    _wait: float = field(default=0.0, init=False)
    _is_lost: bool = field(default=False, init=False)
    _start: float | None = field(default=None, init=False)
    _last: Taken | None = field(default=None, init=False)
    _count: SourceCount = field(default_factory=SourceCount, init=False)

    def read(self) -> None:
        """Raises SourceError where the source cannot be opened at first, or a file be read on."""
        source: Source | None = self.open_source()
        self.newest.begin()
        if source is not None and not source.info.live:
            with source:
                self._play(source)
            return
        while source is not None:
            begun = self.clock()
            reason = self._follow(source)
            if not self.newest.is_open:
                return
            self._is_lost = True
            if self.clock() - begun > self.steady:
                self._wait = 0.0
            self.lost(f"Lost {reason} Trying again.")
            source = self._opened_again()

    def _follow(self, source: Source) -> str:
        """A live source to its end; why it ended, in a sentence that begins with its name."""
        before = self.dropped
        try:
            with source:
                for frame in source:
                    if not self.newest.is_open:
                        break
                    if isinstance(source, Camera):
                        self.dropped = before + source.dropped
                    self._put(frame, source.info)
        except SourceError as error:
            return str(error)
        return f"{source.info.name}: the stream ended."

    def _opened_again(self) -> Source | None:
        """The source, after as many attempts as it takes; None when there is no need any more."""
        while self.newest.is_open:
            self._wait = min(2 * self._wait or self.first_wait, self.longest_wait)
            if not self.newest.pause(self._wait):
                break
            try:
                return self.open_source()
            except SourceError:
                continue
        return None

    def _put(self, frame: Frame, info: SourceInfo) -> None:
        """A frame of a live source: its time is the clock's, its number the source's."""
        now, last = self.clock(), self._last
        self._start = now if self._start is None else self._start
        index = self._count.number(now, info.fps)
        stretch = 0 if last is None else last.stretch
        silence = 0.0 if last is None else now - last.captured
        if last is not None and (silence > self.keep or last.frame.size != frame.size):
            stretch += 1
        live = Frame(index, now - self._start, frame.image, str(index))
        self._last = Taken(live, now, stretch, info)
        self.newest.put(self._last)
        if self._is_lost:
            self._is_lost = False
            kept = "People keep" if last is not None and stretch == last.stretch else "New"
            self.back(f"{info.name}: back after {silence:.1f} s. {kept} track numbers.")

    def _play(self, source: Source) -> None:
        """A file, from the moment at which somebody takes frames."""
        self.newest.wait_until_wanted()
        start, seconds, index = self.clock(), 0.0, 0
        info = source.info
        while self.newest.is_open:
            last: Frame | None = None
            for frame in source:
                last = replace(frame, index=index + frame.index, seconds=seconds + frame.seconds)
                if not self._show(last, info, start):
                    return
            if last is None or not self.loop:
                return
            index, seconds = last.index + 1, last.seconds + 1 / (info.fps or FPS)

    def _show(self, frame: Frame, info: SourceInfo, start: float) -> bool:
        """A file's frame when its turn has come; whether more are wanted."""
        if not self.realtime:
            self.newest.hand(Taken(frame, self.clock(), 0, info))
            return self.newest.is_open
        if not self.newest.pause(start + frame.seconds - self.clock()):
            return False
        self.newest.put(Taken(frame, self.clock(), 0, info))
        return True
