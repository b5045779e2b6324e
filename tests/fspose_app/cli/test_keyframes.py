"""--keyframes, --budget and --skip: what they make of a run, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from data.result_file import read_result
from fspose_app.adaptive import adaptive
from fspose_app.config import TrackSettings, settings

Fspose = Callable[..., Result]
QUICK = ("--search-interval", 2, "--device", "cpu", "--threads", 1, "--no-overlay")


def refused(ran: Result, code: int = 1) -> str:
    """The one line that tells what is wrong."""
    assert ran.exit_code == code, ran.output
    assert "Traceback" not in ran.output
    return ran.stderr.splitlines()[-1]


def test_adaptive_keyframes_follow_a_video_to_its_end(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    ran = fspose("track", video, "-o", tmp_path, "--family", family, *QUICK, "--keyframes=adaptive")

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "result.jsonl")
    assert (header["settings"]["keyframes"], header["settings"]["interval"]) == ("adaptive", 16)
    assert len(records) == 40
    assert next(iter(records))["keyframe"]


def test_a_budget_is_kept_in_the_header(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    options = (*QUICK, "--keyframes", "adaptive", "--budget", 2, "--skip", 1)
    ran = fspose("track", video, "-o", tmp_path, "--family", family, *options)

    assert ran.exit_code == 0, ran.output
    header, _ = read_result(tmp_path / "result.jsonl")
    assert (header["settings"]["budget"], header["settings"]["skip"]) == (2, 1)


def test_every_with_a_number_is_an_interval(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--family", family, *QUICK, "--causal", "--keyframes=every:8")
    ran = fspose("track", video, "-o", tmp_path, *args)

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "result.jsonl")
    assert (header["settings"]["keyframes"], header["settings"]["interval"]) == ("every", 8)
    assert [r["frame"] for r in records if r["keyframe"]] == [0, 8, 16, 24, 32]


def test_the_command_line_s_interval_overrides_a_file_s_rule(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("keyframes: every:8\n")

    assert settings(TrackSettings, file, {}).interval == 8
    assert settings(TrackSettings, file, {"interval": 4}).interval == 4
    assert settings(TrackSettings, file, {"keyframes": "every:2"}).interval == 2


def test_a_budget_below_the_least_is_refused_with_the_least(
    fspose: Fspose, video: Path, tmp_path: Path
) -> None:
    options = ("--keyframes", "adaptive", "--budget", 0.05, "--device", "cpu", "--threads", 1)
    line = refused(fspose("track", video, "-o", tmp_path / "out", *options))

    assert line.startswith("Error: A budget of 0.05 GMAC per person and frame cannot be met")
    assert line.endswith("the least is 0.164.")


def test_the_least_knows_that_everyone_is_read_on_a_search() -> None:
    chosen = TrackSettings(keyframes="adaptive", skip=50, search_interval=4)

    assert adaptive(chosen, None).skip == 3
    assert adaptive(TrackSettings(keyframes="adaptive", skip=1), None).skip == 1


@pytest.mark.parametrize("option", [("--budget", 0.4), ("--skip", 2)])
@pytest.mark.parametrize("scheme", [(), ("--keyframes", "every:8")])
def test_a_budget_or_skip_without_adaptive_keyframes_is_refused(
    fspose: Fspose,
    family: Path,
    video: Path,
    tmp_path: Path,
    option: tuple[object, ...],
    scheme: tuple[str, ...],
) -> None:
    ran = fspose("track", video, "-o", tmp_path / "out", "--family", family, *option, *scheme)

    assert "Give --keyframes adaptive too" in refused(ran)


@pytest.mark.parametrize("rule", ["every:0", "every:", "sometimes", "adaptive:4", "every:-2"])
def test_a_rule_that_there_is_not_is_wrong_usage(fspose: Fspose, video: Path, rule: str) -> None:
    line = refused(fspose("track", video, "--keyframes", rule), code=2)

    assert "is neither every, every:N nor adaptive" in line


def test_two_intervals_are_refused(fspose: Fspose, video: Path, tmp_path: Path) -> None:
    ran = fspose("track", video, "-o", tmp_path, "--keyframes", "every:8", "--interval", 4)

    assert "one of them says it all" in refused(ran)
