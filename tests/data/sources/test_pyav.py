from __future__ import annotations

import gc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from data.errors import SourceError
from data.sources import pyav

TICK = Fraction(1, 1000)
BLACK = np.zeros((2, 2, 3), np.uint8)


def seconds_of(stamps, fps=10.0):
    pictures = [pyav.Picture(stamp, BLACK) for stamp in stamps]
    return [frame.seconds for frame in pyav.number(pictures, tick=TICK, fps=fps)]


def test_seconds_count_from_the_first_stamp():
    assert seconds_of([2000, 2030, 2500]) == [0.0, 0.03, 0.5]


def test_a_picture_without_a_stamp_comes_one_mean_frame_later():
    np.testing.assert_allclose(seconds_of([0, None, None, 300]), [0, 0.1, 0.2, 0.3])


def test_the_clock_starts_at_the_first_stamp_even_after_pictures_without():
    np.testing.assert_allclose(seconds_of([None, None, 5000, 5040]), [0, 0.1, 0.2, 0.24])


def test_a_file_without_any_stamp_gets_its_mean_rate():
    np.testing.assert_allclose(seconds_of([None] * 4, fps=50), [0, 0.02, 0.04, 0.06])


def test_time_grows_on_when_the_stamps_jump_back():
    seconds = seconds_of([9000, 9100, 100, 150, 200])

    np.testing.assert_allclose(seconds, [0, 0.1, 0.2, 0.25, 0.3])


def test_time_grows_when_a_stamp_is_repeated():
    np.testing.assert_allclose(seconds_of([0, 100, 100, 300]), [0, 0.1, 0.2, 0.4])


def test_time_grows_where_not_even_the_rate_is_known():
    np.testing.assert_allclose(seconds_of([None, None], fps=0.0), [0, 0.04])


def test_quick_reading_and_patient_reading_give_the_same(write_video, greys):
    path = write_video(greys(30), bf="2", g="10")

    quick = list(pyav.quick_pictures(path, None))

    with pyav.open_file(path) as container:
        stream = pyav.picture_stream(container, "clip")
        patient = list(pyav.Decoder(container, stream, "clip").pictures())
    assert [picture.pts for picture in patient] == [picture.pts for picture in quick]
    for one, other in zip(quick, patient, strict=True):
        assert np.array_equal(one.image, other.image)


@pytest.mark.parametrize("delivered", [0, 7, 19])
def test_each_reader_goes_on_where_another_one_stopped(write_video, greys, delivered):
    path = write_video(greys(20), bf="2")
    stamps = [picture.pts for picture in pyav.quick_pictures(path, None)]

    rest = [picture.pts for picture in pyav.quick_pictures(path, stamps[delivered])]

    with pyav.open_file(path) as container:
        decoder = pyav.Decoder(container, pyav.picture_stream(container, "clip"), "clip")
        patient_rest = [picture.pts for picture in decoder.pictures(stamps[delivered])]
    assert stamps[delivered + 1 :] == rest == patient_rest


class FakeStream:
    """Makes a frame of each packet, and no frame of the last, empty one."""

    thread_type = "AUTO"

    def decode(self, packet):
        if packet is None:
            return []
        frame = av.VideoFrame.from_ndarray(BLACK, "rgb24")
        frame.pts = packet.pts
        return [frame]


class FakeContainer:
    """Answers each call of `demux` with the next list of packets; an error in it is raised."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def demux(self, stream):
        for item in self.answers.pop(0) if self.answers else [av.InvalidDataError(1, "broken")]:
            if isinstance(item, Exception):
                raise item
            packet = av.Packet(b"x")
            packet.pts = item
            yield packet


def test_reading_goes_on_after_an_unreadable_stretch():
    broken = av.InvalidDataError(1, "broken")
    container = FakeContainer([0, 1, broken], [broken], [5, 6])
    decoder = pyav.Decoder(container, FakeStream(), "clip")

    pictures = list(decoder.pictures())

    assert [picture.pts for picture in pictures] == [0, 1, 5, 6]
    assert decoder.damaged == 2


def test_a_stamp_that_jumps_back_after_the_handover_loses_no_picture():
    container = FakeContainer([0, 10, 20, 5, 30])

    pictures = pyav.Decoder(container, FakeStream(), "clip").pictures(after=10)

    assert [picture.pts for picture in pictures] == [20, 5, 30]


def test_a_missing_picture_at_the_handover_costs_no_other():
    container = FakeContainer([0, 20, 30])

    pictures = pyav.Decoder(container, FakeStream(), "clip").pictures(after=10)

    assert [picture.pts for picture in pictures] == [20, 30]


def test_a_file_that_is_unreadable_to_its_end_ends():
    broken_from_here = FakeContainer([0, 1, av.InvalidDataError(1, "broken")])
    decoder = pyav.Decoder(broken_from_here, FakeStream(), "clip")

    assert [picture.pts for picture in decoder.pictures()] == [0, 1]


def test_a_failing_disk_is_no_end_of_the_film():
    container = FakeContainer([0, 1, av.FFmpegError(5, "Input/output error")])
    pictures = pyav.Decoder(container, FakeStream(), "clip.mp4").pictures()

    with pytest.raises(SourceError, match=r"clip\.mp4: reading failed \(Input/output error\)"):
        list(pictures)


@pytest.mark.skipif(not hasattr(av.VideoFrame, "rotation"), reason="PyAV 14.1 and newer")
def test_a_frames_memory_does_not_wait_for_the_garbage_collector(write_video, greys):
    path = write_video(greys(40))
    with pyav.open_file(path) as container:
        stream = pyav.picture_stream(container, str(path))
        gc.collect()
        gc.disable()
        try:
            count = sum(1 for _ in pyav.Decoder(container, stream, str(path)).pictures())
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            waiting = sum(isinstance(found, av.VideoFrame) for found in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    assert count == 40
    assert waiting <= 1  # the first one is asked how it is turned


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_pictures_do_not_cost_a_thread_each(write_video, greys):
    path = write_video(greys(40))
    with pyav.open_file(path) as container:
        stream = pyav.picture_stream(container, str(path))
        pictures = pyav.Decoder(container, stream, str(path)).pictures()
        next(pictures)
        before = {task.name for task in Path("/proc/self/task").iterdir()}

        seen = {task.name for _ in pictures for task in Path("/proc/self/task").iterdir()}

    assert seen <= before


def test_a_title_in_a_foreign_encoding_is_no_reason_to_stop(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "AAAABBBB"
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux([*stream.encode(picture), *stream.encode(None)])
    content = path.read_bytes()
    path.write_bytes(content.replace(b"AAAABBBB", b"AAAA\xff\xfe\xfdB"))

    with pyav.open_file(path) as container:
        assert pyav.picture_stream(container, "clip").width == 32

    assert b"AAAABBBB" in content
