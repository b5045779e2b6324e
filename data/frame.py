"""Frame: one image of a video. FrameResult: what a pipeline says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from data.pose import Floats, Pose

Image = NDArray[np.uint8]
Origin = Literal["slow", "fast", "fused", "backend", "between", "carried"]
"""Which network's maps a frame's poses were read from; `between` lie between two read frames,
`carried` moved on with their box from the last one that was read."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One upright image of a video.

    `image` is RGB, uint8, height x width x 3. `index` counts delivered frames from 0 (in a live run
    the source's frames, so that what is dropped leaves a gap); `seconds` is the presentation time
    from the file's time stamps, 0 at the first frame. `name` is an image's path, or the index as
    text.
    """

    index: int
    seconds: float
    image: Image
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """What a pipeline says of one frame: its people, and whether it was a keyframe.

    `origins` names, for each pose in order, the maps it was read from. Where poses were smoothed,
    `raw` holds for each the keypoints (J, 2) as they were read, None where none were; else it is
    empty.
    """

    frame: Frame
    poses: tuple[Pose, ...]
    keyframe: bool
    origins: tuple[Origin, ...] = ()
    raw: tuple[Floats | None, ...] = ()

    def __post_init__(self) -> None:
        if len(self.origins) != len(self.poses):
            raise ValueError(f"{len(self.poses)} poses but {len(self.origins)} origins")
        if self.raw and len(self.raw) != len(self.poses):
            raise ValueError(f"{len(self.poses)} poses but {len(self.raw)} raw ones")
