"""fspose evaluate posetrack in several processes, stopped midway: nobody is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")

SECONDS = 60.0


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, in a session of its own; both of its processes wait for what they read.

    The annotations are named pipes into which nobody writes.
    """
    for side in ("truth", "predictions"):
        (tmp_path / side).mkdir()
    pipes = [tmp_path / "truth" / f"{name}.json" for name in "abcdef"]
    for pipe in pipes:
        os.mkfifo(pipe)
        (tmp_path / "predictions" / pipe.name).write_text("{}")
    command = [sys.executable, "-m", "fspose_app", "evaluate", "posetrack"]
    command += [str(tmp_path / "truth"), str(tmp_path / "predictions"), "--processes", "2"]
    with (
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
        contextlib.ExitStack() as opened,
    ):
        for descriptor in read_by(process, pipes, count=2):
            opened.callback(os.close, descriptor)
        yield process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def read_by(process: subprocess.Popen[str], pipes: list[Path], *, count: int) -> list[int]:
    """The writing ends of the first `count` pipes that somebody has opened to read."""
    waiting, found = list(pipes), []
    until = time.monotonic() + SECONDS
    while len(found) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        for pipe in list(waiting):
            with contextlib.suppress(OSError):  # nobody reads it
                found.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
                waiting.remove(pipe)
        time.sleep(0.05)
    return found


def test_ctrl_c_stops_every_process_at_once(busy: subprocess.Popen[str]) -> None:
    os.killpg(busy.pid, signal.SIGINT)

    # The pipes of its output close when the last process that has them ends.
    said, complained = busy.communicate(timeout=SECONDS)

    assert (busy.returncode, said, complained) == (130, "", "Stopped.\n")


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGKILL])
def test_helpers_end_with_the_command_however_it_ends(
    busy: subprocess.Popen[str], kind: signal.Signals
) -> None:
    os.kill(busy.pid, kind)

    busy.communicate(timeout=SECONDS)

    assert busy.returncode == -kind
