"""MOTChallenge text."""

import numpy as np

from data.frame import Frame, FrameResult
from data.mot import mot_lines
from data.pose import Box, Pose


def test_frames_and_pixels_count_from_one() -> None:
    keypoints, scores = np.zeros((17, 2), np.float32), np.zeros(17, np.float32)
    poses = (
        Pose(keypoints, scores, Box.from_xywh(0, 10.25, 30, 40), 0.9, 7),
        Pose(keypoints, scores, Box.from_xywh(1.5, 2, 3, 4), 0.25),
    )
    frame = Frame(0, 0.0, np.zeros((8, 8, 3), np.uint8), "0")

    lines = mot_lines(FrameResult(frame, poses, True, ("slow", "slow")))

    assert lines == [
        "1,7,1.00,11.25,30.00,40.00,0.9000,-1,-1,-1\n",
        "1,-1,2.50,3.00,3.00,4.00,0.2500,-1,-1,-1\n",
    ]
