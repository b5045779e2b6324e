"""Evidence: what speaks for reading a person again, gathered from the last readings and pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Frame, Image
from data.pose import Box, Floats, Pose
from pipelines.cuts import shrunk
from pipelines.snapshot import Arrays

Patch = NDArray[np.uint8]
Doubles = NDArray[np.float64]

_PATCH = (48, 64)  # width, height
_ROOM = 1.1  # of the box that a patch shows: an arm may reach out of it
_BLUR = 1.0  # cells; half a pixel of a box's place and the sensor's noise do not count
_CHANGED = 0.1  # of a patch's cells, those that changed most: an arm is a small part of a body
_FLAT = 8.0  # grey levels: the least contrast that a patch is taken to have
_NEWS = 0.5  # the weight of the newest reading
_FIRST_STIR = 1.0  # of somebody just seen, until the next reading tells
_WILD = 0.3  # sizes: a keypoint that differs by more has jumped, and how far says nothing


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was seen of one track when a network last read it.

    `index` and `seconds` are of that reading, `key_index`, `key_size` and `key_score` of the last
    one by the slow net. `stir` is how fast the keypoints move within the box (their median, in
    sizes of the box a second), `doubt` how far answers that were fused lay from what the fast net
    alone said (their mean, in sizes); a box's size is the root of its area. `relative` (J, 2) are
    the answer's keypoints with the box as unit square about its centre, `patch` the box's small
    grey picture.
    """

    index: int
    seconds: float
    key_index: int
    key_size: float
    key_score: float
    stir: float
    doubt: float
    score: float
    relative: Doubles
    scores: Floats
    patch: Patch

    def pose(self, box: Box) -> Pose:
        """The answer of that reading, moved and grown with the box."""
        points = self.relative * [box.width, box.height] + box.center
        return Pose(points.astype(np.float32), self.scores, box, self.score)

    def change(self, image: Image, box: Box) -> float:
        """How much the box's picture has changed since, in contrasts of the picture: 0 or more.

        The mean of the tenth that changed most. A change of brightness is none.
        """
        before, now = (_smooth(patch) for patch in (self.patch, patch_of(image, box)))
        step = np.abs(now - before - (now.mean() - before.mean()))
        count = round(_CHANGED * step.size)
        most = np.partition(step.ravel(), -count)[-count:]
        return float(most.mean()) / max(float(before.std()), _FLAT)


def first(frame: Frame, box: Box, answer: Pose) -> Evidence:
    """The evidence after a track's first reading, or the first after one in vain, which counts as
    its keyframe; `box` is the track's now."""
    return Evidence(
        index=frame.index,
        seconds=frame.seconds,
        key_index=frame.index,
        key_size=size_of(box),
        key_score=answer.score,
        stir=_FIRST_STIR,
        doubt=0.0,
        score=answer.score,
        relative=_relative(answer.keypoints, box),
        scores=answer.scores,
        patch=patch_of(frame.image, box),
    )


def after(
    past: Evidence, frame: Frame, box: Box, answer: Pose, measured: Pose | None, *, key: bool
) -> Evidence:
    """The evidence after a later reading; `measured` is what the fast net alone says, None where
    that was not merged with a keyframe, `key` says that the slow net read."""
    size, now = size_of(box), first(frame, box, answer)
    passed = max(frame.seconds - past.seconds, 1e-3)
    steps = (now.relative - past.relative) * [box.width, box.height]
    stir = float(np.median(np.hypot(steps[:, 0], steps[:, 1]))) / size / passed
    apart = past.doubt if measured is None else _apart(answer, measured, size)
    now = replace(now, stir=_blend(past.stir, stir), doubt=_blend(past.doubt, apart))
    if key:
        return now
    return replace(
        now,
        key_index=past.key_index,
        key_size=past.key_size,
        key_score=past.key_score,
    )


def patch_of(image: Image, box: Box) -> Patch:
    """(64, 48) grey levels of the part of the box that lies in the RGB image; zeros for none."""
    (x, y), (height, width) = box.center, image.shape[:2]
    across, down = _ROOM * box.width / 2, _ROOM * box.height / 2
    left, right = (int(np.clip(round(x + side), 0, width)) for side in (-across, across))
    top, bottom = (int(np.clip(round(y + side), 0, height)) for side in (-down, down))
    if right <= left or bottom <= top:
        return np.zeros(_PATCH[::-1], np.uint8)
    return shrunk(image[top:bottom, left:right], _PATCH)


def size_of(box: Box) -> float:
    """The root of the area, at least a pixel."""
    return float(np.sqrt(max(box.area, 1.0)))


def pack(known: Mapping[int, Evidence]) -> Arrays:
    """Evidence by track, as arrays: those of `_WHOLE` and `_REAL` in a row each, and the rest."""
    rows = list(known.values())
    real = [[getattr(row, name) for name in _REAL] for row in rows]
    whole = [[track, *(getattr(row, name) for name in _WHOLE)] for track, row in known.items()]
    arrays: Arrays = {
        "whole": np.array(whole, np.int64).reshape(-1, 1 + len(_WHOLE)),
        "real": np.array(real, np.float64).reshape(-1, len(_REAL)),
    }
    if rows:
        arrays |= {name: np.stack([getattr(row, name) for row in rows]) for name in _STACKED}
    return arrays


def unpack(arrays: Mapping[str, NDArray[Any]]) -> dict[int, Evidence]:
    """What `pack` packed."""
    known = {}
    for row, (track, *whole) in enumerate(arrays["whole"].tolist()):
        real = dict(zip(_REAL, arrays["real"][row].tolist(), strict=True))
        stacked = {name: arrays[name][row].copy() for name in _STACKED}
        known[track] = Evidence(**dict(zip(_WHOLE, whole, strict=True)), **real, **stacked)
    return known


_WHOLE = ("index", "key_index")
_REAL = ("seconds", "key_size", "key_score", "stir", "doubt", "score")
_STACKED = ("relative", "scores", "patch")


def _smooth(patch: Patch) -> Floats:
    return np.asarray(cv2.GaussianBlur(patch.astype(np.float32), (0, 0), _BLUR), np.float32)


def _relative(points: Floats, box: Box) -> Doubles:
    size = np.maximum([box.width, box.height], 1e-3)
    return np.asarray((points - np.array(box.center)) / size, np.float64)


def _blend(before: float, news: float) -> float:
    return before + _NEWS * (news - before)


def _apart(first: Pose, second: Pose, size: float) -> float:
    """The mean distance of two poses' keypoints in sizes."""
    steps = (first.keypoints - second.keypoints).astype(np.float64)
    return float(np.minimum(np.hypot(steps[:, 0], steps[:, 1]) / size, _WILD).mean())
