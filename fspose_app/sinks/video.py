"""VideoSink: the overlay video."""

from __future__ import annotations

from pathlib import Path

from data.frame import FrameResult
from data.result import rounded
from data.skeleton import Skeleton
from data.video_writer import VideoWriter
from fspose_app.overlay import draw

STILLS_FPS = 4.0  # a folder of photographs has no rate: slow enough to look at each


class VideoSink:
    """Draws each result on its frame; frames keep their times.

    `fps` 0 means that there is none. A time of 0 is the first frame's, or that of a source without
    times; then each picture is shown as long as `fps` says.
    """

    def __init__(
        self,
        path: Path,
        skeleton: Skeleton,
        *,
        size: tuple[int, int],
        fps: float,
        least_score: float,
    ) -> None:
        self._skeleton = skeleton
        self._least_score = least_score
        rate = fps if fps > 0 else STILLS_FPS
        self._writer = VideoWriter(path, size, rate, effort="superfast")

    def write(self, result: FrameResult) -> None:
        shown = rounded(result)
        image = draw(result.frame.image, shown, self._skeleton, least_score=self._least_score)
        self._writer.write(image, result.frame.seconds or None)

    def close(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        self._writer.abandon()
