"""Camera: always the newest frame; those that come too soon are dropped and counted."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol

import cv2
import numpy as np

from data.errors import SourceError
from data.frame import Frame, Image
from data.sources.info import SourceInfo


class Capture(Protocol):
    """What is used of cv2.VideoCapture."""

    def isOpened(self) -> bool: ...
    def read(self) -> tuple[bool, Any]: ...
    def get(self, property_id: int, /) -> float: ...
    def release(self) -> None: ...


class Camera:
    """A camera by its number; a live Source whose frames are always the newest.

    A thread reads without pause. What it reads while the consumer is busy is dropped and counted
    in `dropped`. Seconds are the computer's clock from the first frame delivered.
    """

    def __init__(
        self,
        number: int,
        *,
        open_capture: Callable[[int], Capture] = cv2.VideoCapture,
        patience: float = 5.0,
    ) -> None:
        """Opens the camera and waits up to `patience` seconds for its first picture. Raises
        SourceError where there is no camera, or none that sends pictures."""
        self.dropped = 0
        self._name = f"webcam:{number}"
        self._patience = patience
        capture = _open(number, open_capture)
        rate = capture.get(cv2.CAP_PROP_FPS)
        self._changed = threading.Condition()
        self._newest: tuple[float, Image] | None = None
        self._failure: BaseException | None = None
        self._is_open = True
        self._thread = threading.Thread(
            target=self._read, args=(capture,), name=self._name, daemon=True
        )
        self._thread.start()
        try:
            with self._changed:
                height, width = self._wait()[1].shape[:2]
        except SourceError:
            self._close()
            raise
        self._info = SourceInfo(
            self._name, width, height, fps=rate if rate > 0 else 0.0, count=None, live=True
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __iter__(self) -> Iterator[Frame]:
        """The newest frame each time, until the camera is closed. Raises SourceError when it fails
        or falls silent."""
        start: float | None = None
        for index in itertools.count():
            with self._changed:
                if not self._is_open:
                    return
                taken, image = self._wait()
                self._newest = None
            start = taken if start is None else start
            rgb: Image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
            yield Frame(index, taken - start, rgb, str(index))

    def __enter__(self) -> Camera:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        with self._changed:
            self._is_open = False
        # A driver may hold the thread for long; it is not worth waiting for.
        self._thread.join(self._patience)

    def _wait(self) -> tuple[float, Image]:
        """The newest frame and when it was taken. Raises SourceError; needs the lock."""
        self._changed.wait_for(lambda: self._newest or self._failure, self._patience)
        if self._newest is not None:
            return self._newest
        if self._failure is not None:
            raise SourceError(
                f"{self._name}: the camera failed ({self._failure})."
                " Check its cable, and that no other program uses it."
            ) from self._failure
        raise SourceError(
            f"{self._name}: no picture within {self._patience:g} seconds."
            " Check that no other program uses the camera."
        )

    def _read(self, capture: Capture) -> None:
        try:
            while self._is_open:
                arrived, image = capture.read()
                if not arrived or image is None:
                    raise OSError("it stopped sending pictures")
                with self._changed:
                    self.dropped += self._newest is not None
                    self._newest = time.monotonic(), image
                    self._changed.notify_all()
        except Exception as error:  # handed on: the consumer raises it
            with self._changed:
                self._failure = error
                self._changed.notify_all()
        finally:
            capture.release()


def _open(number: int, open_capture: Callable[[int], Capture]) -> Capture:
    # OpenCV tells of missing cameras on standard error, past every handler of ours.
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        capture = open_capture(number)
        is_opened = capture.isOpened()
    except cv2.error as error:
        raise SourceError(f"webcam:{number}: cannot be opened ({error.err}).") from error
    finally:
        cv2.utils.logging.setLogLevel(level)
    if not is_opened:
        capture.release()
        raise SourceError(
            f"webcam:{number}: there is no such camera, or it may not be used."
            " Check its number, its cable and your rights."
        )
    return capture
