from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest

from data.errors import SourceError
from fspose_app.live.newest import Newest
from fspose_app.live.reader import Reader


class Following:
    """A reader on a thread, whose frames are taken as they come."""

    def __init__(self, open_source, **options):
        self.newest = Newest()
        self.lines = []
        options = {"keep": 3.0, **options}
        self.reader = Reader(
            open_source, self.newest, self.lines.append, self.lines.append, **options
        )
        self.error = None
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        try:
            self.reader.read()
        except SourceError as error:
            self.error = error
        finally:
            self.newest.close()

    def take(self, count):
        frames = []
        while len(frames) < count and (taken := self.newest.take()) is not None:
            frames.append(taken)
        return frames

    def stop(self):
        self.newest.close()
        self.thread.join(5)
        assert not self.thread.is_alive()


@pytest.fixture
def follow():
    started = []

    def start(open_source, **options):
        started.append(Following(open_source, **options))
        return started[-1]

    yield start
    for following in started:
        following.stop()


def test_a_source_that_cannot_be_opened_at_first_is_not_tried_again(follow):
    calls = []

    def refuse():
        calls.append(1)
        raise SourceError("street: no such camera.")

    following = follow(refuse)
    following.thread.join(5)

    assert (str(following.error), len(calls)) == ("street: no such camera.", 1)


def test_a_lost_stream_is_opened_again_and_keeps_its_people(follow, breaking, one_after_the_other):
    broken = breaking(5, SourceError("street: reading failed (reset). Check the connection."))
    sources = [broken, SourceError("refused"), SourceError("refused"), breaking(1000)]

    following = follow(one_after_the_other(sources), first_wait=0.02)
    frames = following.take(20)

    assert broken.closed
    assert {taken.stretch for taken in frames} == {0}
    assert all(a.frame.index < b.frame.index for a, b in pairwise(frames))
    assert all(a.frame.seconds < b.frame.seconds for a, b in pairwise(frames))
    lost, back = following.lines
    assert lost == "Lost street: reading failed (reset). Check the connection. Trying again."
    assert back.startswith("street: back after ")
    assert back.endswith(" s. People keep track numbers.")


def test_after_a_long_outage_everyone_is_new(follow, breaking, one_after_the_other):
    following = follow(one_after_the_other([breaking(5), breaking(1000)]), keep=0.1, first_wait=0.2)

    frames = following.take(20)

    assert {taken.stretch for taken in frames} == {0, 1}
    assert following.lines[0] == "Lost street: the stream ended. Trying again."
    assert following.lines[1].endswith("New track numbers.")


def test_a_silence_that_is_longer_than_people_are_kept_makes_everyone_new(follow, breaking):
    following = follow(lambda: breaking(1000, pause=0.05), keep=0.02)

    frames = following.take(3)

    assert [taken.stretch for taken in frames] == [0, 1, 2]
    assert following.lines == []


def test_the_waits_grow_and_begin_anew_after_a_good_connection(follow, breaking):
    lengths = iter([2, 2, 2, 2, 2, 100, 1000])
    pauses = []

    class Patient(Newest):
        def pause(self, seconds):
            pauses.append(seconds)
            return super().pause(0.001)

    newest = Patient()
    reader = Reader(
        lambda: breaking(next(lengths), pause=0.005),
        newest,
        lambda line: None,
        lambda line: newest.close() if len(pauses) == 6 else None,
        keep=3.0,
        first_wait=1.0,
        longest_wait=4.0,
        steady=0.3,
    )

    reader.read()

    assert pauses == [1.0, 2.0, 4.0, 4.0, 4.0, 1.0]


def test_pictures_of_another_size_make_everyone_new(follow, breaking, one_after_the_other):
    following = follow(one_after_the_other([breaking(5), breaking(1000, size=(64, 48))]))

    frames = following.take(20)

    stretches = {(taken.frame.size, taken.stretch) for taken in frames}
    assert stretches == {((96, 64), 0), ((64, 48), 1)}


def test_stopping_ends_the_waiting_for_a_lost_stream(follow, breaking, one_after_the_other):
    following = follow(one_after_the_other([breaking(3), breaking(3)]), first_wait=60.0)
    following.take(1)
    while not following.lines:
        time.sleep(0.005)
    start = time.monotonic()

    following.stop()

    assert time.monotonic() - start < 2


def test_every_frame_of_a_file_is_handed_on(follow, breaking):
    following = follow(lambda: breaking(12, live=False))
    frames = []
    while (taken := following.newest.take()) is not None:
        time.sleep(0.005)
        frames.append(taken.frame.index)

    assert (frames, following.newest.dropped) == (list(range(12)), 0)


def test_a_file_in_real_time_takes_its_time_and_drops_what_is_late(follow, breaking):
    following = follow(lambda: breaking(20, live=False, fps=50.0, pause=0.0), realtime=True)
    start, frames = time.monotonic(), []
    while (taken := following.newest.take()) is not None:
        frames.append((taken.frame.index, taken.captured - start))
        time.sleep(0.05)

    assert 0.3 < time.monotonic() - start < 3
    assert frames[0][0] == 0
    assert frames[-1][0] == 19
    assert all(abs(at - index / 50) < 0.2 for index, at in frames)
    assert len(frames) + following.newest.dropped == 20


def test_a_loop_goes_on_counting(follow, breaking):
    following = follow(lambda: breaking(4, live=False), loop=True)

    frames = [taken.frame for taken in following.take(10)]

    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.seconds for frame in frames] == pytest.approx([i / 25 for i in range(10)])


def test_an_empty_file_in_a_loop_ends(follow, breaking):
    following = follow(lambda: breaking(0, live=False), loop=True)

    assert following.newest.take() is None


def test_a_file_that_breaks_is_told(follow, breaking):
    error = SourceError("clip.mp4: reading failed (disk). Check the disk.")
    following = follow(lambda: breaking(3, error, live=False))

    assert len(following.take(10)) == 3
    following.thread.join(5)
    assert following.error is error
