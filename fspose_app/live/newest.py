"""Newest: room for one frame between the thread that reads and the one that answers."""

from __future__ import annotations

import threading

from fspose_app.live.frame import Taken


class Newest:
    """Holds the newest frame; one that nobody took before the next came is dropped and counted.

    Frames that come before anyone asked for the first (networks are still being loaded) do not
    count. Closed from either side, it wakes the other.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: Taken | None = None
        self._is_open = True
        self._is_begun = self._is_wanted = False
        self._dropped = 0

    @property
    def is_open(self) -> bool:
        return self._is_open

    @property
    def is_begun(self) -> bool:
        """Whether there is a source that frames will come from."""
        return self._is_begun

    @property
    def dropped(self) -> int:
        return self._dropped

    def begin(self) -> None:
        """There is a source that frames will come from."""
        with self._changed:
            self._is_begun = True
            self._changed.notify_all()

    def put(self, taken: Taken) -> None:
        """In the place of what waits; nothing once it is closed."""
        with self._changed:
            if not self._is_open:
                return
            self._dropped += self._is_wanted and self._waiting is not None
            self._waiting = taken
            self._changed.notify_all()

    def hand(self, taken: Taken) -> None:
        """After what waits was taken, so that nothing is dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting is None or not self._is_open)
        self.put(taken)

    def take(self) -> Taken | None:
        """The newest frame, as soon as there is one; None when it is closed and nothing waits."""
        with self._changed:
            self._is_wanted = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting is not None or not self._is_open)
            taken, self._waiting = self._waiting, None
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """No more frames; what waits may still be taken."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    def wait_until_begun(self) -> bool:
        """Until there is a source; False where it is closed before."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_begun or not self._is_open)
            return self._is_begun

    def wait_until_wanted(self) -> None:
        """Until the first `take`, or the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_wanted or not self._is_open)

    def pause(self, seconds: float) -> bool:
        """Wait for so long, unless it is closed; whether it is still open."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_open, max(0.0, seconds))
            return self._is_open
