"""Reader: a frame's people through the networks and the fusion, one pass per net."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from data.crop import Crop
from data.frame import Frame, Origin
from data.heatmaps import Heatmaps
from data.pose import Box
from models.decode import poses as decoded
from pipelines.fusion import Between, Fused, Fusion
from pipelines.memory import Memory
from pipelines.pipeline import HeatmapNet
from pipelines.timing import Clock
from pipelines.tracker import Sighting, Tracked


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who is looked at on a frame, and by which net.

    `known` go on with the fast net; `fresh` get the slow one, and so do the `due`, who are known
    but have a keyframe of their own. `found` are the finder's boxes of known and due, by track; the
    first `strangers` of the fresh are its boxes themselves. `alone` are those of the known whose
    fast maps are the answer by themselves, without a fusion.
    """

    known: list[Tracked]
    fresh: list[Box]
    found: dict[int, Box]
    strangers: int
    due: list[Tracked] = field(default_factory=list)
    alone: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What the nets made of one box: the answer's maps, and the fast net's own where it ran.

    `carried` are the keyframe's maps on this frame, where the fusion needs them next.
    """

    answer: Heatmaps
    fast: Heatmaps | None
    origin: Origin
    carried: Heatmaps | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """The known and due by track, the fresh in order, and everyone's maps."""

    known: dict[int, Sighting]
    fresh: list[Sighting]
    maps: dict[Sighting, Maps]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The networks with what they need to read people; the fields are those of `FastSlow`."""

    slow: HeatmapNet
    fast: HeatmapNet
    fusion: Fusion
    alone: Fusion
    padding: float
    weak_score: float
    weak_fast_score: float
    clock: Clock

    def look(self, frame: Frame, plan: Plan, memory: Memory) -> Looked:
        """Everyone of the plan, whose known people the memory remembers."""
        known, due = len(plan.known), len(plan.due)
        boxes = [tracked.box for tracked in plan.known]
        exact = [*(tracked.box for tracked in plan.due), *plan.fresh]
        slow = self._run("slow", self.slow, frame, exact)
        also = exact if self.fusion.needs_previous else []
        fast = self._run("fast", self.fast, frame, [*boxes, *also])
        with self.clock("fuse"):
            between = self._between(frame, plan.known, fast[:known], memory)
            fused = self._fused(plan, between)
        with self.clock("decode"):
            answers = [*fused, *(Fused(maps, origin="slow") for maps in slow)]
            poses = decoded([each.answer for each in answers], [*boxes, *exact])
            measured = [*decoded(fast[:known], boxes), *poses[known:]]
        own: list[Heatmaps | None] = [*fast] if also else [*fast, *([None] * len(slow))]
        maps = {}
        sightings = []
        tracks = [tracked.track for tracked in (*plan.known, *plan.due)]
        for place, (pose, made) in enumerate(zip(poses, answers, strict=True)):
            if place < known + due:
                found = plan.found.get(tracks[place])
            else:
                found = pose.box if place < known + due + plan.strangers else None
            support = pose.score / self.weak_score
            if place < known:
                support = min(support, measured[place].score / self.weak_fast_score)
            sightings.append(Sighting(pose, measured[place], found, support))
            maps[sightings[-1]] = Maps(made.answer, own[place], made.origin, made.carried)
        own_tracks = dict(zip(tracks, sightings, strict=False))
        return Looked(own_tracks, sightings[known + due :], maps)

    def _between(
        self, frame: Frame, known: Sequence[Tracked], fast: Sequence[Heatmaps], memory: Memory
    ) -> list[Between]:
        people = []
        for tracked, maps in zip(known, fast, strict=True):
            past = memory.recall(tracked.track)
            crop = Crop.around(tracked.box, past.key.crop.size, self.padding)
            people.append(Between(maps, crop, past, frame.index - past.key_index))
        return people

    def _fused(self, plan: Plan, between: Sequence[Between]) -> list[Fused]:
        """The answers' maps of all known, in their order."""
        own = [tracked.track in plan.alone for tracked in plan.known]
        merged = [person for person, alone in zip(between, own, strict=True) if not alone]
        rest = [person for person, alone in zip(between, own, strict=True) if alone]
        fused = iter(self.fusion(merged) if merged else [])
        quick = iter(self.alone(rest) if rest else [])
        return [next(quick if alone else fused) for alone in own]

    def _run(
        self, stage: str, net: HeatmapNet, frame: Frame, boxes: Sequence[Box]
    ) -> list[Heatmaps]:
        if not boxes:
            return []
        with self.clock(stage):
            return net.heatmaps(frame.image, boxes)
