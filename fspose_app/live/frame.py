"""LiveFrame: one answered frame of a live run, drawn. Taken: one read frame, not yet answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from data.frame import Frame, Image
from data.sources.info import SourceInfo


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A frame as it came from the source.

    `captured` are `time.monotonic()` seconds. The people of frames of one `stretch` may be the
    same; a new one begins where the stream was lost for long or its pictures change their size.
    """

    frame: Frame
    captured: float
    stretch: int
    info: SourceInfo


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """One answered frame: its picture with skeletons and track numbers, and how the run goes.

    `index` counts answered frames from 0. `captured` are `time.monotonic()` seconds at which the
    frame was taken, `latency` the seconds from then to this drawn frame. `picture` is RGB
    (height, width, 3). `dropped` counts the frames so far that came too soon to be answered,
    `rate` is answered frames per second over the last two seconds, `times` are this frame's
    seconds by stage.
    """

    index: int
    captured: float
    latency: float
    picture: Image
    people: int
    keyframe: bool
    dropped: int
    rate: float
    times: Mapping[str, float]
