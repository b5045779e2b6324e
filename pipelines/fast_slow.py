"""FastSlow: the slow net on keyframes, the fast net and a fusion between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from data.crop import Crop
from data.errors import ConfigError
from data.frame import Frame, FrameResult, Origin
from data.heatmaps import Heatmaps
from data.pose import Box, Pose
from data.skeleton import Skeleton
from models.decode import poses as decoded
from pipelines.fusion import Between, Fused, Fusion
from pipelines.keyframes import Keyframes
from pipelines.likeness import without_doubles
from pipelines.memory import Memory, Remembered
from pipelines.people import PeopleFinder
from pipelines.pipeline import HeatmapNet, Snapshot
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


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Who is looked at on a frame, and by which net.

    `known` go on with the fast net, `fresh` get the slow one. `found` are the finder's boxes of the
    known, by track; the first `strangers` of the fresh are its boxes themselves.
    """

    known: list[Tracked]
    fresh: list[Box]
    found: dict[int, Box]
    strangers: int


@dataclass(frozen=True, slots=True, eq=False)
class _Maps:
    """What the nets made of one box: the answer's maps, and the fast net's own where it ran.

    `carried` are the keyframe's maps on this frame, where the fusion needs them next.
    """

    answer: Heatmaps
    fast: Heatmaps | None
    origin: Origin
    carried: Heatmaps | None = None


class FastSlowRun:
    """One video under way."""

    def __init__(self, scheme: FastSlow, snapshot: Snapshot | None) -> None:
        self._scheme = scheme
        self._before: int | None = None  # the frame before the present one
        self._searched: int | None = None  # the frame on which the finder last looked
        self._memory = Memory()
        self._tracker = Tracker(scheme.skeleton, scheme.tracking)
        if snapshot is not None:
            tracker = part(snapshot, "tracker")
            self._tracker = Tracker.restored(scheme.skeleton, scheme.tracking, tracker)
            self._memory = Memory.restored(part(snapshot, "memory"))
            self._before = next(iter(snapshot["before"].tolist()), None)
            self._searched = next(iter(snapshot["searched"].tolist()), None)

    def snapshot(self) -> Snapshot:
        """What is remembered after the last frame."""
        before = [] if self._before is None else [self._before]
        searched = [] if self._searched is None else [self._searched]
        return {
            **prefixed("tracker", self._tracker.snapshot()),
            **prefixed("memory", self._memory.snapshot()),
            "before": np.array(before, np.int64),
            "searched": np.array(searched, np.int64),
        }

    def forget(self) -> None:
        """Forget everyone; the next frame is a keyframe, and numbers go on."""
        self._tracker.forget()
        self._memory.forget(self._memory.tracks)
        self._before = self._searched = None

    def step(self, frame: Frame) -> FrameResult:
        """The result of the next frame."""
        clock = self._scheme.clock
        keyframe = self._scheme.keyframes(frame, self._before)
        self._before = frame.index
        with clock("track"):
            carried = self._tracker.carry(frame)
        found = self._search(frame, keyframe)
        with clock("track"):
            plan = self._plan(carried, found, keyframe)
        known, fresh, maps = self._look(frame, plan)
        with clock("track"):
            people = self._tracker.see(known, fresh, searched=found is not None)
            for number, sighting in people.items():
                if self._tracker.unseen(number) == 0:
                    self._remember(frame, number, maps[sighting])
            self._memory.forget(self._memory.tracks - self._tracker.alive)
        quiet = self._scheme.tracking.quiet
        shown = {n: s for n, s in people.items() if self._tracker.unseen(n) <= quiet}
        return FrameResult(
            frame,
            tuple(replace(sighting.pose, track=n) for n, sighting in shown.items()),
            keyframe,
            tuple(maps[sighting].origin for sighting in shown.values()),
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

    def _plan(self, carried: list[Tracked], found: list[Box] | None, keyframe: bool) -> _Plan:
        """On a keyframe all are fresh, also whom the finder missed; else only its strangers."""
        boxes = found or []
        owners = self._tracker.recognise(boxes)
        mine = {n: box for n, box in zip(owners, boxes, strict=True) if n is not None}
        if keyframe:
            missed = [tracked.box for tracked in carried if tracked.track not in mine]
            return _Plan([], [*boxes, *missed], {}, len(boxes))
        strangers = [box for n, box in zip(owners, boxes, strict=True) if n is None]
        return _Plan(carried, strangers, mine, len(strangers))

    def _look(
        self, frame: Frame, plan: _Plan
    ) -> tuple[dict[int, Sighting], list[Sighting], dict[Sighting, _Maps]]:
        """The known by track, the fresh in order, and everyone's maps: one pass per net."""
        scheme, fusion, known = self._scheme, self._scheme.fusion, len(plan.known)
        slow = self._run("slow", scheme.slow, frame, plan.fresh)
        boxes = [tracked.box for tracked in plan.known]
        also = plan.fresh if fusion.needs_previous else []
        fast = self._run("fast", scheme.fast, frame, [*boxes, *also])
        with scheme.clock("fuse"):
            fused = fusion(self._between(frame, plan.known, fast[:known])) if known else []
        with scheme.clock("decode"):
            answers = [*fused, *(Fused(maps) for maps in slow)]
            poses = decoded([each.answer for each in answers], [*boxes, *plan.fresh])
            measured = [*decoded(fast[:known], boxes), *poses[known:]]
        own: list[Heatmaps | None] = [*fast] if also else [*fast, *([None] * len(slow))]
        maps = {}
        sightings = []
        for place, (pose, made) in enumerate(zip(poses, answers, strict=True)):
            if place < known:
                found = plan.found.get(plan.known[place].track)
                support, origin = self._support(pose, measured[place]), fusion.origin
            else:
                found = pose.box if place < known + plan.strangers else None
                support, origin = pose.score / scheme.weak_score, "slow"
            sightings.append(Sighting(pose, measured[place], found, support))
            maps[sightings[-1]] = _Maps(made.answer, own[place], origin, made.carried)
        tracks = (tracked.track for tracked in plan.known)
        return dict(zip(tracks, sightings, strict=False)), sightings[known:], maps

    def _between(
        self, frame: Frame, known: Sequence[Tracked], fast: Sequence[Heatmaps]
    ) -> list[Between]:
        people = []
        for tracked, maps in zip(known, fast, strict=True):
            past = self._memory.recall(tracked.track)
            crop = Crop.around(tracked.box, past.key.crop.size, self._scheme.padding)
            people.append(Between(maps, crop, past, frame.index - past.key_index))
        return people

    def _support(self, pose: Pose, measured: Pose) -> float:
        """The weaker of the answer's evidence and the fast net's own."""
        own = measured.score / self._scheme.weak_fast_score
        if self._scheme.fusion.origin == "fast":
            return own
        return min(own, pose.score / self._scheme.weak_score)

    def _remember(self, frame: Frame, number: int, maps: _Maps) -> None:
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

    def _run(
        self, stage: str, net: HeatmapNet, frame: Frame, boxes: Sequence[Box]
    ) -> list[Heatmaps]:
        if not boxes:
            return []
        with self._scheme.clock(stage):
            return net.heatmaps(frame.image, boxes)
