"""Live runs over fake networks: what is answered, dropped, lost and found again; how they end."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from data.errors import ConfigError, OutputError, SourceError
from data.result_file import read_result
from data.sources import open_source
from data.sources.camera import Camera
from fspose_app.config import SchemeSettings
from fspose_app.live.answer import Networks
from fspose_app.live.run import LiveRun

SETTINGS = SchemeSettings()


@pytest.fixture
def live(one_person):
    """Makes runs over one fake pipeline, and stops them all; no thread may be left."""
    runs, before = [], set(threading.enumerate())

    def make(source="street", pipeline=None, making=0.0, **options):
        person = pipeline or one_person()

        def networks(settings, clock, tracking):
            time.sleep(making)
            return Networks(person)

        lines: list[str] = []
        run = LiveRun(source, SETTINGS, **{"make": networks, "say": lines.append, **options})
        run.lines = lines
        runs.append(run)
        return run

    yield make
    for run in runs:
        run.stop()
    deadline = time.monotonic() + 5
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert set(threading.enumerate()) - before <= {
        thread for thread in threading.enumerate() if "serve_forever" in thread.name
    }


def frames_of(run, count, patience=10.0):
    """The next frames, each as it comes."""
    found, latest, deadline = [], -1, time.monotonic() + patience
    while len(found) < count and time.monotonic() < deadline:
        frame = run.newer(latest, 0.2)
        if frame is not None:
            found.append(frame)
            latest = frame.index
    return found


def wait_for(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


def test_a_stream_is_answered_frame_by_frame_with_its_people_drawn(live, mjpeg):
    run = live(mjpeg.address)
    assert (run.state, run.message[:16]) == ("starting", "Opening http://1")

    run.start()
    frames = frames_of(run, 10)

    assert run.state == "running"
    assert run.message == ""
    assert [frame.index for frame in frames] == list(range(10))
    assert all(frame.people == 1 for frame in frames)
    assert frames[0].keyframe
    assert not frames[1].keyframe
    assert all(0 < frame.latency < 5 for frame in frames)
    assert 0 < frames[-1].rate < 60
    assert "draw" in frames[0].times
    assert frames[0].picture.shape == (64, 96, 3)
    colours = frames[0].picture.astype(int)
    assert np.abs(colours[..., 0] - colours[..., 2]).max() > 50  # what is drawn on grey


def test_late_frames_are_dropped_and_counted_and_the_newest_is_answered(live, mjpeg, one_person):
    person = one_person(took=0.15)
    run = live(mjpeg.address, person)

    run.start()
    frames = frames_of(run, 8)

    gaps = np.diff([frame.index for frame in person.seen])
    assert 3 <= np.median(gaps) <= 6  # 0.15 s at 25 frames per second
    assert frames[-1].dropped >= 2 * len(gaps[2:])
    assert all(frame.latency < 0.6 for frame in frames)  # a queue would make it 1 s by now


def test_a_file_is_answered_whole_and_then_the_run_is_over(live, tiny_video):
    run = live(str(tiny_video))
    run.start()

    wait_for(lambda: run.state == "stopped")

    last = run.newer(-1, 1.0)
    assert last is not None
    assert (last.index, last.dropped) == (11, 0)
    assert run.message == f"{tiny_video} has come to its end."
    assert run.newer(last.index, 5.0) is None


def test_a_file_in_real_time_goes_on_in_a_loop(live, tiny_video):
    run = live(str(tiny_video), realtime=True, loop=True)
    start = time.monotonic()
    run.start()

    frames = frames_of(run, 16)

    assert len(frames) == 16
    assert time.monotonic() - start > 1.4
    assert 4 < frames[-1].rate < 16


def test_a_lost_stream_is_told_in_a_line_and_comes_back_with_the_same_people(live, mjpeg):
    run = live(mjpeg.address, patience=1.0)
    run.start()
    frames_of(run, 3)

    mjpeg.refuse(0.8)
    wait_for(lambda: run.state == "reconnecting")
    message = run.message
    wait_for(lambda: run.state == "running")

    assert message.startswith(f"Lost {mjpeg.address}: reading failed")
    assert message.endswith("Trying again.")
    assert len(run.lines) == 2
    assert run.lines[0] == message
    assert run.lines[1].endswith("People keep track numbers.")
    assert run.reconnects == 1
    assert run.message == ""


def test_a_stream_that_stalls_for_long_is_opened_again_and_its_people_are_new(
    live, mjpeg, one_person
):
    person = one_person()
    run = live(mjpeg.address, person, patience=0.5, keep=0.2)
    run.start()
    frames_of(run, 3)

    mjpeg.stall(1.5)
    wait_for(lambda: run.state == "reconnecting")
    wait_for(lambda: run.state == "running")
    frames_of(run, 3)

    assert person.track > 1
    assert run.lines[0].startswith(
        f"Lost {mjpeg.address}: reading failed (nothing arrived in time)"
    )
    assert run.lines[-1].endswith("New track numbers.")


def test_garbage_in_the_stream_is_survived(live, mjpeg):
    run = live(mjpeg.address, patience=1.0)
    run.start()
    frames_of(run, 3)

    mjpeg.garbage(1.5)
    time.sleep(1.5)
    latest = run.newer(-1, 1.0)
    wait_for(lambda: run.state == "running")

    assert latest is not None
    assert run.newer(latest.index + 10, 20.0) is not None


def test_pictures_of_another_size_in_the_middle_are_followed_and_recorded(
    live, mjpeg, one_person, tmp_path
):
    person = one_person()
    run = live(mjpeg.address, person, record=tmp_path)
    run.start()
    frames_of(run, 5)

    mjpeg.resize(64, 48)
    wait_for(lambda: run.newer(-1, 1.0).picture.shape == (48, 64, 3))
    frames_of(run, 5)
    run.stop()

    assert person.track == 2
    assert {(frame.size) for frame in person.seen} == {(96, 64), (64, 48)}
    heads = [read_result(path)[0] for path in sorted(tmp_path.glob("*.jsonl"))]
    assert sorted(head["width"] for head in heads) == [64, 96]
    assert not list(tmp_path.glob("*.partial"))


def test_what_is_recorded_is_whole_after_a_stop(live, mjpeg, tmp_path):
    run = live(mjpeg.address, record=tmp_path)
    run.start()
    frames_of(run, 8)

    run.stop()

    (path,) = tmp_path.glob("*.jsonl")
    last = run.newer(-1, 0.0)
    assert last is not None
    assert len(read_result(path)[1]) == last.index + 1
    assert path.with_suffix(".mp4").stat().st_size > 1000


def test_a_recording_that_cannot_be_written_fails_the_run(live, mjpeg, tmp_path):
    (tmp_path / "file").write_text("")
    run = live(mjpeg.address, record=tmp_path / "file" / "records")
    run.start()

    wait_for(lambda: run.state == "failed")

    assert "cannot be made: Not a directory" in run.message
    assert isinstance(run.failure, OutputError)


def test_a_camera_that_is_not_there_fails_at_once(live):
    run = live("webcam:97", making=30.0)
    start = time.monotonic()
    run.start()

    wait_for(lambda: run.state == "failed")

    assert time.monotonic() - start < 5
    assert run.message.startswith("webcam:97: there is no such camera")
    assert run.newer(-1, 5.0) is None


class Busy:
    """A camera that another program holds: it opens, and sends no picture."""

    def isOpened(self):
        return True

    def get(self, property_id):
        return 30.0

    def read(self):
        time.sleep(0.02)
        return False, None

    def release(self):
        pass


class Slow(Busy):
    """A camera that sends 100 pictures per second until it is unplugged."""

    def __init__(self, count):
        self.left = count

    def read(self):
        time.sleep(0.01)
        self.left -= 1
        return self.left > 0, np.full((64, 96, 3), 60, np.uint8)


def test_a_busy_camera_is_told(live):
    def busy(address, *, patience):
        return Camera(0, open_capture=lambda _: Busy(), patience=patience)

    run = live("0", open_source=busy)
    run.start()

    wait_for(lambda: run.state == "failed")

    assert run.message == (
        "webcam:0: the camera failed (it stopped sending pictures). "
        "Check its cable, and that no other program uses it."
    )


def test_an_unplugged_camera_comes_back(live):
    left = [Slow(30), Slow(10_000)]

    def plugged(address, *, patience):
        capture = left.pop(0)
        return Camera(0, open_capture=lambda _: capture, patience=patience)

    run = live("0", open_source=plugged)
    run.start()
    frames_of(run, 3)

    wait_for(lambda: run.reconnects == 1)
    wait_for(lambda: run.state == "running")

    assert run.lines[0].startswith("Lost webcam:0: the camera failed")
    assert frames_of(run, 3)


def test_an_address_that_never_answers_is_given_up(live):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        run = live(f"http://127.0.0.1:{listener.getsockname()[1]}/live", patience=0.3)
        run.start()

        wait_for(lambda: run.state == "failed")

    assert "cannot be opened (nothing arrived in time)" in run.message


def test_a_stop_while_an_address_does_not_answer_waits_no_longer_than_told(live):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/live"
        run = live(address, patience=1.0)
        run.start()
        time.sleep(0.1)
        start = time.monotonic()

        run.stop(timeout=0.1)

        assert time.monotonic() - start < 0.7
        assert (run.state, run.message, run.failure) == ("stopped", "", None)
        run.stop()  # waits for the thread, so that it is gone before the listener


def test_a_stop_while_networks_are_loaded_ends_the_run(live, mjpeg):
    run = live(mjpeg.address, making=0.5)
    run.start()
    wait_for(lambda: run.message == "Loading networks.")

    run.stop()

    assert (run.state, run.newer(-1, 1.0)) == ("stopped", None)


def test_a_stop_before_the_start_or_again_is_fine(live, mjpeg):
    run = live(mjpeg.address)

    run.stop()
    run.start()
    run.stop()

    assert (run.state, mjpeg.connections) == ("stopped", 0)


def test_a_stop_wakes_whoever_waits_for_a_frame(live, mjpeg):
    run = live(mjpeg.address)
    run.start()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(run.newer(10**9, 60.0)))
    waiting.start()

    run.stop()

    waiting.join(2)
    assert answers == [None]


def test_networks_that_cannot_be_made_fail_the_run(live, mjpeg):
    def make(*_):
        raise ConfigError("There is no such fusion.")

    run = live(mjpeg.address, make=make)
    run.start()

    wait_for(lambda: run.state == "failed")

    assert run.message == "There is no such fusion."


def test_a_bug_in_the_pipeline_is_handed_on(live, mjpeg, one_person, tmp_path):
    run = live(mjpeg.address, one_person(fine=5, error=ZeroDivisionError("a bug")), record=tmp_path)
    run.start()

    wait_for(lambda: run.state == "failed")
    run.stop()

    assert isinstance(run.failure, ZeroDivisionError)
    assert run.message == "ZeroDivisionError: a bug"
    (path,) = tmp_path.glob("*.jsonl")
    assert len(read_result(path)[1]) == 5


def test_a_source_that_fails_later_in_a_file_fails_the_run(live, breaking):
    error = SourceError("clip.mp4: reading failed (disk).")
    run = live("clip.mp4", open_source=lambda *_, **__: breaking(4, error, live=False))
    run.start()

    wait_for(lambda: run.state == "failed")

    assert run.message == "clip.mp4: reading failed (disk)."


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files are counted in /proc")
def test_many_runs_leave_no_file_open(live, mjpeg):
    def one():
        run = live(mjpeg.address)
        run.start()
        frames_of(run, 2)
        run.stop()

    one()
    wait_for(lambda: mjpeg.clients == 0)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        one()
    wait_for(lambda: mjpeg.clients == 0)
    time.sleep(0.1)

    assert len(os.listdir("/proc/self/fd")) <= before


def test_patience_reaches_streams_and_cameras():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        start = time.monotonic()

        with pytest.raises(SourceError, match="nothing arrived in time"):
            open_source(f"http://127.0.0.1:{listener.getsockname()[1]}/live", patience=0.2)

    assert time.monotonic() - start < 3
