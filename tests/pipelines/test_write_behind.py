"""Writing on a thread: everything arrives, in order, and what goes wrong is told."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from data.crop import Crop
from data.errors import StoreError
from data.heatmap_store import Key, Record
from data.heatmaps import Heatmaps
from pipelines.write_behind import WriteBehind


def record(track: int) -> Record:
    maps = np.zeros((1, 2, 2), np.float32)
    return Record(Key("val/a", "000000", track), Heatmaps(maps, Crop((0, 0), (1, 1), (2, 2))), 1.0)


class Slow:
    """A store that waits for leave before it takes a batch, and refuses one track."""

    def __init__(self, refused: int | None = None) -> None:
        self.tracks: list[int] = []
        self.leave = threading.Semaphore(0)
        self.refused = refused

    def put(self, records):
        assert self.leave.acquire(timeout=10)
        tracks = [record.key.track for record in records]
        if self.refused in tracks:
            raise StoreError("refused")
        self.tracks += tracks


def test_a_batch_is_taken_before_it_is_written_and_all_arrive_in_order():
    store = Slow()
    with WriteBehind(store) as behind:
        behind.put([record(1), record(2)])
        assert store.tracks == []
        for track in range(3, 9):
            store.leave.release()
            behind.put([record(track)])
        store.leave.release()

    assert list(range(1, 9)) == store.tracks


def test_what_was_put_is_written_whatever_ends_the_block():
    store = Slow()

    def interrupted() -> None:
        with WriteBehind(store) as behind:
            behind.put([record(1)])
            store.leave.release()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.tracks == [1]


@pytest.mark.parametrize("ask", [lambda behind: behind.put([record(3)]), WriteBehind.wait])
def test_what_went_wrong_is_raised_by_the_next_call(ask):
    store = Slow(refused=2)
    store.leave.release(3)
    with WriteBehind(store) as behind:
        behind.put([record(1)])
        behind.put([record(2)])

        with pytest.raises(StoreError, match="refused"):
            ask(behind)

    assert store.tracks == [1]


def test_an_error_of_the_records_themselves_is_raised_too():
    store = Slow()
    store.leave.release()
    with WriteBehind(store) as behind:
        behind.put(1 / 0 for _ in range(2))

        with pytest.raises(ZeroDivisionError):
            behind.wait()
