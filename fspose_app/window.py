"""Window: pictures on a screen, where there is one; `q`, Esc or the window's own cross ends.

The window lives in a process of its own. OpenCV's toolkits and the libraries that read videos bring
the same system libraries along, and in one process they hang or crash. And a toolkit that finds no
display ends its whole process.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, BinaryIO

import cv2
import numpy as np

from data.frame import Image

TITLE = "fspose"
_SIZE = struct.Struct("<II")  # height and width of the picture that follows; 0, 0 for none
_MORE, _NO_MORE = b".", b"q"
_QUIT = {ord("q"), ord("Q"), 27}
_PATIENCE = 5.0  # seconds that the process may take to end


class Window:
    """One window for pictures, in a process of its own that ends with `close`."""

    def __init__(
        self, command: Sequence[str] = (sys.executable, "-m", "fspose_app.window")
    ) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answer = _MORE

    @property
    def is_broken(self) -> bool:
        """Whether it is gone though nobody closed it."""
        return self._answer == b""

    def show(self, picture: Image) -> None:
        """Put an RGB picture (height, width, 3) in the place of the one before."""
        height, width = picture.shape[:2]
        self._ask(_SIZE.pack(height, width) + np.ascontiguousarray(picture).tobytes())

    def wants_more(self) -> bool:
        """Let the window live for a moment; False once somebody closed it or pressed q."""
        self._ask(_SIZE.pack(0, 0))
        return self._answer == _MORE

    def close(self) -> None:
        """End its process."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        with contextlib.suppress(OSError):  # what was still to be written has nobody to read it
            stdin.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        stdout.close()

    def _ask(self, message: bytes) -> None:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        if self._answer != _MORE:
            return
        try:
            stdin.write(message)
            stdin.flush()
            self._answer = stdout.read(1)
        except OSError:
            self._answer = b""


def why_no_window() -> str:
    """Why there can be no window, in one sentence; '' where there can."""
    if not cv2.currentUIFramework():
        return "The installed OpenCV has no windows (opencv-python-headless)."
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "There is no display here."
    return ""


def attend(asked: BinaryIO, answers: BinaryIO, screen: Any = cv2) -> None:
    """The window's side: show what is asked for, and answer each time whether to go on.

    `screen` has the few functions of OpenCV's that are used here.
    """
    is_shown = False
    while len(head := asked.read(_SIZE.size)) == _SIZE.size:
        height, width = _SIZE.unpack(head)
        if height and width:
            raw = asked.read(3 * height * width)
            if len(raw) < 3 * height * width:
                return
            picture = np.frombuffer(raw, np.uint8).reshape(height, width, 3)
            screen.imshow(TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        is_wanted = screen.waitKey(1) & 0xFF not in _QUIT
        # A toolkit is asked for its window only where there is, or was, one.
        if is_wanted and is_shown:
            is_wanted = _is_visible(screen)
        is_shown = is_shown or bool(height)
        answers.write(_MORE if is_wanted else _NO_MORE)
        answers.flush()


def _is_visible(screen: Any) -> bool:
    try:
        return bool(screen.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1)
    except cv2.error:  # some toolkits do not know a window any more that has been closed
        return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the other process's business
    attend(sys.stdin.buffer, sys.stdout.buffer)
