"""Commands open no connection: every socket is refused, and they still run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMANDS = (["--help"], ["--version"], ["backends"], ["models", "list"])

# Python imports a file of this name before anything else.
REFUSE = """
import socket

def refuse(*args, **kwargs):
    raise AssertionError(f"a connection was tried: {args[1:]}")

for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = refuse
"""


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """An environment whose Python refuses every connection, with an empty home."""
    (tmp_path / "sitecustomize.py").write_text(REFUSE, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "FSPOSE_HOME": str(tmp_path / "home")}


def python(*args: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *args], env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_opens_no_connection(command, offline):
    run = python("-m", "fspose_app", *command, environment=offline)

    assert run.returncode == 0, run.stderr
    assert run.stdout.strip()


def test_a_video_is_followed_without_a_connection(offline, tiny_video, tmp_path):
    out = tmp_path / "out"

    run = python(
        *("-m", "fspose_app", "track", str(tiny_video), "-o", str(out), "--threads", "1"),
        environment=offline,
    )

    assert run.returncode == 0, run.stderr
    assert len((out / "result.jsonl").read_text().splitlines()) == 1 + 12


def test_a_connection_would_be_seen(offline):
    program = "import socket; socket.create_connection(('127.0.0.1', 9))"

    run = python("-c", program, environment=offline)

    assert run.returncode == 1
    assert "a connection was tried" in run.stderr
