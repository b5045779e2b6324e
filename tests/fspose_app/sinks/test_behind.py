"""A sink on a thread: the same results in the same order, errors as themselves, no thread left."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from data.errors import OutputError
from data.frame import FrameResult
from fspose_app.sinks.behind import AHEAD, Behind
from pipelines.timing import Stopwatch

PATIENCE = 20.0  # seconds, for what comes at once


class Notes:
    """A sink that notes what is asked of it; each write waits for the door to be open."""

    def __init__(self, fails_at: str = "") -> None:
        self.notes: list[str] = []
        self.door = threading.Event()
        self.door.set()
        self.inside = threading.Event()
        self._fails_at = fails_at

    def write(self, result: FrameResult) -> None:
        self.inside.set()
        assert self.door.wait(PATIENCE)
        self._note(f"write {result.frame.index}")

    def close(self) -> None:
        self._note("close")

    def abandon(self) -> None:
        self.notes.append("abandon")

    def _note(self, what: str) -> None:
        self.notes.append(what)
        if what == self._fails_at:
            raise OutputError(f"could not {what}")


def left() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "overlay"]


def waited_for(what: Callable[[], bool]) -> bool:
    """Whether it comes to be."""
    moment = threading.Event()
    return any(what() or moment.wait(0.01) for _ in range(int(PATIENCE / 0.01)))


def test_results_come_in_order_and_all_before_the_close(results: list[FrameResult]) -> None:
    notes, clock = Notes(), Stopwatch()
    behind = Behind(notes, clock=clock)

    for result in results:
        behind.write(result)
    behind.close()

    assert notes.notes == [*(f"write {index}" for index in range(len(results))), "close"]
    assert clock.calls == {"overlay": len(results)}
    assert not left()


def test_writing_does_not_wait_for_the_sink(results: list[FrameResult]) -> None:
    notes = Notes()
    notes.door.clear()
    behind = Behind(notes)

    for result in results[:AHEAD]:
        behind.write(result)

    assert notes.notes == []
    notes.door.set()
    behind.close()
    assert len(notes.notes) == AHEAD + 1


def test_no_more_than_a_few_results_wait(results: list[FrameResult]) -> None:
    notes = Notes()
    notes.door.clear()
    behind = Behind(notes)
    done = []
    writer = threading.Thread(
        target=lambda: [(behind.write(result), done.append(result)) for result in results]
    )

    writer.start()

    assert notes.inside.wait(PATIENCE)
    writer.join(0.2)  # one is being written, `AHEAD` wait, one does not get in
    assert len(done) <= AHEAD + 1 < len(results)
    notes.door.set()
    writer.join(PATIENCE)
    behind.close()
    assert notes.notes[-1] == "close"


def test_an_error_is_raised_as_itself_by_a_later_write(results: list[FrameResult]) -> None:
    notes = Notes("write 1")
    behind = Behind(notes)

    def write_on() -> bool:
        behind.write(results[0])
        return False

    behind.write(results[0])
    behind.write(results[1])
    with pytest.raises(OutputError, match="could not write 1"):
        waited_for(write_on)
    behind.abandon()

    assert notes.notes == ["write 0", "write 1", "abandon"]
    assert not left()


def test_an_error_of_the_last_write_is_raised_by_close(results: list[FrameResult]) -> None:
    notes = Notes("write 0")
    behind = Behind(notes)

    behind.write(results[0])
    with pytest.raises(OutputError, match="could not write 0"):
        behind.close()
    behind.abandon()

    assert notes.notes == ["write 0", "abandon"]  # what is not whole is not closed


def test_an_error_of_close_is_raised(results: list[FrameResult]) -> None:
    behind = Behind(Notes("close"))

    behind.write(results[0])
    with pytest.raises(OutputError, match="could not close"):
        behind.close()


def test_what_waits_is_dropped_when_abandoned(results: list[FrameResult]) -> None:
    notes = Notes()
    notes.door.clear()
    behind = Behind(notes)
    for result in results[:AHEAD]:
        behind.write(result)
    assert notes.inside.wait(PATIENCE)

    threading.Timer(0.1, notes.door.set).start()
    behind.abandon()

    assert notes.notes == ["write 0", "abandon"]
    assert not left()
