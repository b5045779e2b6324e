"""MOTChallenge text: one line per person and frame."""

from __future__ import annotations

from data.frame import FrameResult


def mot_lines(result: FrameResult) -> list[str]:
    """`frame, id, left, top, width, height, confidence, -1, -1, -1` for each person of a frame.

    Frames, track numbers and pixels count from 1, as the format's own page has it: the image's
    first pixel is (1, 1). A person without a track has id -1, as in the format's detections.
    """
    return [
        f"{result.frame.index + 1},{-1 if pose.track is None else pose.track},"
        f"{pose.box.left + 1:.2f},{pose.box.top + 1:.2f},"
        f"{pose.box.width:.2f},{pose.box.height:.2f},{pose.score:.4f},-1,-1,-1\n"
        for pose in result.poses
    ]
