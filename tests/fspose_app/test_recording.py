"""A run into its files: to the end, stopped and gone on with, killed, and failing."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.errors import OutputError, ResultError, SourceError
from data.frame import Frame, FrameResult
from data.pose import Box, Pose
from data.result import header_of, rounded
from data.result_file import read_partial, read_result
from data.skeleton import COCO_17, Skeleton
from data.sources.info import SourceInfo
from fspose_app.recording import Past, Recording, Tally
from fspose_app.sinks.jsonl import JsonlSink
from fspose_app.state import RunState, load_state
from fspose_app.stopping import StopRequest
from pipelines.timing import no_clock

HEADER = header_of(
    SourceInfo("clip.mp4", 8, 6, 25.0, None), COCO_17, models=[], settings={}, version="0"
)


class Walk:
    """A pipeline whose one person moves by what it remembers: a lost snapshot would show."""

    skeleton: Skeleton = COCO_17

    def begin(self, snapshot: Mapping[str, np.ndarray[Any, Any]] | None = None) -> WalkRun:
        return WalkRun(0.0 if snapshot is None else float(snapshot["place"]))

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        return map(self.begin().step, frames)


class WalkRun:
    def __init__(self, place: float) -> None:
        self.place = place

    def step(self, frame: Frame) -> FrameResult:
        self.place = self.place * 1.1 + 1
        box = Box(self.place, 0, self.place + 3, 5)
        pose = Pose(np.full((17, 2), self.place, np.float32), np.ones(17, np.float32), box, 0.5, 1)
        return FrameResult(frame, (pose,), frame.index % 4 == 0, ("slow",))

    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        return {"place": np.float64(self.place)}


@dataclass
class Drawing:
    """An overlay that remembers what it was given."""

    results: list[FrameResult] = field(default_factory=list)
    closed: bool = False
    full_after: int = 1000

    def write(self, result: FrameResult) -> None:
        if len(self.results) == self.full_after:
            raise OutputError("overlay.mp4 cannot be written: No space left on device.")
        self.results.append(result)

    def close(self) -> None:
        self.closed = True

    def abandon(self) -> None:
        pass

    def places(self) -> list[float]:
        return [float(rounded(result).poses[0].keypoints[0, 0]) for result in self.results]


def frames(count: int, before: Callable[[int], None] = lambda index: None) -> Iterator[Frame]:
    for index in range(count):
        before(index)
        yield Frame(index, index / 25, np.zeros((6, 8, 3), np.uint8), str(index))


class Folder:
    """A run's folder, and runs into it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.result, self.state = path / "result.jsonl", path / "result.state.npz"
        self.drawing = Drawing()
        self.pipeline = Walk()

    def run(
        self, source: Iterator[Frame], *, resume: bool = False, live: bool = False
    ) -> tuple[Tally, StopRequest]:
        past = None
        if resume:
            state = load_state(self.state)
            assert state is not None
            _, records = read_partial(self.path / "result.jsonl.partial")
            past = Past(state, records)
            sink = JsonlSink.resume(self.result, HEADER, state.frames)
        else:
            sink = JsonlSink.open_new(self.result, HEADER)
        with StopRequest() as stop:
            recording = Recording(
                result=sink,
                others=self.drawing,
                state=None if live else self.state,
                stop=stop,
                clock=no_clock,
                tell=lambda done: None,
            )
            return recording.run(source, self.pipeline, past), stop

    def names(self) -> set[str]:
        return {path.name for path in self.path.iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def interrupt_at(index: int, number: int = signal.SIGINT) -> Callable[[int], None]:
    """A source's hook that sends this process a signal while frame `index` is waited for."""

    def hook(at: int) -> None:
        if at == index:
            os.kill(os.getpid(), number)

    return hook


def whole(path: Path) -> tuple[bytes, list[float]]:
    """The bytes and drawings of an uninterrupted run over 20 frames."""
    path.mkdir()
    folder = Folder(path)
    folder.run(frames(20))
    return folder.result.read_bytes(), folder.drawing.places()


def test_a_run_to_the_end_leaves_whole_files_and_no_state(folder: Folder) -> None:
    tally, _ = folder.run(frames(20))

    assert (tally.frames, tally.worked, tally.keyframes) == (20, 20, 5)
    assert (tally.most_people, tally.tracks, tally.whole) == (1, {1}, True)
    assert folder.names() == {"result.jsonl"}
    assert len(read_result(folder.result)[1]) == 20
    assert folder.drawing.closed


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_valid_partial_result(folder: Folder, number: int, code: int) -> None:
    tally, stop = folder.run(frames(20, interrupt_at(7, number)))

    assert (tally.frames, tally.whole, stop.exit_code) == (7, False, code)
    assert folder.names() == {"result.jsonl.partial", "result.state.npz"}
    assert len(read_partial(folder.path / "result.jsonl.partial")[1]) == 7
    assert not folder.drawing.closed


@pytest.mark.parametrize("at", [1, 7, 19])
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path: Path, at: int) -> None:
    expected, drawn = whole(tmp_path / "whole")
    (tmp_path / "cut").mkdir()
    cut = Folder(tmp_path / "cut")
    cut.run(frames(20, interrupt_at(at)))
    cut.drawing = Drawing()

    tally, _ = cut.run(frames(20), resume=True)

    assert expected == cut.result.read_bytes()
    assert drawn == cut.drawing.places()
    assert (tally.frames, tally.worked, tally.keyframes) == (20, 20 - at, 5)
    assert cut.names() == {"result.jsonl"}


def test_a_run_may_be_stopped_again_while_it_reads_what_it_had_done(tmp_path: Path) -> None:
    expected, _ = whole(tmp_path / "whole")
    (tmp_path / "cut").mkdir()
    cut = Folder(tmp_path / "cut")
    cut.run(frames(20, interrupt_at(9)))

    cut.run(frames(20, interrupt_at(4)), resume=True)
    cut.run(frames(20), resume=True)

    assert expected == cut.result.read_bytes()


def test_lines_written_after_the_last_state_are_done_again(tmp_path: Path) -> None:
    expected, _ = whole(tmp_path / "whole")
    (tmp_path / "cut").mkdir()
    cut = Folder(tmp_path / "cut")
    cut.run(frames(20, interrupt_at(5)))
    early = cut.state.read_bytes()
    cut.run(frames(20, interrupt_at(12)), resume=True)
    cut.state.write_bytes(early)  # as a kill leaves it: lines of 12 frames, the state of 5
    with (cut.path / "result.jsonl.partial").open("ab") as file:
        file.write(b'{"frame":12,"ti')

    cut.run(frames(20), resume=True)

    assert expected == cut.result.read_bytes()


def test_the_state_is_kept_from_the_first_frame_on(folder: Folder) -> None:
    seen = []

    def look(index: int) -> None:
        seen.append(load_state(folder.state))

    folder.run(frames(3, look))

    assert [None if state is None else state.frames for state in seen] == [None, 1, 1]


def test_a_live_source_ends_where_it_is_stopped(folder: Folder) -> None:
    tally, stop = folder.run(frames(1000, interrupt_at(7)), live=True)

    assert (tally.frames, tally.whole, stop.exit_code) == (7, True, 130)
    assert folder.names() == {"result.jsonl"}
    assert folder.drawing.closed


def test_a_source_that_breaks_leaves_no_final_name(folder: Folder) -> None:
    def broken(index: int) -> None:
        if index == 7:
            raise SourceError("clip.mp4 cannot be decoded at frame 7.")

    with pytest.raises(SourceError, match="frame 7"):
        folder.run(frames(20, broken))

    assert "result.jsonl" not in folder.names()
    assert len(read_partial(folder.path / "result.jsonl.partial")[1]) == 7


def test_a_full_disk_under_the_overlay_leaves_no_final_name(folder: Folder) -> None:
    folder.drawing.full_after = 3

    with pytest.raises(OutputError, match="No space left"):
        folder.run(frames(20))

    assert "result.jsonl" not in folder.names()


def test_a_source_that_became_shorter_is_told(folder: Folder) -> None:
    folder.run(frames(20, interrupt_at(9)))

    with pytest.raises(SourceError, match="ends after 5 frames, but 9 were done before"):
        folder.run(frames(5), resume=True)


def test_an_empty_source_leaves_an_empty_result(folder: Folder) -> None:
    tally, _ = folder.run(frames(0))

    assert (tally.frames, tally.whole) == (0, True)


def test_a_second_signal_ends_at_once(folder: Folder) -> None:
    def twice(index: int) -> None:
        if index == 3:
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                os.kill(os.getpid(), signal.SIGINT)

    tally, stop = folder.run(frames(20, twice))

    assert (tally.frames, stop.exit_code) == (3, 130)
    assert "result.jsonl" not in folder.names()


def test_a_signal_outside_the_waiting_is_only_noted() -> None:
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)

        assert (stop.wanted, stop.exit_code) == (True, 130)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_after_a_run_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGINT)

    with StopRequest():
        assert signal.getsignal(signal.SIGINT) != before

    assert signal.getsignal(signal.SIGINT) == before


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "result.state.npz"
    maps = np.arange(6, dtype=np.float32).reshape(2, 3)

    RunState(12, {"memory.maps": maps, "tracker.next": np.int64(4)}).save(path)
    state = load_state(path)

    assert state is not None
    assert state.frames == 12
    np.testing.assert_array_equal(state.snapshot["memory.maps"], maps)
    assert (state.snapshot["memory.maps"].dtype, state.snapshot["tracker.next"]) == ("float32", 4)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"text"])
def test_a_damaged_state_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "result.state.npz"
    path.write_bytes(content)

    with pytest.raises(ResultError, match=r"result\.state\.npz is damaged.* --overwrite"):
        load_state(path)


def test_a_state_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="cannot be written: Not a directory"):
        RunState(1, {}).save(tmp_path / "file" / "result.state.npz")


class Late(Walk):
    """The same, said four frames later, four frames at a time."""

    def begin(self, snapshot: Mapping[str, np.ndarray[Any, Any]] | None = None) -> LateWalk:  # type: ignore[override]
        return LateWalk(super().begin(snapshot))


class LateWalk:
    def __init__(self, run: WalkRun) -> None:
        self.run, self.waiting = run, list[Frame]()

    def feed(self, frame: Frame) -> list[FrameResult]:
        self.waiting.append(frame)
        return [] if len(self.waiting) < 8 else self.answers(4)

    def finish(self) -> list[FrameResult]:
        return self.answers(len(self.waiting))

    def answers(self, count: int) -> list[FrameResult]:
        ready, self.waiting = self.waiting[:count], self.waiting[count:]
        return [self.run.step(frame) for frame in ready]

    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        return self.run.snapshot()


@pytest.mark.parametrize("count", [0, 3, 8, 20])
def test_late_results_are_written_one_for_one(tmp_path: Path, count: int) -> None:
    at_once, late = Folder(tmp_path / "once"), Folder(tmp_path / "late")
    for folder, pipeline in ((at_once, Walk()), (late, Late())):
        folder.path.mkdir()
        folder.pipeline = pipeline
        tally, _ = folder.run(frames(count))
        assert (tally.frames, tally.whole) == (count, True)

    assert late.result.read_bytes() == at_once.result.read_bytes()
    assert late.drawing.places() == at_once.drawing.places()


@pytest.mark.parametrize("at", [8, 9, 11, 12, 19])
def test_a_late_run_goes_on_to_the_same_bytes(tmp_path: Path, at: int) -> None:
    bytes_, places = whole(tmp_path / "whole")
    folder = Folder(tmp_path / "cut")
    folder.path.mkdir()
    folder.pipeline = Late()
    tally, _ = folder.run(frames(20, interrupt_at(at)))
    assert 0 < tally.frames < at

    folder.drawing = Drawing()
    tally, _ = folder.run(frames(20), resume=True)

    assert tally.whole
    assert folder.result.read_bytes() == bytes_
    assert folder.drawing.places() == places


def test_a_late_run_that_is_stopped_before_its_first_result_leaves_no_state(
    folder: Folder,
) -> None:
    folder.pipeline = Late()
    tally, _ = folder.run(frames(20, interrupt_at(5)))

    assert (tally.frames, tally.whole) == (0, False)
    assert folder.names() == {"result.jsonl.partial"}
