"""FastSlow: the slow net on keyframes, the fast net and a fusion between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from data.crop import Crop
from data.errors import ConfigError
from data.frame import Frame, FrameResult, Origin
from data.pose import Box, Pose
from data.skeleton import Skeleton
from pipelines.fusion import FastOnly, Fusion
from pipelines.keyframes import Keyframes
from pipelines.likeness import without_doubles
from pipelines.memory import Memory, Remembered
from pipelines.people import PeopleFinder
from pipelines.pipeline import HeatmapNet, Snapshot
from pipelines.reader import Looked, Maps, Plan, Reader
from pipelines.schedule import Adaptive, Schedule, Turn
from pipelines.snapshot import part, prefixed
from pipelines.timing import Clock, no_clock
from pipelines.tracker import Sighting, Tracked, Tracker, Tracking


@dataclass(frozen=True, slots=True, kw_only=True)
class FastSlow:
    """People found now and then, the slow net on keyframes, fast net and fusion between.

    `padding` is by how much the slow net grows a box to its crop. The finder looks at keyframes
    and otherwise `search_interval` frames after it last did, so nobody stays unseen for longer;
    whom it newly finds gets the slow net at once. A pose of less than `weak_score` (the mean of
    its keypoints' scores) is no person's. Between keyframes the fast net's own maps must also
    reach `weak_fast_score`, because the keyframe's maps still show whoever has left.

    With `adaptive`, everyone known has keyframes of their own, or is not read at all, as
    `pipelines/schedule.py` has it; `keyframes` says when everybody has one at once, best `First`.
    A cut in the video then makes the run forget everyone. `alone` makes the answers of those whose
    keyframe no longer helps.

    Stages told to the `clock`: find, slow, fast, fuse, decode, track.
    """

    finder: PeopleFinder
    slow: HeatmapNet
    fast: HeatmapNet
    fusion: Fusion
    keyframes: Keyframes
    padding: float
    search_interval: int = 8
    weak_score: float = 0.15
    weak_fast_score: float = 0.05
    tracking: Tracking = field(default_factory=Tracking)
    adaptive: Adaptive | None = None
    alone: Fusion = field(default_factory=lambda: FastOnly("smooth"))
    clock: Clock = no_clock

    def __post_init__(self) -> None:
        slow, fast = self.slow.skeleton, self.fast.skeleton
        if slow.keypoints != fast.keypoints:
            raise ConfigError(
                f"The slow net's keypoints are {slow.name}, the fast net's {fast.name}. "
                "Choose two networks of one family."
            )
        if self.search_interval < 1:
            raise ConfigError(
                f"A search interval of {self.search_interval} was given; it is at least 1."
            )

    @property
    def skeleton(self) -> Skeleton:
        return self.slow.skeleton

    def begin(self, snapshot: Snapshot | None = None) -> FastSlowRun:
        """A run at the start of a video, or one that goes on after `snapshot`."""
        return FastSlowRun(self, snapshot)

    def __call__(self, frames: Iterable[Frame]) -> Iterator[FrameResult]:
        run = self.begin()
        for frame in frames:
            yield run.step(frame)


class FastSlowRun:
    """One video under way."""

    def __init__(self, scheme: FastSlow, snapshot: Snapshot | None) -> None:
        self._scheme = scheme
        self._reader = Reader(
            slow=scheme.slow,
            fast=scheme.fast,
            fusion=scheme.fusion,
            alone=scheme.alone,
            padding=scheme.padding,
            weak_score=scheme.weak_score,
            weak_fast_score=scheme.weak_fast_score,
            clock=scheme.clock,
        )
        self._before: int | None = None  # the frame before the present one
        self._searched: int | None = None  # the frame on which the finder last looked
        self._memory = Memory()
        self._tracker = Tracker(scheme.skeleton, scheme.tracking)
        self._schedule = None if scheme.adaptive is None else Schedule(scheme.adaptive)
        if snapshot is not None:
            self._restore(snapshot)

    def _restore(self, snapshot: Snapshot) -> None:
        scheme = self._scheme
        tracker = part(snapshot, "tracker")
        self._tracker = Tracker.restored(scheme.skeleton, scheme.tracking, tracker)
        self._memory = Memory.restored(part(snapshot, "memory"))
        self._before = next(iter(snapshot["before"].tolist()), None)
        self._searched = next(iter(snapshot["searched"].tolist()), None)
        if scheme.adaptive is not None:
            self._schedule = Schedule.restored(scheme.adaptive, part(snapshot, "schedule"))

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame."""
        before = [] if self._before is None else [self._before]
        searched = [] if self._searched is None else [self._searched]
        schedule = {} if self._schedule is None else self._schedule.snapshot()
        return {
            **prefixed("tracker", self._tracker.snapshot()),
            **prefixed("memory", self._memory.snapshot()),
            **prefixed("schedule", schedule),
            "before": np.array(before, np.int64),
            "searched": np.array(searched, np.int64),
        }

    def forget(self) -> None:
        """Forget everyone; the next frame is a keyframe, and numbers go on."""
        self._tracker.forget()
        self._memory.forget(self._memory.tracks)
        if self._schedule is not None:
            self._schedule.forget()
        self._before = self._searched = None

    def step(self, frame: Frame) -> FrameResult:
        """The result of the next frame."""
        clock = self._scheme.clock
        with clock("track"):
            if self._schedule is not None and self._schedule.cuts(frame):
                self.forget()
        keyframe = self._scheme.keyframes(frame, self._before)
        self._before = frame.index
        with clock("track"):
            carried = self._tracker.carry(frame)
        found = self._search(frame, keyframe)
        with clock("track"):
            plan = self._plan(carried, found, keyframe)
            turns = self._turns(frame, plan, searched=found is not None)
            plan, unread = _by_turns(plan, turns)
        looked = self._reader.look(frame, plan, self._memory)
        with clock("track"):
            self._tracker.trust(tracked.track for tracked in unread)
            people = self._tracker.see(looked.known, looked.fresh, searched=found is not None)
            seen = {n: s for n, s in people.items() if self._tracker.unseen(n) == 0}
            for number, sighting in seen.items():
                self._remember(frame, number, looked.maps[sighting])
            self._memory.forget(self._memory.tracks - self._tracker.alive)
            resting = self._learn(frame, seen, looked, unread)
        quiet = self._scheme.tracking.quiet
        shown: dict[int, tuple[Pose, Origin]] = {
            number: (sighting.pose, looked.maps[sighting].origin)
            for number, sighting in people.items()
            if self._tracker.unseen(number) <= quiet
        }
        shown |= {number: (pose, "carried") for number, pose in resting.items()}
        old = {tracked.track for tracked in carried}
        again = self._schedule is not None and (
            bool(plan.due) or any(shown[number][1] == "slow" for number in old & shown.keys())
        )
        return FrameResult(
            frame,
            tuple(replace(pose, track=number) for number, (pose, _) in sorted(shown.items())),
            keyframe or again,
            tuple(origin for _, (_, origin) in sorted(shown.items())),
        )

    def _search(self, frame: Frame, keyframe: bool) -> list[Box] | None:
        """The found boxes; None when the finder's turn has not come."""
        last, interval = self._searched, self._scheme.search_interval
        if not keyframe and last is not None and frame.index < last + interval:
            return None
        self._searched = frame.index
        with self._scheme.clock("find"):
            boxes = self._scheme.finder.find(frame)
        return without_doubles(boxes, self._scheme.tracking.duplicate_iou)

    def _plan(self, carried: list[Tracked], found: list[Box] | None, keyframe: bool) -> Plan:
        """On a keyframe all are fresh, also whom the finder missed; else only its strangers, and
        who is found where the schedule has people matched anew."""
        boxes = found or []
        owners = self._tracker.recognise(boxes)
        mine = {n: box for n, box in zip(owners, boxes, strict=True) if n is not None}
        if keyframe:
            missed = [tracked.box for tracked in carried if tracked.track not in mine]
            return Plan([], [*boxes, *missed], {}, len(boxes))
        anew = self._schedule.mixed(carried) & mine.keys() if self._schedule else set()
        fresh = [b for n, b in zip(owners, boxes, strict=True) if n is None or n in anew]
        known = [tracked for tracked in carried if tracked.track not in anew]
        return Plan(known, fresh, mine, len(fresh))

    def _turns(self, frame: Frame, plan: Plan, *, searched: bool) -> dict[int, Turn]:
        """Who of the known is read by which net; all are fused where there is no schedule."""
        if self._schedule is None:
            return {tracked.track: "fused" for tracked in plan.known}
        return self._schedule.turns(frame, plan.known, searched=searched, fresh=len(plan.fresh))

    def _learn(
        self, frame: Frame, seen: Mapping[int, Sighting], looked: Looked, unread: Sequence[Tracked]
    ) -> dict[int, Pose]:
        """What the schedule learns from the frame; the poses of those whom it left unread."""
        if self._schedule is None:
            return {}
        for number, sighting in seen.items():
            origin = looked.maps[sighting].origin
            measured = sighting.measured if origin == "fused" else None
            tracked = Tracked(number, self._tracker.box(number))
            self._schedule.learn(frame, tracked, sighting.pose, measured, key=origin == "slow")
        self._schedule.keep({*seen, *(tracked.track for tracked in unread)})
        return {tracked.track: self._schedule.pose(tracked) for tracked in unread}

    def _remember(self, frame: Frame, number: int, maps: Maps) -> None:
        if maps.origin != "slow":
            past = self._memory.recall(number)
            previous = maps.fast if self._scheme.fusion.needs_previous else None
            news = replace(
                past,
                fused=maps.answer,
                index=frame.index,
                previous=previous,
                carried=maps.carried,
            )
            self._memory.remember(number, news)
            return
        # The finder's box, on which the maps were made, jitters; the track's corrected box is what
        # the next frames continue. The keyframe's maps are brought there once and compared box to
        # box from then on.
        size = maps.answer.crop.size
        crop = Crop.around(self._tracker.box(number), size, self._scheme.padding)
        key = maps.answer.on(crop, smooth=True)
        # To its own frame the keyframe's maps need not be carried: they are of it.
        carried = key if self._scheme.fusion.needs_carried else None
        news = Remembered(key, frame.index, key, frame.index, maps.fast, carried)
        self._memory.remember(number, news)


def _by_turns(plan: Plan, turns: Mapping[int, Turn]) -> tuple[Plan, list[Tracked]]:
    """The plan in which the known have their turns, and who is not read at all."""
    people: dict[Turn, list[Tracked]] = {"slow": [], "fused": [], "fast": [], "carried": []}
    for tracked in plan.known:
        people[turns[tracked.track]].append(tracked)
    alone = frozenset(tracked.track for tracked in people["fast"])
    known = [*people["fused"], *people["fast"]]
    return replace(plan, known=known, due=people["slow"], alone=alone), people["carried"]
