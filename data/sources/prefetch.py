"""prefetch: decode ahead on one thread, so that reading and the networks overlap."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")  # a frame, as a rule
_LONGEST_WAIT = 15.0
"""Seconds to wait for the thread on the way out: longer than a silent stream takes to fail."""


def prefetch(frames: Iterable[Item], ahead: int = 8) -> Generator[Item, None, None]:
    """The same frames in the same order, of which up to `ahead` wait decoded.

    An error of the source is raised here, as itself, after the frames before it. Close the
    generator before the source (`contextlib.closing`); a `for` loop over it that is left by
    `break` or an error does so by itself. A camera needs none: frames that wait are no longer new.
    """
    if ahead < 1:
        raise ValueError(f"prefetch needs room for one frame at least, got {ahead}")
    return _prefetch(frames, ahead)


def _prefetch(frames: Iterable[Item], ahead: int) -> Generator[Item, None, None]:
    # A frame, the error in place of the next one, or None for the end.
    waiting: queue.Queue[Item | BaseException | None] = queue.Queue(ahead)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_decode, args=(frames, waiting, stopped), name="prefetch", daemon=True
    )
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        # Room for the one frame that the thread may still put before it looks at `stopped`.
        with contextlib.suppress(queue.Empty):
            waiting.get_nowait()
        thread.join(_LONGEST_WAIT)


def _decode(
    frames: Iterable[Item],
    waiting: queue.Queue[Item | BaseException | None],
    stopped: threading.Event,
) -> None:
    try:
        for frame in frames:
            waiting.put(frame)
            if stopped.is_set():
                return
    except BaseException as error:  # whatever it is, the consumer would wait forever
        waiting.put(error)
    else:
        waiting.put(None)
