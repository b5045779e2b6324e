"""fspose serve: what it refuses before it serves; that it serves, and ends with nothing left."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from data.errors import ConfigError
from fspose_app.live.serve import need_packages
from fspose_app.window import why_no_window


def test_an_address_that_others_reach_needs_a_token(fspose):
    ran = fspose("serve", "--host", "0.0.0.0")

    assert ran.exit_code == 1
    assert ran.stderr == (
        "Error: Others can reach 0.0.0.0, so a token is needed. Give one with --token.\n"
    )


def test_a_token_from_the_settings_file_counts(fspose, tmp_path):
    file = tmp_path / "serve.yaml"
    file.write_text("host: 0.0.0.0\ntoken: short\n")

    ran = fspose("serve", "--config", file)

    assert ran.exit_code == 1
    assert "The token has 5 characters, expected at least 12." in ran.stderr


def test_a_port_that_is_taken_is_told(fspose, family):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = fspose("serve", "--port", taken.getsockname()[1], "--family", family)

    assert ran.exit_code == 1
    assert "cannot be listened at" in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_an_address_that_is_not_this_machines_is_told(fspose, family):
    ran = fspose("serve", "--host", "192.0.2.1", "--token", "x" * 20, "--family", family)

    assert ran.exit_code == 1
    assert "192.0.2.1, port 8000 cannot be listened at" in ran.stderr


def test_a_source_that_is_not_there_is_told(fspose):
    ran = fspose("serve", "nothing.mp4")

    assert (ran.exit_code, "nothing.mp4: no such file" in ran.stderr) == (1, True)


@pytest.mark.parametrize(
    "typed", [("--port", "99999"), ("--max-upload", "0"), ("--keep-files", "x"), ("--token",)]
)
def test_wrong_usage_is_2(fspose, typed):
    assert fspose("serve", *typed).exit_code == 2


def test_weights_that_are_none_are_told(fspose, tmp_path):
    ran = fspose("serve", "--port", "0", "--family", tmp_path)

    assert ran.exit_code == 1
    assert "Traceback" not in ran.stderr


def test_two_passes_that_cannot_be_are_refused_in_one_line(fspose, family):
    refused = ("--two-pass", "--keyframes", "adaptive")
    ran = fspose("serve", "--port", "0", "--family", family, "--device", "cpu", *refused)

    assert ran.exit_code == 1
    assert "Give --causal, or leave --two-pass out." in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_package_that_is_missing_is_told_with_what_to_do():
    with pytest.raises(
        ConfigError, match=r"no_such_package. Install it: pip install 'fspose\[serve\]'"
    ):
        need_packages(("no_such_package",))


@contextmanager
def running(*typed: object, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command, under way in a process of its own, that may leave files in `folder`."""
    command = [sys.executable, "-m", "fspose_app", *map(str, typed), "--device", "cpu"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: subprocess.Popen[str]) -> str:
    """Where the page is, as the command's first line tells."""
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.fullmatch(r"The page: (http://127\.0\.0\.1:\d+)/ \(Ctrl-C ends\)\.\n", line)
    assert found, line
    return found[1]


def first_picture(client: httpx.Client) -> httpx.Response:
    """The newest picture, as soon as there is one."""
    for _ in range(20):  # each waits for some seconds
        answer = client.get("/v1/live/picture", timeout=30)
        if answer.status_code != 204:
            break
    return answer


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_it_serves_until_it_is_stopped_and_leaves_nothing(family, video, tmp_path, number, code):
    with running("serve", video, "--port", 0, "--family", family, folder=tmp_path) as server:
        with httpx.Client(base_url=address(server), trust_env=False) as client:
            found = client.post("/v1/live/start", json={"source": "square.mp4"}).json()
            client.post("/v1/jobs", content=video.read_bytes())
            picture = first_picture(client)
        folders = [path.name for path in tmp_path.iterdir()]
        server.send_signal(number)
        rest = server.communicate(timeout=60)[1]

    assert found["source"] == "square.mp4"
    assert picture.status_code == 200
    assert [name[:13] for name in folders] == ["fspose-serve-"]
    assert (server.returncode, rest) == (code, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("asked", [True, False])
def test_webcam_shows_its_run_on_a_page_also_where_there_is_no_window(
    family, video, tmp_path, asked
):
    if not asked and not why_no_window():
        pytest.skip("there is a display here, which is preferred")
    typed = ("webcam", video, "--loop", "--realtime", "--port", 0, "--family", family)
    with running(*typed, *["--serve"] * asked, folder=tmp_path) as server:
        if not asked:
            assert server.stderr is not None
            assert "The pictures are on a page instead." in server.stderr.readline()
        with httpx.Client(base_url=address(server), trust_env=False) as client:
            picture = first_picture(client)
            live = client.get("/v1/live").json()
            stopped = client.post("/v1/live/stop")
        server.send_signal(signal.SIGINT)
        rest = server.communicate(timeout=60)[1]

    assert picture.status_code == 200
    assert live["state"] == "running"
    assert stopped.status_code == 409
    assert server.returncode == 130
    assert re.fullmatch(r"\d+ frames, \d+ dropped\.\n", rest)
