"""The embedded family on single images: the person finder, then the slow net on everyone."""

from __future__ import annotations

from pathlib import Path

from data.frame import Image
from data.pose import Pose
from data.skeleton import Skeleton
from models import zoo
from models.decode import poses
from models.finder import CheckedFinder
from models.topdown import FlipTest, TopDown


class Embedded:
    """Top-down poses: boxes of the finder, all of them read in one forward pass.

    A pose's score is the finder's times the mean of its keypoints'.
    """

    def __init__(self, finder: CheckedFinder, slow: TopDown | FlipTest) -> None:
        self._finder, self._slow = finder, slow

    @property
    def skeleton(self) -> Skeleton:
        return self._slow.skeleton

    def poses(self, image: Image) -> list[Pose]:
        boxes = self._finder.find(image)
        found = poses(self._slow.heatmaps(image, boxes), boxes)
        scored = [
            Pose(pose.keypoints, pose.scores, pose.box, pose.score * pose.box.score)
            for pose in found
        ]
        return sorted(scored, key=lambda pose: -pose.score)


def build(
    weights: Path | None, device: str, *, least_score: float = 0.18, most_people: int = 100
) -> Embedded:
    """`weights` is a folder of bundled networks; without one, those that come with fspose."""
    folder = weights or zoo.BUNDLED
    finder = zoo.finder(device, folder, least_score=least_score, most=most_people)
    return Embedded(finder, zoo.topdown("slow", device, folder))
