"""What is done in another process comes back, be it an answer, an error or nothing at all."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path
from types import ModuleType

import pytest

from data.errors import ConfigError, SourceError
from fspose_app.bench.apart import apart

WORKS = """
import os, signal, time
from data.errors import SourceError

def where(job, tell):
    tell(job)
    return os.getpid()

def refuse(job, tell):
    raise SourceError(f"{job} cannot be opened.")

def die(job, tell):
    os.kill(os.getpid(), signal.SIGKILL)

def go_on(job, tell):
    for done in range(600):
        tell(done)
        time.sleep(0.1)
"""


@pytest.fixture
def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that the other process finds too: a test's own file is under no importable name."""
    (tmp_path / "works_for_apart.py").write_text(WORKS)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("works_for_apart")
    assert active_children() == []


def test_an_answer_and_tidings_come_from_another_process(works: ModuleType) -> None:
    told: list[int] = []

    found = apart(works.where, 7, told.append, what="it")

    assert found != os.getpid()
    assert told == [7]


def test_what_a_person_can_mend_is_raised_here(works: ModuleType) -> None:
    with pytest.raises(SourceError, match=r"^clip\.mp4 cannot be opened\.$"):
        apart(works.refuse, "clip.mp4", lambda done: None, what="it")


def test_a_process_that_is_killed_is_told(works: ModuleType) -> None:
    with pytest.raises(ConfigError, match=r"Measuring 'fast-slow' ended early, .* -9\."):
        apart(works.die, 1, lambda done: None, what="'fast-slow'")


def test_an_interruption_ends_the_other_process_too(works: ModuleType) -> None:
    def interrupt(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apart(works.go_on, 1, interrupt, what="it")
