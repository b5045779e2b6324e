"""`fspose track --two-pass` with untrained networks: what it leaves, goes on with, and refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from data.errors import ConfigError
from data.result_file import read_result
from fspose_app import passes
from fspose_app.config import TrackSettings, settings

Fspose = Callable[..., Result]
QUICK = ("--interval", 4, "--search-interval", 2, "--device", "cpu", "--threads", 1)


def test_a_file_is_followed_in_two_passes(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    ran = fspose("track", video, "-o", tmp_path, "--family", family, *QUICK, "--two-pass")

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "result.jsonl")
    people = [person for record in records for person in record["people"]]
    assert header["settings"]["two_pass"] is True
    assert [record["frame"] for record in records] == list(range(40))
    assert [r["frame"] for r in records if r["keyframe"]] == [*range(0, 40, 4), 39]
    assert people
    assert all(("raw" in person) == (person["from"] != "between") for person in people)


def test_a_causal_run_says_so(fspose: Fspose, family: Path, video: Path, tmp_path: Path) -> None:
    args = ("--family", family, *QUICK, "--no-overlay", "--causal", "--smooth")
    ran = fspose("track", video, "-o", tmp_path, *args)

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "result.jsonl")
    assert header["settings"]["two_pass"] is False
    assert all("raw" in person for record in records for person in record["people"])


def test_without_a_word_the_source_decides() -> None:
    silent = TrackSettings()

    assert passes.in_two(silent, live=False) is passes.TWO_PASS_BY_DEFAULT
    assert passes.in_two(silent, live=True) is False
    assert passes.in_two(TrackSettings(scheme="every-frame"), live=False) is False
    assert passes.in_two(TrackSettings(two_pass=False), live=False) is False


@pytest.mark.parametrize(
    ("said", "live", "fusion"),
    [
        ({}, False, "fast-only"),
        ({}, True, "gated"),
        ({"two_pass": False}, False, "gated"),
        ({"keyframes": "adaptive"}, False, "gated"),
        ({"fusion": "two-maps"}, False, "two-maps"),
        ({"fusion": "recursive"}, False, "recursive"),
        ({"fusion": "fast-only"}, True, "fast-only"),
        ({"weights": {"transfer": "own.pth"}}, False, "two-maps"),
        ({"weights": {"transfer": "own.pth"}}, True, "gated"),
        ({"weights": {"transfer": "own.pth"}, "fusion": "fast-only"}, False, "fast-only"),
    ],
)
def test_the_fusion_is_what_was_asked_for_or_suits_the_passes(
    said: dict[str, object], live: bool, fusion: str
) -> None:
    chosen = passes.settled(settings(TrackSettings, None, said), live=live)

    assert chosen.fusion == fusion
    assert chosen.two_pass is passes.in_two(chosen, live=live)


def test_asked_for_the_transfer_network_carries_from_both_sides(
    fspose: Fspose, family: Path, video: Path, tmp_path: Path
) -> None:
    args = ("--family", family, *QUICK, "--no-overlay", "--two-pass", "--fusion", "two-maps")
    ran = fspose("track", video, "-o", tmp_path, *args)

    assert ran.exit_code == 0, ran.output
    header, records = read_result(tmp_path / "result.jsonl")
    assert "tiny-transfer" in [model["name"] for model in header["models"]]
    assert {person["from"] for record in records for person in record["people"]} >= {"fused"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--scheme", "every-frame"), "every-frame has no keyframes"),
        (("--keyframes", "adaptive"), "frame by frame"),
        (("--fusion", "recursive"), "recursive looks back alone"),
    ],
)
def test_what_two_passes_cannot_do_is_refused_in_one_line(
    fspose: Fspose, video: Path, tmp_path: Path, more: tuple[str, ...], words: str
) -> None:
    ran = fspose("track", video, "-o", tmp_path / "out", "--two-pass", *more)

    assert ran.exit_code == 1
    assert words in ran.stderr
    assert "--causal" in ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_refused_run_leaves_a_folder_that_was_there(
    fspose: Fspose, video: Path, tmp_path: Path
) -> None:
    ran = fspose("track", video, "-o", tmp_path, "--two-pass", "--fusion", "recursive")

    assert ran.exit_code == 1
    assert tmp_path.is_dir()


def test_a_stream_has_one_pass() -> None:
    with pytest.raises(ConfigError, match="has no frames ahead"):
        passes.in_two(TrackSettings(two_pass=True), live=True)
