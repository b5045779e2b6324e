"""When a frame is a keyframe: every N frames of a stream, or greedily over a track's frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data.errors import ConfigError
from data.frame import Frame

Keyframes = Callable[[Frame, "int | None"], bool]
"""A keyframe policy, asked with the frame and the index of the one before (None on the first).

It must not remember anything: a stream can be cut at any frame."""


@dataclass(frozen=True, slots=True)
class Every:
    """Every `interval`-th frame of the source, counted from frame 0, and the first there is.

    A live source drops frames, which leaves gaps in the indices: where a keyframe was dropped, its
    turn passes to the next frame that comes. So keyframes keep their distance in time, which is
    `interval` periods of the source, however few frames are answered.
    """

    interval: int

    def __post_init__(self) -> None:
        if self.interval < 1:
            raise ConfigError(
                f"A keyframe interval of {self.interval} was given; it is at least 1."
            )

    def __call__(self, frame: Frame, before: int | None) -> bool:
        return before is None or frame.index // self.interval > before // self.interval


@dataclass(frozen=True, slots=True)
class First:
    """The first frame there is and no other: people then have keyframes of their own."""

    def __call__(self, frame: Frame, before: int | None) -> bool:
        return before is None


def spaced(frames: Sequence[int], interval: int) -> list[int]:
    """The keyframe of every frame number of one track (FSPose specification 4.1).

    `frames` rises and may have gaps. The first is a keyframe, then greedily the first that lies at
    least `interval` after the last keyframe; each frame belongs to the last keyframe not after it.
    """
    keyframes: list[int] = []
    for number in frames:
        due = not keyframes or number >= keyframes[-1] + interval
        keyframes.append(number if due else keyframes[-1])
    return keyframes


def previous(frames: Sequence[int]) -> list[int]:
    """The frame before every frame of one track; the first is its own (specification 4.1)."""
    return [*frames[:1], *frames[:-1]]
