"""`fspose bench`: what is asked for wrongly is told in a line; a short run writes its files."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Fspose = Callable[..., Result]


def assert_told(ran: Result, *words: str, code: int) -> None:
    assert ran.exit_code == code, ran.output
    line = ran.stderr.splitlines()[-1]
    assert line.startswith("Error: ")
    assert all(word in line for word in words), line
    assert "Traceback" not in ran.output


def test_an_unknown_scheme_is_told_with_the_nearest(fspose: Fspose, tmp_path: Path) -> None:
    ran = fspose("bench", "--schemes", "fast-slow,recursiv", "-o", tmp_path / "out")

    assert_told(ran, "'recursiv'", "did you mean 'recursive'?", code=2)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("clip.mp4", "--grow", "people"), "exclude each other"),
        (("--minutes", "3"), "--grow length only"),
        (("--grow", "size", "--schemes", "hrnet-w32"), "--grow has no hrnet-w32"),
    ],
)
def test_options_that_do_not_go_together_are_told(
    fspose: Fspose, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    assert_told(fspose("bench", *words, "-o", tmp_path / "out"), told, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_is_not_there_is_told_and_nothing_left(fspose: Fspose, tmp_path: Path) -> None:
    ran = fspose("bench", tmp_path / "nowhere.mp4", "-o", tmp_path / "out")

    assert_told(ran, "nowhere.mp4", "no such file", code=1)
    assert list(tmp_path.iterdir()) == []


def test_more_threads_than_cores_are_told(fspose: Fspose, video: Path, tmp_path: Path) -> None:
    many = min(512, 4 * (os.cpu_count() or 1) + 1)

    ran = fspose("bench", video, "--threads", many, "-o", tmp_path / "out")

    assert_told(ran, f"--threads is {many}", "cores here", code=1)


def test_a_file_in_the_place_of_the_folder_is_told(
    fspose: Fspose, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("mine")

    ran = fspose("bench", video, "-o", tmp_path / "out")

    assert_told(ran, "out", "is a file", code=2)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_folder_that_holds_something_is_left_alone(
    fspose: Fspose, video: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    assert_told(fspose("bench", video, "-o", tmp_path), "not empty", code=1)


@pytest.mark.slow
def test_a_short_run_writes_table_numbers_and_picture(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    words = ("--schemes", "fast-slow", "--frames", 3, "--threads", 1, "--family", family)

    ran = fspose("bench", video, *words, "-o", tmp_path / "out")

    assert ran.exit_code == 0, ran.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"bench.csv", "bench.json", "pareto.png"}
    with (tmp_path / "out" / "bench.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["scheme"] for row in rows] == ["every-frame-slow", "fast-slow", "hrnet-w32"]
    assert all(float(row["memory_mb"]) > 50 for row in rows)
    assert all(name in ran.stdout for name in ("hrnet-w32", "peak, 3x3 convolutions", "PCK@0.2"))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.slow
def test_memory_over_the_length_of_a_clip_is_written(
    fspose: Fspose, family: Path, tmp_path: Path
) -> None:
    words = ("--grow", "length", "--minutes", 0.05, "--threads", 1, "--family", family)

    ran = fspose("bench", *words, "-o", tmp_path / "out")

    assert ran.exit_code == 0, ran.output
    found = json.loads((tmp_path / "out" / "growth.json").read_text())
    assert [(row["grown"], row["frames"]) for row in found["rows"]] == [("0.05", 38)]
    assert (tmp_path / "out" / "growth.csv").is_file()


@pytest.mark.skipif(os.name != "posix", reason="signals to a group of processes")
def test_an_interruption_leaves_nothing(family: Path, video: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "fspose_app", "bench", str(video), "--family", str(family)]
    busy = subprocess.Popen(
        [*command, "-o", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "out.partial").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2)  # by now it brings in its libraries, or measures

    os.killpg(busy.pid, signal.SIGINT)
    _, told = busy.communicate(timeout=60)

    # A signal amid an `exec` of an import ends Python by that signal: a shell says 130 too.
    assert busy.returncode in (130, -signal.SIGINT), told
    assert told.splitlines()[-1] == "Stopped."
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []
