"""Replay: the fast-slow scheme over stored heatmaps, with annotated boxes and tracks.

Every person is followed from one annotated frame to the next, as the published evaluation does it
(FSPose specification, section 4); many tracks of many videos go side by side, one network call for
all of them. Fusion, memory and the choice of keyframes are those of the live stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass, replace

import numpy as np

from data.heatmap_store import Key, key_of
from data.heatmaps import Heatmaps
from data.pose import Pose
from data.posetrack import Person, Sequence
from data.skeleton import POSETRACK_17, Skeleton
from models.decode import decode
from pipelines.fusion import Between, Fused, Fusion
from pipelines.memory import Memory, Remembered
from pipelines.replay_rules import Corrections
from pipelines.replay_stores import Stores, Track, Visit


@dataclass(frozen=True, slots=True)
class Answer:
    """The maps that answer for a person on a frame, on the person's crop in the slow space."""

    visit: Visit
    heatmaps: Heatmaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The scheme over stored maps by the published rules and some corrections of them.

    `fusion` must have been made with the resampling and the peak that the corrections say. `batch`
    tracks go side by side.
    """

    stores: Stores
    fusion: Fusion
    corrections: Corrections
    batch: int

    def poses(
        self, tracks: Several[Track], tell: Callable[[int], None] = lambda done: None
    ) -> dict[Key, Pose]:
        """Everyone's pose on the stores' skeleton, in pixels of the image; `tell` gets people done.

        Keypoints' scores are the maps' maxima; a pose's own score is the box's.
        """
        found: dict[Key, Pose] = {}
        for answers in self.steps(tracks):
            decoded = decode([answer.heatmaps for answer in answers])
            for answer, (points, maxima) in zip(answers, decoded, strict=True):
                key, box = answer.visit.subject.key, answer.visit.subject.box
                found[key] = Pose(points, maxima, box, answer.visit.subject.score, key.track)
            tell(len(found))
        return found

    def steps(self, tracks: Several[Track]) -> Iterator[list[Answer]]:
        """The answers of one frame each of up to `batch` tracks, each net called once for them."""
        memory, waiting = Memory(), iter(enumerate(tracks))
        lanes: dict[int, Iterator[Visit]] = {}
        while True:
            while len(lanes) < self.batch and (fresh := next(waiting, None)):
                lanes[fresh[0]] = iter(fresh[1])
            if not lanes:
                return
            now = {lane: visit for lane, visits in lanes.items() if (visit := next(visits, None))}
            for lane in lanes.keys() - now.keys():
                del lanes[lane]
                memory.forget([lane])
            if now:
                yield self._step(now, memory)

    def _step(self, now: Mapping[int, Visit], memory: Memory) -> list[Answer]:
        """The answers of one visit per lane."""
        fast: dict[int, Heatmaps] = {}
        fused: dict[int, Fused] = {}
        people: dict[int, Between] = {}
        for lane, visit in now.items():
            answers_itself = visit.age == 0 and "keyframes" in self.corrections
            if self.fusion.needs_previous or not answers_itself:
                fast[lane] = self.stores.fast_maps(visit)
            past = self._past(memory, lane, visit, fast.get(lane))
            memory.remember(lane, past)
            if answers_itself:
                fused[lane] = Fused(past.key, past.key if self.fusion.needs_carried else None)
            else:
                people[lane] = self._between(fast[lane], visit, past)
        fused.update(zip(people, self.fusion(list(people.values())), strict=True))
        for lane, visit in now.items():
            news = replace(
                memory.recall(lane),
                fused=fused[lane].answer,
                index=visit.number,
                previous=fast[lane] if self.fusion.needs_previous else None,
                carried=fused[lane].carried,
            )
            memory.remember(lane, news)
        return [Answer(v, fused[lane].answer) for lane, v in now.items()]

    def _past(self, memory: Memory, lane: int, visit: Visit, fast: Heatmaps | None) -> Remembered:
        """What is remembered of a track; on a keyframe with the keyframe's own slow maps.

        The first frame of a track is the one before itself (specification 4.1).
        """
        if visit.age > 0:
            return memory.recall(lane)
        key = self.stores.slow_maps(visit)
        if lane in memory.tracks:
            return replace(memory.recall(lane), key=key, key_index=visit.number, carried=None)
        return Remembered(key, visit.number, key, visit.number, fast)

    def _between(self, fast: Heatmaps, visit: Visit, past: Remembered) -> Between:
        crop = self.stores.crop(visit, past.key.crop.size)
        if "alignment" in self.corrections and crop != past.key.crop:
            past = replace(past, key=past.key.on(crop, smooth=True))
        return Between(fast, crop, past, visit.age)


def predicted(sequence: Sequence, poses: Mapping[Key, Pose], skeleton: Skeleton) -> Sequence:
    """The frames of an annotated sequence with the poses that were found in them instead."""
    frames = []
    for frame in sequence.frames:
        keys = [key_of(frame.frame_name, person.track) for person in frame.people]
        people = tuple(_person(poses[key], key, skeleton) for key in keys if key in poses)
        frames.append(replace(frame, people=people))
    return replace(sequence, frames=tuple(frames))


def _person(pose: Pose, key: Key, skeleton: Skeleton) -> Person:
    """A pose as PoseTrack's seventeen keypoints, all of them there whatever their scores."""
    if skeleton.keypoints != POSETRACK_17.keypoints:
        pose = skeleton.convert(pose, POSETRACK_17)
    return Person(
        keypoints=pose.keypoints.astype(np.float64),
        visibility=np.ones(len(POSETRACK_17)),
        track=key.track,
        box=pose.box,
        scores=pose.scores.astype(np.float64),
        score=pose.score,
    )
