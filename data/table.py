"""A result as a table in CSV: one row per frame, person and keypoint."""

from __future__ import annotations

from data.frame import FrameResult
from data.skeleton import Skeleton

TABLE_HEAD = "frame,time,track,keypoint,x,y,score\n"


def table_rows(result: FrameResult, skeleton: Skeleton) -> list[str]:
    """The rows of a frame: frames from 0, seconds, pixels of the upright image, scores in 0..1.

    `track` is empty for a person without one. A frame without people has no rows.
    """
    start = f"{result.frame.index},{result.frame.seconds:.4f}"
    return [
        f"{start},{'' if pose.track is None else pose.track},{name},{x:.2f},{y:.2f},{score:.4f}\n"
        for pose in result.poses
        for name, (x, y), score in zip(
            skeleton.keypoints, pose.keypoints.tolist(), pose.scores.tolist(), strict=True
        )
    ]
