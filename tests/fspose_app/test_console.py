"""What a command says, and where."""

from __future__ import annotations

import pytest

from data.errors import SourceError
from fspose_app.console import Console, clock_time


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_answers_go_out_and_notes_aside(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()

    console.say("an [bold]answer[/] " + "x" * 200)
    console.note("a note")

    said = capsys.readouterr()
    assert said.out == "an [bold]answer[/] " + "x" * 200 + "\n"
    assert said.err == "a note\n"


def test_a_table_shows_every_cell_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Console().table([("frames", "[12]"), ("tracks", "3")], columns=("what", "number"), right=(1,))

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["frames", "[12]"] in lines
    assert ["tracks", "3"] in lines


def test_without_a_terminal_progress_is_a_line_every_five_seconds(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Console(clock).progress("track", done=0, total=100) as show:
        for done in range(1, 13):
            clock.now += 1.0
            show(done)

    assert capsys.readouterr().err.splitlines() == [
        "track: frame 5 of 100 (5 %), 1.0 frames/s, about 1:35 left",
        "track: frame 10 of 100 (10 %), 1.0 frames/s, about 1:30 left",
    ]


def test_in_a_long_run_lines_become_rarer_but_one_a_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Console(clock).progress("track", done=0, total=None) as show:
        for done in range(3600):
            clock.now += 1.0
            show(done)

    lines = len(capsys.readouterr().err.splitlines())
    assert 60 <= lines <= 100


def test_progress_of_a_resumed_run_counts_its_own_frames_for_the_speed(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Console(clock).progress("track", done=90, total=100) as show:
        clock.now += 5.0
        show(95)

    assert "frame 95 of 100 (95 %), 1.0 frames/s, about 0:05 left" in capsys.readouterr().err


def test_progress_of_a_stream_has_no_end(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Console(clock).progress("track", done=0, total=None) as show:
        clock.now += 10.0
        show(5)

    assert capsys.readouterr().err == "track: frame 5, 0.5 frames/s\n"


def test_on_a_terminal_progress_is_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")

    with Console().progress("track", done=0, total=10) as show:
        show(10)

    shown = capsys.readouterr()
    assert "10/10" in shown.err
    assert shown.out == ""


def test_a_trace_names_the_cause(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise SourceError("clip.mp4 cannot be read.") from OSError("no such codec")
    except SourceError as error:
        Console().trace(error)

    said = capsys.readouterr().err
    assert "no such codec" in said
    assert "SourceError: clip.mp4 cannot be read." in said


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (83, "1:23"), (3723, "1:02:03")])
def test_times_are_written_as_on_a_clock(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text
