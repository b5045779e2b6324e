"""WriteBehind: records are packed and written on a thread while the next ones are made."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from data.heatmap_store import Record, Writable


class WriteBehind:
    """A store that takes one batch ahead of another store, in which they arrive in order.

    Use it in a `with` block, and the store behind it only afterwards: whatever ends the block, what
    was put is written then. What goes wrong with a batch is raised by the next `put` or `wait`.
    """

    def __init__(self, store: Writable) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, "write")
        self._last: Future[None] | None = None

    def put(self, records: Iterable[Record]) -> None:
        """Hand over a batch; waits for the one before. The records are drawn on the thread."""
        self.wait()
        self._last = self._thread.submit(self._store.put, records)

    def wait(self) -> None:
        """Until everything is written."""
        if self._last is not None:
            self._last.result()

    def __enter__(self) -> WriteBehind:
        return self

    def __exit__(self, *ended: object) -> None:
        self._thread.shutdown(wait=True)
