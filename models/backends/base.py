"""PoseBackend: one image in, poses out."""

from __future__ import annotations

from typing import Protocol

from data.frame import Image
from data.pose import Pose
from data.skeleton import Skeleton


class PoseBackend(Protocol):
    """Anything that finds the people of a single image, with their keypoints."""

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints of every pose it returns."""

    def poses(self, image: Image) -> list[Pose]:
        """The people of one RGB image (h, w, 3), best first; an empty list where there are none."""
