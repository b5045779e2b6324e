"""Commands open no connection: every socket is refused, and they still run.

Here they run in an interpreter of their own, so that what is done while importing counts too. The
tests of the commands themselves (`tests/fspose_app`) refuse connections as well.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LISTENER = "fspose_app/live/serve/server.py"
BUNDLED = ROOT / "models" / "bundled" / "fspose-transfer-1.safetensors"
COMMANDS = (  # in the order in which they build on one another; {out} is an empty folder
    "--help",
    "--version",
    "backends",
    "models list",
    "models show fspose-fast-1",
    "models show fspose-published-slow",
    "models verify",
    f"models verify {BUNDLED}",
    "models fetch --help",
    "synth {out}/clip --seconds 0.1 --size 64x48 --people 1",
    "track {video} -o {out}/track --threads 1",
    "convert {out}/track/result.jsonl --to posetrack,coco",
    "detect {root}/docs/demo/overlay.jpg -o {out}/found.json --threads 1",
)
PROGRAM = """
import shlex, sys
from fspose_app.cli import main
for line in sys.argv[1:]:
    print("$", line, flush=True)
    code = main(shlex.split(line), standalone_mode=False)
    assert not code, f"{line}: exit code {code}"
"""

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
        [sys.executable, *args], env=environment, capture_output=True, text=True, timeout=300
    )


def test_commands_open_no_connection(offline, tiny_video, tmp_path):
    places = {"out": tmp_path / "out", "video": tiny_video, "root": ROOT}

    run = python("-c", PROGRAM, *(c.format(**places) for c in COMMANDS), environment=offline)

    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("$ ") == len(COMMANDS)
    assert len((tmp_path / "out/track/result.jsonl").read_text().splitlines()) == 1 + 12


def test_fetching_is_what_opens_a_connection(offline):
    command = ("models", "fetch", "fspose-published-fast")

    run = python("-m", "fspose_app", *command, environment=offline)

    assert run.returncode == 1
    assert "a connection was tried" in run.stderr


def test_only_one_file_of_the_house_can_open_a_connection():
    speakers = ("socket", "urllib.request", "http.client", "ftplib", "requests", "httpx", "ssl")
    found = set()
    for floor in ("data", "models", "pipelines", "fspose_app"):
        for file in (ROOT / floor).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]
                if any(name in speakers for name in names):
                    found.add(file.relative_to(ROOT).as_posix())

    assert found == {"models/fetch.py", LISTENER}


def test_the_server_of_the_page_listens_and_calls_nobody():
    tree = ast.parse((ROOT / LISTENER).read_text(encoding="utf-8"))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}

    assert "create_server" in called
    assert not called & {"connect", "connect_ex", "create_connection", "sendto", "urlopen"}


def test_a_connection_would_be_seen(offline):
    program = "import socket; socket.create_connection(('127.0.0.1', 9))"

    run = python("-c", program, environment=offline)

    assert run.returncode == 1
    assert "a connection was tried" in run.stderr
