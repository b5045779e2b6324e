"""A short walk of two people, as a pipeline would tell it."""

import numpy as np
import pytest

from data.frame import Frame, FrameResult, Origin
from data.pose import Box, Pose
from data.result import Record, header_of
from data.skeleton import FSPOSE_19
from data.sources.info import SourceInfo

WIDTH, HEIGHT, COUNT = 64, 48, 6


@pytest.fixture
def header() -> Record:
    info = SourceInfo("clips/000123_mpii.mp4", WIDTH, HEIGHT, 25.0, COUNT)
    models = [("finder", "0" * 64), ("slow", "1f" * 32)]
    return header_of(
        info, FSPOSE_19, models=models, settings={"interval": 4, "device": None}, version="1"
    )


@pytest.fixture
def results() -> list[FrameResult]:
    return [_result(index) for index in range(COUNT)]


def _result(index: int) -> FrameResult:
    numbers = np.random.default_rng(index)
    image = numbers.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    origin: Origin = "fused" if index % 4 else "slow"
    tracks = [] if index == 2 else [1, None] if index == 3 else [1, 2]  # a frame without people
    poses = tuple(
        Pose(
            keypoints=numbers.uniform(1, 40, (19, 2)).astype(np.float32),
            scores=numbers.uniform(0.01, 1, 19).astype(np.float32),
            box=Box.from_xywh(*numbers.uniform(1, 40, 4).tolist()),
            score=float(numbers.uniform()),
            track=track,
        )
        for track in tracks
    )
    frame = Frame(index, index / 25, image, str(index))
    return FrameResult(frame, poses, index % 4 == 0, (origin,) * len(poses))
