"""`fspose webcam` as a person calls it, with a tiny family of networks."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from click.testing import Result

from data.result_file import read_result

Fspose = Callable[..., Result]
NETWORKS = ("--threads", 1, "--device", "cpu", "--no-window")


def assert_told(ran: Result, *words: str, code: int = 1) -> None:
    """One line that starts with Error and holds the words."""
    assert ran.exit_code == code, ran.output
    (line,) = ran.stderr.splitlines()
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line


def test_a_file_is_followed_to_its_end_and_recorded(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    ran = fspose("webcam", video, "--family", family, *NETWORKS, "--record", tmp_path / "out")

    assert ran.exit_code == 0, ran.output
    assert ran.stdout == f"{tmp_path / 'out'}\n"
    assert ran.stderr.endswith("40 frames, 0 dropped.\n")
    (path,) = (tmp_path / "out").glob("*.jsonl")
    header, records = read_result(path)
    assert len(records) == 40
    assert [record["frame"] for record in records if record["keyframe"]] == [0, 16, 32]
    assert (header["settings"]["keep"], header["settings"]["fusion"]) == (3.0, "gated")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        path.name,
        path.with_suffix(".mp4").name,
    }


def test_recorded_lines_fit_the_schema(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = Path(__file__).parents[3] / "fspose_app" / "result.schema.json"

    fspose("webcam", video, "--family", family, *NETWORKS, "--record", tmp_path)

    (path,) = tmp_path.glob("*.jsonl")
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text()))
    for line in path.read_text().splitlines():
        validator.validate(json.loads(line))


def test_the_schemes_options_and_a_settings_file_count(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "live.yaml"
    settings.write_text("interval: 10\nkeep: 1.5\nfusion: fast-only\n")

    ran = fspose(
        *("webcam", video, "--family", family, *NETWORKS, "--record", tmp_path / "out"),
        *("--config", settings, "--interval", 20),
    )

    assert ran.exit_code == 0, ran.output
    (path,) = (tmp_path / "out").glob("*.jsonl")
    header, records = read_result(path)
    assert [record["frame"] for record in records if record["keyframe"]] == [0, 20]
    assert (header["settings"]["keep"], header["settings"]["fusion"]) == (1.5, "fast-only")


def test_a_setting_of_another_command_is_told(fspose: Fspose, video: Path, tmp_path: Path) -> None:
    settings = tmp_path / "live.yaml"
    settings.write_text("overlay: false\n")

    assert_told(fspose("webcam", video, "--config", settings), "overlay")


def test_no_camera_is_told(fspose: Fspose) -> None:
    if Path("/dev/video97").exists():
        pytest.skip("there is a camera 97")

    assert_told(fspose("webcam", "97"), "webcam:97: there is no such camera")


def test_a_missing_file_is_told(fspose: Fspose, tmp_path: Path) -> None:
    assert_told(fspose("webcam", tmp_path / "gone.mp4"), "gone.mp4: no such file")


def test_an_address_that_never_answers_is_told(fspose: Fspose) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://anna:secret@127.0.0.1:{listener.getsockname()[1]}/live"
        ran = fspose("webcam", address, "--patience", 0.3)

    assert_told(ran, "/live: cannot be opened (nothing arrived in time)")
    assert "secret" not in ran.output


def test_garbage_at_the_address_is_told(fspose: Fspose, mjpeg: Any) -> None:
    mjpeg.garbage(60)

    ran = fspose("webcam", mjpeg.address, "--patience", 1)

    assert_told(ran, mjpeg.address)


def test_a_page_and_a_window_exclude_each_other(fspose: Fspose) -> None:
    ran = fspose("webcam", "--serve", "--window")

    assert ran.exit_code == 2
    assert "--serve and --window exclude each other." in ran.stderr


@pytest.mark.skipif(bool(cv2.currentUIFramework()), reason="this OpenCV has windows")
def test_a_window_that_cannot_be_is_told(fspose: Fspose) -> None:
    assert_told(fspose("webcam", "--window"), "opencv-python-headless", "--serve")


@pytest.fixture
def following(family: Path, mjpeg: Any, tmp_path: Path) -> subprocess.Popen[str]:
    """`fspose webcam` on the stream, as a process of its own that records."""
    options = ("--family", str(family), *map(str, NETWORKS), "--record", str(tmp_path / "out"))
    return subprocess.Popen(
        [sys.executable, "-m", "fspose_app", "webcam", mjpeg.address, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals are told otherwise there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_cleanly_also_while_it_starts(
    following: subprocess.Popen[str], mjpeg: Any, tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "out"
    deadline = time.monotonic() + 150  # libraries are slow to load on a busy machine
    # SIGTERM while networks are being loaded, Ctrl-C once frames are being recorded.
    while not (mjpeg.sent if number == signal.SIGTERM else list(out.glob("*.jsonl.partial"))):
        assert time.monotonic() < deadline
        assert following.poll() is None
        time.sleep(0.02)

    following.send_signal(number)

    stdout, stderr = following.communicate(timeout=150)
    assert following.returncode == 128 + number, stderr
    assert "Traceback" not in stderr
    if number == signal.SIGINT:
        assert stdout == f"{out}\n"
        (path,) = out.glob("*.jsonl")
        assert len(read_result(path)[1]) >= 1
        assert not list(out.glob("*.partial"))
