"""Records of the result file: rounded once, the same both ways, the same bytes every time."""

import json

import numpy as np
import pytest

from data.frame import Frame, FrameResult, Origin
from data.pose import Box, Pose
from data.result import (
    SCHEMA,
    blank,
    header_of,
    line_of,
    record_of,
    result_of,
    rounded,
    skeleton_of,
)
from data.skeleton import FSPOSE_19
from data.sources.info import SourceInfo

INFO = SourceInfo("clips/gång.mp4", 64, 48, 30000 / 1001, 120)


def some_pose(seed: int, track: int | None = 1) -> Pose:
    numbers = np.random.default_rng(seed)
    left, top, width, height = numbers.uniform(0.1, 4000, 4).tolist()
    return Pose(
        keypoints=numbers.uniform(-200, 8000, (19, 2)).astype(np.float32),
        scores=numbers.uniform(0, 1, 19).astype(np.float32),
        box=Box.from_xywh(left, top, width, height),
        score=float(numbers.uniform()),
        track=track,
    )


def some_result(*poses: Pose, index: int = 0, origin: Origin = "fused") -> FrameResult:
    frame = Frame(index, index / 3, np.zeros((48, 64, 3), np.uint8), str(index))
    return FrameResult(frame, poses, index % 16 == 0, (origin,) * len(poses))


def test_a_header_tells_what_was_read_and_how() -> None:
    header = header_of(
        INFO, FSPOSE_19, models=[("slow", "ab" * 32)], settings={"interval": 16}, version="1.2.3"
    )

    assert header["schema"] == SCHEMA
    assert (header["source"], header["width"], header["height"]) == ("clips/gång.mp4", 64, 48)
    assert header["fps"] == 29.97
    assert header["skeleton"]["keypoints"] == list(FSPOSE_19.keypoints)
    assert header["models"] == [{"name": "slow", "sha256": "ab" * 32}]
    assert header["settings"] == {"interval": 16}
    assert skeleton_of(json.loads(line_of(header))) is FSPOSE_19


def test_numbers_are_rounded() -> None:
    pose = Pose(
        keypoints=np.full((1, 2), 12.3456, np.float32),
        scores=np.full(1, 0.123456, np.float32),
        box=Box.from_xywh(1.234, 5.678, 9.999, 3.14159),
        score=0.98765,
        track=7,
    )

    (person,) = record_of(some_result(pose))["people"]

    assert person == {
        "track": 7,
        "box": [1.23, 5.68, 10.0, 3.14],
        "score": 0.9877,
        "keypoints": [[12.35, 12.35, 0.1235]],
        "from": "fused",
    }


def test_scores_stay_within_0_and_1_and_no_zero_has_a_minus() -> None:
    pose = Pose(
        keypoints=np.array([[-0.001, -0.0], [3, 4]], np.float32),
        scores=np.array([-0.2, 1.3], np.float32),
        box=Box(-0.001, 0, 1, 1),
        score=1.7,
    )

    line = line_of(record_of(some_result(pose)))

    assert json.loads(line)["people"][0]["keypoints"] == [[0, 0, 0], [3, 4, 1]]
    assert b"-" not in line


@pytest.mark.parametrize("seed", range(40))
def test_a_record_read_back_makes_the_same_record(seed: int) -> None:
    """What --resume and convert stand on: reading and writing again changes no byte."""
    result = some_result(some_pose(seed), some_pose(seed + 1000, None), index=seed)

    record = json.loads(line_of(record_of(result)))
    again = record_of(result_of(record, result.frame))

    assert line_of(again) == line_of(record_of(result))
    assert again["time"] == record["time"]


def test_a_result_comes_back_within_the_rounding() -> None:
    result = some_result(some_pose(3), index=16, origin="slow")

    back = rounded(result)

    assert back.frame is result.frame
    assert (back.keyframe, back.origins, back.poses[0].track) == (True, ("slow",), 1)
    np.testing.assert_allclose(back.poses[0].keypoints, result.poses[0].keypoints, atol=0.006)
    np.testing.assert_allclose(back.poses[0].scores, result.poses[0].scores, atol=0.0001)
    np.testing.assert_allclose(back.poses[0].box.xywh, result.poses[0].box.xywh, atol=0.006)


def test_a_frame_without_people_has_a_record() -> None:
    record = record_of(some_result(index=5))

    assert record == {"frame": 5, "time": 1.6667, "keyframe": False, "people": []}
    assert result_of(record, some_result(index=5).frame).poses == ()


def test_a_blank_frame_stands_for_the_one_that_was_read() -> None:
    header = header_of(INFO, FSPOSE_19, models=[], settings={}, version="1")

    frame = blank(record_of(some_result(index=6)), header)

    assert (frame.index, frame.seconds, frame.size, frame.name) == (6, 2.0, (64, 48), "6")
    assert not frame.image.any()


def test_a_line_is_compact_ascii() -> None:
    line = line_of({"source": "gång", "a": [1, 2]})

    assert line == b'{"source":"g\\u00e5ng","a":[1,2]}\n'


def test_a_number_that_is_none_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        line_of({"time": float("nan")})


def test_what_was_read_before_smoothing_stands_beside_it() -> None:
    poses = (some_pose(1), some_pose(2, track=2))
    read = poses[0].keypoints + np.float32(1)
    plain = some_result(*poses)
    result = FrameResult(plain.frame, poses, False, ("fused", "between"), (read, None))
    record = record_of(result)
    again = result_of(record, result.frame)

    assert [("raw" in person) for person in record["people"]] == [True, False]
    assert again.raw[1] is None
    assert again.raw[0] is not None
    np.testing.assert_allclose(again.raw[0], read, atol=0.005)
    assert record_of(again) == record
    assert "raw" not in record_of(plain)["people"][0]


def test_as_many_are_raw_as_there_are_poses() -> None:
    frame = some_result().frame

    with pytest.raises(ValueError, match="1 poses but 2 raw"):
        FrameResult(frame, (some_pose(1),), False, ("fused",), (None, None))
