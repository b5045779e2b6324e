"""PoseTrack18 JSON of a whole video."""

from pathlib import Path

import numpy as np

from data.frame import FrameResult
from data.posetrack import read
from data.skeleton import FSPOSE_19, POSETRACK_17
from fspose_app.sinks.posetrack_json import PosetrackSink


def test_the_file_reads_back(tmp_path: Path, results: list[FrameResult]) -> None:
    sink = PosetrackSink(tmp_path / "a.json", FSPOSE_19, video="000123_mpii")
    for result in results:
        sink.write(result)
    sink.close()

    frames = read(tmp_path / "a.json").frames
    assert [len(frame.people) for frame in frames] == [2, 2, 0, 2, 2, 2]
    assert [frame.id for frame in frames] == [10001230000 + index for index in range(6)]
    assert frames[3].frame_name == "images/000123_mpii/000003.jpg"
    assert frames[0].size == (64, 48)
    assert [person.track for person in frames[3].people] == [1, 0]
    expected = FSPOSE_19.convert(results[4].poses[1], POSETRACK_17)
    found = frames[4].people[1]
    np.testing.assert_allclose(found.keypoints[5:], expected.keypoints[5:], atol=0.006)
    assert found.scores is not None
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)


def test_nothing_is_written_before_the_end(tmp_path: Path, results: list[FrameResult]) -> None:
    sink = PosetrackSink(tmp_path / "a.json", FSPOSE_19, video="a")
    sink.write(results[0])
    assert list(tmp_path.iterdir()) == []

    sink.abandon()
    sink.close()

    assert list(tmp_path.iterdir()) == []
