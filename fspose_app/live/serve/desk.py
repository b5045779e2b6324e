"""Desk: starts and stops the live run, and hands everyone who looks its newest frame.

One thread waits for the run's frames; those who look are told in the event loop. Nobody is waited
for: who is slow or does not read gets, when it asks again, the newest frame.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import anyio
import anyio.to_thread
import cv2

from fspose_app.config import Scheme
from fspose_app.live.frame import LiveFrame
from fspose_app.live.serve.sources import Address, Sources

RunState = Literal["starting", "running", "reconnecting", "stopped", "failed"]
OVER: tuple[RunState, ...] = ("stopped", "failed")
WIDEST = 1280  # pixels of a picture on the page: more only costs time on the way
QUALITY = 80  # of its JPEG
TURN = 0.5  # seconds after which a run without frames is asked for its state


class Run(Protocol):
    """A live run, as `fspose_app.live.run.LiveRun` is one."""

    @property
    def state(self) -> RunState: ...

    @property
    def message(self) -> str: ...

    def start(self) -> None: ...

    def stop(self, timeout: float = 10.0) -> None: ...

    def newer(self, than: int, timeout: float) -> LiveFrame | None: ...


Make = Callable[[Address, Scheme], Run]
"""Makes a run, not yet started, of a source. Raises FsposeError."""


class Shown:
    """A frame for the page; `sequence` counts frames from 1, over all runs of the desk."""

    def __init__(self, sequence: int, frame: LiveFrame) -> None:
        self.sequence, self.frame = sequence, frame
        self._lock = threading.Lock()

    def jpeg(self) -> bytes:
        """The picture as JPEG, at most WIDEST wide; made once, for all who look."""
        with self._lock:
            return self._jpeg

    def age(self) -> float:
        """Seconds since the frame was taken."""
        return time.monotonic() - self.frame.captured

    @cached_property
    def _jpeg(self) -> bytes:
        bgr = cv2.cvtColor(self.frame.picture, cv2.COLOR_RGB2BGR)
        height, width = bgr.shape[:2]
        if width > WIDEST:
            size = WIDEST, max(1, round(height * WIDEST / width))
            bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
        _, content = cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
        return content.tobytes()


@dataclass(frozen=True, slots=True)
class Watched:
    """What the desk says of itself."""

    state: RunState | Literal["idle"]
    message: str
    source: str | None
    scheme: Scheme | None
    newest: Shown | None


class Desk:
    """One live run at a time. All verbs but the constructor belong to the event loop."""

    def __init__(self, make: Make | None, sources: Sources) -> None:
        """Without `make` nothing is started but what `show` is given."""
        self.sources = sources
        self._make = make
        self._lock = asyncio.Lock()
        self._run: Run | None = None
        self._address: Address | None = None
        self._scheme: Scheme | None = None
        self._thread: threading.Thread | None = None
        self._newest: Shown | None = None
        self._sequence = 0
        self._fresh = asyncio.Event()
        self.is_closing = False

    @property
    def watched(self) -> Watched:
        run, address = self._run, self._address
        if run is None or address is None:
            return Watched("idle", "", None, None, None)
        message = address.hide_in(run.message)
        return Watched(run.state, message, address.label, self._scheme, self._newest)

    async def start(self, address: Address, scheme: Scheme) -> None:
        """Follow a source; a run that was under way ends. Raises FsposeError."""
        assert self._make is not None, "this desk starts nothing"
        async with self._lock:
            await self._end()
            run = await anyio.to_thread.run_sync(self._make, address, scheme)
            self._begin(run, address, scheme)
            await anyio.to_thread.run_sync(run.start)

    async def show(self, run: Run, address: Address) -> None:
        """Show a run that was started elsewhere, and is stopped there."""
        async with self._lock:
            self._begin(run, address, None)

    async def stop(self) -> None:
        """End the run, also while it is starting, or leave one that `show` was given.

        Nothing where there is none.
        """
        async with self._lock:
            await self._end()

    async def newer(self, than: int, timeout: float) -> Shown | None:
        """The newest frame, of a sequence above `than`; None where none comes in `timeout` s.

        A `than` that is not reached yet comes from a page that is older than this desk: it gets
        the newest one.
        """
        than = than if than <= self._sequence else 0
        with anyio.move_on_after(timeout):
            while not self.is_closing:
                newest = self._newest
                if newest is not None and newest.sequence > than:
                    return newest
                await self._fresh.wait()
        return None

    def let_go(self) -> None:
        """Let everyone who waits for a frame go: the server ends."""
        self.is_closing = True
        self._wake()

    def _begin(self, run: Run, address: Address, scheme: Scheme | None) -> None:
        loop = asyncio.get_running_loop()
        self._run, self._address, self._scheme = run, address, scheme
        self._thread = threading.Thread(target=self._follow, args=(run, loop), name="fspose-desk")
        self._thread.start()

    async def _end(self) -> None:
        run, thread = self._run, self._thread
        if run is None or thread is None:
            return
        if self._make is not None:
            await anyio.to_thread.run_sync(run.stop)
        self._run = None  # ends the thread
        await anyio.to_thread.run_sync(thread.join)
        self._thread, self._newest = None, None

    def _follow(self, run: Run, loop: asyncio.AbstractEventLoop) -> None:
        """The thread of a run: its frames, one after another, into the event loop."""
        last = -1
        while self._run is run:
            frame = run.newer(last, TURN)
            if frame is not None:
                last = frame.index
                loop.call_soon_threadsafe(self._take, run, frame)
            elif run.state in OVER:
                return

    def _take(self, run: Run, frame: LiveFrame) -> None:
        if run is self._run:
            self._sequence += 1
            self._newest = Shown(self._sequence, frame)
            self._wake()

    def _wake(self) -> None:
        fresh, self._fresh = self._fresh, asyncio.Event()
        fresh.set()
