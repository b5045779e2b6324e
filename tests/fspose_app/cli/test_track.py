"""`fspose track` with untrained networks: what it leaves, how it stops and goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

from data.result_file import read_partial, read_result
from data.sources import open_source

Fspose = Callable[..., Result]
QUICK = ("--interval", 4, "--search-interval", 2, "--device", "cpu", "--threads", 1)


def arguments(video: Path, out: Path, family: Path, *more: str) -> list[str]:
    """Of a run that is interrupted, and of those it is compared with."""
    options = ("--family", family, "--format", "jsonl,csv", *QUICK, *more)
    return ["track", str(video), "-o", str(out), *map(str, options)]


@pytest.fixture
def uninterrupted(fspose: Fspose, family: Path, video: Path, tmp_path: Path) -> dict[str, bytes]:
    """The files of a run to the end, by name."""
    ran = fspose(*arguments(video, tmp_path / "whole", family))
    assert ran.exit_code == 0, ran.output
    return {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}


def start(video: Path, out: Path, family: Path, *more: str) -> subprocess.Popen[bytes]:
    """`fspose track` as a process of its own."""
    command = [sys.executable, "-m", "fspose_app", *arguments(video, out, family, *more)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, bufsize=0)


def wait_for_frames(out: Path, least: int) -> None:
    """Until the partial result holds so many frames, and a state is there."""
    deadline = time.monotonic() + 100
    partial = out / "result.jsonl.partial"
    while time.monotonic() < deadline:
        if (out / "result.state.npz").exists() and partial.read_bytes().count(b"\n") > least:
            return
        time.sleep(0.01)
    raise AssertionError("no frames in time")


def test_a_run_leaves_result_and_overlay_and_says_so(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    ran = fspose("track", video, "-o", tmp_path / "out", "--family", family, *QUICK)

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "out" / "result.jsonl")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"result.jsonl", "overlay.mp4"}
    assert sum(1 for _ in open_source(str(tmp_path / "out" / "overlay.mp4"))) == 40
    assert len(records) == 40
    assert any(record["people"] for record in records)
    for words in ("frames", "tracks", "frames/s", "slow network", "tiny-slow", "overlay.mp4"):
        assert words in ran.stdout
    assert [model["name"] for model in header["models"]] == [
        *("tiny-fast", "tiny-finder", "tiny-slow")
    ]
    assert header["settings"]["interval"] == 4
    assert header["settings"]["fusion"] == "fast-only"


def test_keyframes_come_at_the_interval(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    fspose("track", video, "-o", tmp_path, "--family", family, *QUICK, "--no-overlay", "--causal")

    _, records = read_result(tmp_path / "result.jsonl")
    assert [r["frame"] for r in records if r["keyframe"]] == list(range(0, 40, 4))


def test_a_flip_test_changes_what_the_slow_network_says(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("track", video, "--family", family, *QUICK, "--no-overlay")

    fspose(*args, "-o", tmp_path / "once")
    fspose(*args, "-o", tmp_path / "twice", "--flip-test")

    once, twice = (read_result(tmp_path / name / "result.jsonl") for name in ("once", "twice"))
    assert (once[0]["settings"]["flip_test"], twice[0]["settings"]["flip_test"]) == (False, True)
    assert next(iter(once[1]))["people"] != next(iter(twice[1]))["people"]


def test_every_frame_is_the_other_scheme(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--family", family, "--scheme", "every-frame", "--no-overlay", "--threads", 1)
    ran = fspose("track", video, "-o", tmp_path, *args)

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "result.jsonl")
    assert all(record["keyframe"] for record in records)
    assert {model["name"] for model in header["models"]} == {
        "tiny-fast",  # it checks the finder's boxes
        "tiny-finder",
        "tiny-slow",
    }


def test_the_command_line_goes_over_the_settings_file(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(f"interval: 10\nfusion: fast-only\noverlay: false\nfamily: {family}\n")

    ran = fspose(
        "track", video, "-o", tmp_path / "out", "--config", config, "--interval", 20, "--threads", 1
    )

    assert ran.exit_code == 0, ran.output
    kept = read_result(tmp_path / "out" / "result.jsonl")[0]["settings"]
    assert (kept["interval"], kept["fusion"], kept["overlay"]) == (20, "fast-only", False)


def test_a_folder_of_images_has_times_at_the_rate_that_is_given(
    fspose: Fspose, family: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for index in range(5):
        cv2.imwrite(str(images / f"{index}.png"), np.full((64, 96, 3), 40, np.uint8))

    ran = fspose("track", images, "-o", tmp_path / "out", "--family", family, "--fps", 10, *QUICK)

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "out" / "result.jsonl")
    assert header["fps"] == 10
    assert [record["time"] for record in records] == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_without_a_folder_files_go_to_one_named_after_the_source(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    ran = fspose("track", video, "--family", family, "--no-overlay", *QUICK)

    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "fspose-out" / "square" / "result.jsonl").exists()


def test_a_result_is_not_replaced_unless_that_is_wanted(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    run = ("track", video, "-o", tmp_path, "--family", family, "--no-overlay", *QUICK)
    first, second, third = fspose(*run), fspose(*run), fspose(*run, "--overwrite")

    assert (first.exit_code, second.exit_code, third.exit_code) == (0, 1, 0)
    assert f"Error: {tmp_path}/result.jsonl is there already." in second.stderr
    assert "--overwrite" in second.stderr


def test_a_whole_result_needs_no_resuming(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    run = ("track", video, "-o", tmp_path, "--family", family, "--no-overlay", *QUICK)
    fspose(*run)
    before = (tmp_path / "result.jsonl").stat().st_mtime_ns

    again = fspose(*run, "--resume")

    assert again.exit_code == 0
    assert "is whole already" in again.stdout
    assert before == (tmp_path / "result.jsonl").stat().st_mtime_ns


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_an_interrupted_run_goes_on_to_the_same_files_byte_for_byte(
    fspose: Fspose,
    family: Path,
    video: Path,
    uninterrupted: dict[str, bytes],
    tmp_path: Path,
    number: int,
    code: int,
) -> None:
    out = tmp_path / "out"
    process = start(video, out, family)
    wait_for_frames(out, 6)
    process.send_signal(number)
    said = process.communicate(timeout=60)[1].decode()
    left = {path.name for path in out.iterdir()}
    partial = read_partial(out / "result.jsonl.partial")[1]

    assert code == process.returncode, said
    assert "Traceback" not in said
    assert not left & {"result.jsonl", "overlay.mp4", "result.csv"}
    assert 6 <= len(list(partial)) < 40

    resumed = fspose(*arguments(video, out, family, "--resume"))

    assert resumed.exit_code == 0, resumed.output
    assert uninterrupted == {path.name: path.read_bytes() for path in out.iterdir()}


def test_an_unfinished_run_is_neither_replaced_nor_mixed(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    process = start(video, tmp_path, family)
    wait_for_frames(tmp_path, 3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    run = ("track", video, "-o", tmp_path, "--family", family, "--format", "jsonl,csv")

    plain = fspose(*run, *QUICK)
    other = fspose(*run, *QUICK, "--resume", "--interval", 5)

    assert (plain.exit_code, other.exit_code) == (1, 1)
    assert "holds an unfinished run. Go on with it by --resume" in plain.stderr
    assert "settings.interval 4, this run has 5" in other.stderr


def test_a_full_disk_leaves_no_final_name_and_one_line(
    family: Path, video: Path, tmp_path: Path
) -> None:
    # A limit on a file's size is what a full disk is to a program: writing fails half way.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)); "
    program = limit + "from fspose_app.cli import main; main(prog_name='fspose')"
    args = ["track", video, "-o", tmp_path, "--family", family, "--no-overlay", *QUICK]

    ran = subprocess.run(
        [sys.executable, "-c", program, *map(str, args)], capture_output=True, text=True
    )

    assert ran.returncode == 1
    assert "Error: " in ran.stderr.splitlines()[-1]
    assert "cannot be written: File too large." in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "result.jsonl").exists()


def test_a_full_disk_under_another_format_leaves_no_final_name(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this system")
    os.symlink("/dev/full", tmp_path / "result.csv.partial")

    ran = fspose(*arguments(video, tmp_path, family))

    assert ran.exit_code == 1
    assert ran.stderr.endswith("result.csv cannot be written: No space left on device.\n")
    assert not {path.name for path in tmp_path.iterdir()} & {"result.jsonl", "overlay.mp4"}
