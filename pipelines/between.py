"""Between two keyframes: which frames are read, and what both keyframes add to a reading.

The rule of reading: of two neighbouring readings of a person, the frame in the middle is read too,
unless a straight line between them is expected to miss it by no more than `tolerance`. What a line
misses grows with the square of its length: where a reading lies d1 and d2 frames from its own
neighbours and is missed by the line between these by e, a line over n frames is expected to miss
its middle by e (n / 2)^2 / (d1 d2), which is exact for constant acceleration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from data.crop import Crop
from data.frame import Origin
from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from pipelines.fusion import raised
from pipelines.paths import Reading
from pipelines.pipeline import Transfer

_LEAST_SCORE = 0.1  # a keypoint below it says nothing of a movement


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A person's slow maps on a keyframe, in the box that the track had there."""

    frame: int
    maps: Heatmaps

    @classmethod
    def of(cls, frame: int, maps: Heatmaps, box: Box, padding: float) -> Key:
        """The slow net's maps, re-drawn once on the track's own box."""
        crop = Crop.around(box, maps.crop.size, padding)
        return cls(frame, maps.on(crop, smooth=True))


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A person on a frame between keyframes: the box, the fast net's own maps, and the keyframes
    on which the slow net read them, before and after."""

    track: int
    frame: int
    box: Box
    fast: Heatmaps
    before: Key | None
    after: Key | None

    @property
    def keys(self) -> list[tuple[Key, float]]:
        """The keyframes there are, each with its part: the nearer one has the larger, 1 in all."""
        if self.before is None or self.after is None:
            return [(key, 1.0) for key in (self.before, self.after) if key is not None]
        share = (self.frame - self.before.frame) / (self.after.frame - self.before.frame)
        return [(self.before, 1 - share), (self.after, share)]


@dataclass(frozen=True, slots=True)
class TwoSided:
    """(w T(P, I) + (1 - w) T(P, N) + P) / 2, where I and N are the keyframe's maps before and
    after, and w falls from 1 at I to 0 at N in a straight line.

    With one keyframe alone it is `fusion.TwoMaps`, the published type 0; with none it is P. P and
    `fast_peak` are as in `fusion`. Without a `transfer` it is the fast maps where they were made.
    """

    transfer: Transfer | None
    padding: float
    fast_peak: float = 1.0

    @property
    def origin(self) -> Origin:
        """What the answer is called in the results."""
        return "fast" if self.transfer is None else "fused"

    @property
    def needs_keys(self) -> bool:
        """Whether `Look.before` and `Look.after` are read."""
        return self.transfer is not None

    def __call__(self, looks: Sequence[Look]) -> list[Heatmaps]:
        """Everyone's maps, in order; one call of the transfer net for all."""
        if self.transfer is None:
            return raised([look.fast for look in looks], self.fast_peak)
        now = [self._current(look) for look in looks]
        parts = [
            (place, key.maps, part) for place, look in enumerate(looks) for key, part in look.keys
        ]
        current = [now[place] for place, _, _ in parts]
        pairs = zip(parts, current, strict=True)
        references = [replace(maps, crop=own.crop) for (_, maps, _), own in pairs]
        carried: dict[int, Floats] = {}
        moved = self.transfer(current, references) if parts else []
        for (place, _, part), maps in zip(parts, moved, strict=True):
            share = np.float32(part) * maps.maps
            carried[place] = carried[place] + share if place in carried else share
        answers = raised(now, self.fast_peak)
        for place, sum_of_carried in carried.items():
            mean = (sum_of_carried + answers[place].maps) / np.float32(2)
            answers[place] = replace(answers[place], maps=mean)
        return answers

    def _current(self, look: Look) -> Heatmaps:
        """P: the fast maps in the slow net's space, where that is known."""
        key = look.before or look.after
        if key is None:
            return look.fast
        crop = Crop.around(look.box, key.maps.crop.size, self.padding)
        return look.fast.on(crop, smooth=True)


def middles(path: Sequence[Reading], tolerance: float, longest: int) -> list[int]:
    """The frames that are to be read next of a person with these readings.

    `tolerance` is in sizes of the person's box, the root of its area. Readings more than `longest`
    frames apart have nothing between them: there the person was looked for and not seen.
    """
    bends = [_bend(path, place) for place in range(len(path))]
    frames = []
    for left, (first, second) in enumerate(pairwise(path)):
        length = second.frame - first.frame
        if not 2 <= length <= longest:
            continue
        known = [bend for bend in bends[left : left + 2] if bend is not None]
        if not known or max(known) * (length / 2) ** 2 > tolerance:
            frames.append((first.frame + second.frame) // 2)
    return frames


def nearest_keys(keys: Mapping[int, Key], frame: int) -> tuple[Key | None, Key | None]:
    """Of a person's keyframes, by frame, the last not after a frame and the first after it."""
    before = max((at for at in keys if at <= frame), default=None)
    after = min((at for at in keys if at > frame), default=None)
    return (
        None if before is None else keys[before],
        None if after is None else keys[after],
    )


def _bend(path: Sequence[Reading], place: int) -> float | None:
    """By how much a reading leaves the line between its neighbours, over d1 d2; None at the ends.

    The root of the mean square over the keypoints, weighted by their scores.
    """
    if not 0 < place < len(path) - 1:
        return None
    before, own, after = path[place - 1 : place + 2]
    d1, d2 = own.frame - before.frame, after.frame - own.frame
    line = (d2 * before.pose.keypoints + d1 * after.pose.keypoints) / (d1 + d2)
    scores = np.minimum.reduce([r.pose.scores for r in (before, own, after)]).astype(np.float64)
    weights = np.where(scores >= _LEAST_SCORE, scores, 0.0)
    if not weights.any():
        return None
    square = ((own.pose.keypoints - line) ** 2).sum(1)
    size = max(own.pose.box.area, 1.0) ** 0.5
    return float(np.sqrt(np.average(square, weights=weights)) / size / (d1 * d2))
