"""Scout: the first pass over a video; who is where on its keyframes and some frames between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from data.frame import Frame, Image
from data.heatmaps import Heatmaps
from data.pose import Box
from data.skeleton import Skeleton
from models.decode import poses as decoded
from pipelines.likeness import without_doubles
from pipelines.people import PeopleFinder
from pipelines.pipeline import HeatmapNet, Snapshot
from pipelines.snapshot import part, prefixed
from pipelines.timing import Clock, no_clock
from pipelines.tracker import Sighting, Tracker, Tracking


class AcrossNet(HeatmapNet, Protocol):
    """A top-down network that also reads people of several images in one forward pass."""

    def heatmaps_across(self, looks: Sequence[tuple[Image, Box]]) -> list[Heatmaps]:
        """One set of maps per image and box, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """The networks of both passes, and from which scores on they see a person."""

    finder: PeopleFinder
    slow: HeatmapNet
    fast: AcrossNet
    weak_score: float = 0.15
    weak_fast_score: float = 0.05
    clock: Clock = no_clock

    @property
    def skeleton(self) -> Skeleton:
        return self.slow.skeleton


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One person on one frame of the first pass.

    `maps` are a network's own, the slow one's where `is_slow`; `box` is the track's after all that
    was learnt on the frame.
    """

    track: int
    box: Box
    maps: Heatmaps
    is_slow: bool


class Scout:
    """Follows people over frames that need not be neighbours.

    A keyframe has everyone read by the slow net; other frames have the known read by the fast net,
    and strangers by the slow one where the finder's turn has come.
    """

    def __init__(
        self,
        eyes: Eyes,
        tracking: Tracking,
        search_interval: int,
        snapshot: Snapshot | None = None,
    ) -> None:
        self._eyes, self._tracking, self._interval = eyes, tracking, search_interval
        self._tracker = Tracker(eyes.skeleton, tracking)
        self._searched: int | None = None  # the frame on which the finder last looked
        if snapshot is not None:
            arrays = part(snapshot, "tracker")
            self._tracker = Tracker.restored(eyes.skeleton, tracking, arrays)
            self._searched = next(iter(snapshot["searched"].tolist()), None)

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame."""
        searched = [] if self._searched is None else [self._searched]
        return {
            **prefixed("tracker", self._tracker.snapshot()),
            "searched": np.array(searched, np.int64),
        }

    @property
    def alive(self) -> frozenset[int]:
        """The tracks that are still followed."""
        return self._tracker.alive

    @property
    def known(self) -> frozenset[int]:
        """The tracks that may be seen again, those who are lost too."""
        return self._tracker.known

    def forget(self) -> None:
        """Forget everyone, as at a cut; numbers go on."""
        self._tracker.forget()
        self._searched = None

    def look(self, frame: Frame, *, keyframe: bool) -> list[Sight]:
        """Whoever is truly seen on a frame, in order of track."""
        clock, tracker = self._eyes.clock, self._tracker
        with clock("track"):
            known = tracker.carry(frame)
        found = self._search(frame, keyframe)
        boxes = found or []
        with clock("track"):
            owners = tracker.recognise(boxes)
        mine = {n: box for n, box in zip(owners, boxes, strict=True) if n is not None}
        if keyframe:  # also whom the finder missed
            fresh = [*boxes, *(t.box for t in known if t.track not in mine)]
            known, strangers = [], len(boxes)
        else:
            fresh = [box for n, box in zip(owners, boxes, strict=True) if n is None]
            strangers = len(fresh)
        before = [tracked.box for tracked in known]
        maps = [
            *self._read("fast", self._eyes.fast, frame, before),
            *self._read("slow", self._eyes.slow, frame, fresh),
        ]
        with clock("decode"):
            poses = decoded(maps, [*before, *fresh])
        sightings = {}
        for place, pose in enumerate(poses):
            if place < len(known):
                box = mine.get(known[place].track)
                support = pose.score / self._eyes.weak_fast_score
            else:
                box = pose.box if place < len(known) + strangers else None
                support = pose.score / self._eyes.weak_score
            sightings[Sighting(pose, pose, box, support)] = place
        with clock("track"):
            everyone = list(sightings)
            carried = {t.track: s for t, s in zip(known, everyone, strict=False)}
            people = tracker.see(carried, everyone[len(known) :], searched=found is not None)
            return [
                Sight(n, tracker.box(n), maps[sightings[s]], sightings[s] >= len(known))
                for n, s in people.items()
                if tracker.unseen(n) == 0
            ]

    def _search(self, frame: Frame, keyframe: bool) -> list[Box] | None:
        """The found boxes; None when the finder's turn has not come."""
        due = self._searched is None or frame.index >= self._searched + self._interval
        if not (keyframe or due):
            return None
        self._searched = frame.index
        with self._eyes.clock("find"):
            boxes = self._eyes.finder.find(frame)
        return without_doubles(boxes, self._tracking.duplicate_iou)

    def _read(
        self, stage: str, net: HeatmapNet, frame: Frame, boxes: Sequence[Box]
    ) -> list[Heatmaps]:
        if not boxes:
            return []
        with self._eyes.clock(stage):
            return net.heatmaps(frame.image, boxes)
