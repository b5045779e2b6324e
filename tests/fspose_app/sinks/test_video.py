"""The overlay video: H.264 that browsers play, its pictures at their frames' times."""

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from data.frame import FrameResult
from data.result import Record, record_of, result_of
from data.skeleton import FSPOSE_19
from fspose_app.sinks.video import VideoSink


def make(path: Path, results: list[FrameResult], fps: float = 25.0) -> bytes:
    sink = VideoSink(path, FSPOSE_19, size=(64, 48), fps=fps, least_score=0.3)
    for result in results:
        sink.write(result)
    sink.close()
    return path.read_bytes()


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        return [float(frame.time) for frame in container.decode(stream)]


def test_frames_keep_their_times(tmp_path: Path, results: list[FrameResult]) -> None:
    data = make(tmp_path / "overlay.mp4", results)

    np.testing.assert_allclose(times(tmp_path / "overlay.mp4"), np.arange(6) / 25, atol=1e-4)
    assert data.index(b"moov") < data.index(b"mdat")


def test_images_without_times_are_shown_one_after_the_other(
    tmp_path: Path, results: list[FrameResult]
) -> None:
    stills = [replace(one, frame=replace(one.frame, seconds=0.0)) for one in results]

    make(tmp_path / "overlay.mp4", stills, fps=0.0)

    np.testing.assert_allclose(times(tmp_path / "overlay.mp4"), np.arange(6) / 4, atol=1e-4)


def test_people_are_drawn(tmp_path: Path, results: list[FrameResult]) -> None:
    nobody = [FrameResult(one.frame, (), keyframe=False) for one in results]

    assert make(tmp_path / "a.mp4", results) != make(tmp_path / "b.mp4", nobody)


def test_a_video_drawn_again_from_the_result_is_the_same(
    tmp_path: Path, header: Record, results: list[FrameResult]
) -> None:
    again = [result_of(record_of(result), result.frame) for result in results]

    assert make(tmp_path / "a.mp4", results) == make(tmp_path / "b.mp4", again)


def test_what_is_abandoned_leaves_nothing(tmp_path: Path, results: list[FrameResult]) -> None:
    sink = VideoSink(tmp_path / "overlay.mp4", FSPOSE_19, size=(64, 48), fps=25.0, least_score=0.3)
    sink.write(results[0])
    sink.abandon()
    sink.abandon()

    assert list(tmp_path.iterdir()) == []


def test_a_frame_is_never_drawn_upon(tmp_path: Path, results: list[FrameResult]) -> None:
    before = results[0].frame.image.copy()

    make(tmp_path / "overlay.mp4", results)

    np.testing.assert_array_equal(results[0].frame.image, before)


@pytest.mark.parametrize("fps", [0.0, 0.5, 240.0])
def test_any_rate_makes_a_video(tmp_path: Path, results: list[FrameResult], fps: float) -> None:
    make(tmp_path / "overlay.mp4", results, fps)

    assert len(times(tmp_path / "overlay.mp4")) == 6
