"""Hidden: readings that show somebody else than they are taken for.

Where two people overlap, the networks see the one in front in both boxes. Of such a pair the
reading with the lower score is no sight of its person, who is rather hidden.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from data.pose import Box, Pose
from data.similarity import iou_matrix
from data.skeleton import Skeleton
from pipelines.likeness import oks
from pipelines.paths import Reading, pose_at


@dataclass(frozen=True, slots=True)
class Hiding:
    """When a reading is not its person's.

    Two people's poses above `duplicate_oks`, or boxes above `duplicate_iou`, show one of them. Who
    lies within another's box by more than `inside` of the own one, with a score below `weak` of the
    other's, is hidden. Between readings up to `longest` seconds apart a person is taken to move in
    a straight line.
    """

    duplicate_oks: float = 0.45
    duplicate_iou: float = 0.8
    inside: float = 0.4
    weak: float = 0.6
    longest: float = 0.4


def hidden(
    paths: Mapping[int, Sequence[Reading]],
    frames: Iterable[int],
    skeleton: Skeleton,
    rule: Hiding,
) -> list[tuple[int, int]]:
    """Track and frame of the readings on `frames` that show another person than the track's."""
    indices = {track: [reading.frame for reading in path] for track, path in paths.items()}
    gone: list[tuple[int, int]] = []
    for frame in frames:
        here: dict[int, Pose] = {}
        read: set[int] = set()
        for track, path in paths.items():
            place = bisect_left(indices[track], frame)
            if place < len(path) and path[place].frame == frame:
                here[track] = path[place].pose
                read.add(track)
            elif 0 < place < len(path):
                before, after = path[place - 1 : place + 1]
                if after.seconds - before.seconds <= rule.longest + 1e-6:
                    here[track] = pose_at(before, after, frame)
        if read:
            gone += ((track, frame) for track in sorted(_hidden(here, skeleton, rule) & read))
    return gone


def _hidden(here: Mapping[int, Pose], skeleton: Skeleton, rule: Hiding) -> set[int]:
    """The tracks whose poses on one frame are somebody else's."""
    tracks = sorted(here)
    boxes = [here[track].box for track in tracks]
    shared = iou_matrix(boxes, boxes)
    pairs = [(tracks[i], tracks[j]) for i, j in np.argwhere(np.triu(shared, 1) > 0).tolist()]
    gone: set[int] = set()
    for older, younger in pairs:
        if gone & {older, younger}:
            continue
        one, other = here[older], here[younger]
        alike = shared[tracks.index(older), tracks.index(younger)] > rule.duplicate_iou
        if alike or oks([one], [other], skeleton)[0, 0] > rule.duplicate_oks:
            gone.add(older if one.score < other.score else younger)
    for pair in pairs:
        if gone & set(pair):
            continue
        front, behind = sorted(pair, key=lambda track: -here[track].score)
        one, other = here[front], here[behind]
        if other.score < rule.weak * one.score and _inside(other.box, one.box) > rule.inside:
            gone.add(behind)
    return gone


def _inside(box: Box, other: Box) -> float:
    """The part of a box that lies within another one."""
    width = min(box.right, other.right) - max(box.left, other.left)
    height = min(box.bottom, other.bottom) - max(box.top, other.top)
    return max(width, 0.0) * max(height, 0.0) / max(box.area, 1e-9)
