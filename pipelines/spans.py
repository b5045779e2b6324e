"""Spans: everyone's readings from one keyframe to the next, in both passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from data.frame import Frame
from data.heatmaps import Heatmaps
from data.pose import Box, Pose
from models.decode import poses as decoded
from models.decode import score
from pipelines.between import Key, Look, TwoSided, middles, nearest_keys
from pipelines.hidden import Hiding, hidden
from pipelines.likeness import oks, overlap
from pipelines.paths import Paths, Reading, box_at, pose_at
from pipelines.pipeline import Snapshot
from pipelines.scout import Eyes, Scout, Sight
from pipelines.snapshot import pack, part, prefixed, unpack
from pipelines.timing import Clock
from pipelines.tracker import Tracking

_LIKE = 0.3  # OKS with the straight line from which on who was missed is taken to be seen after all
_TAKEN = 0.5  # IoU with somebody else's box from which on it is theirs


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often people are looked for and read; frames.

    The finder looks every `search` frames and on keyframes. The first pass reads every `stride`-th
    frame; the second looks there again for whom the first one missed, and halves that where a
    straight line may miss a person by more than `tolerance` (in sizes of the box).
    """

    search: int = 8
    stride: int = 4
    tolerance: float = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """A span's frames and what the first pass saw on them.

    `before` is the first pass's own state before it, `alive` are the tracks that were followed
    then, `known` those that may still go on after it.
    """

    frames: Sequence[Frame]
    looks: Sequence[tuple[Frame, Sight]]
    before: Snapshot
    alive: Set[int]
    known: Set[int]


class Spans:
    """Reads span after span of a video into `paths`; a span ends with a keyframe.

    `look` is the first pass, `read` the second one. Spans take both in their order, but the next
    one may be looked at, on another thread, while one is read. `clock` is the second pass's own.
    """

    def __init__(
        self,
        eyes: Eyes,
        fusion: TwoSided,
        rhythm: Rhythm,
        tracking: Tracking,
        snapshot: Snapshot | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._eyes, self._fusion, self._rhythm = eyes, fusion, rhythm
        self._clock = clock or eyes.clock
        self.paths = Paths()
        self._keys: dict[int, dict[int, Key]] = {}  # by track and frame
        scout = None
        if snapshot is not None:
            scout = part(snapshot, "scout")
            self.paths = Paths.restored(part(snapshot, "paths"))
            maps = unpack(part(snapshot, "keys"))
            for (track, frame), one in zip(snapshot["keyed"].tolist(), maps, strict=True):
                self._keys.setdefault(track, {})[frame] = Key(frame, one)
        self._scout = Scout(eyes, tracking, rhythm.search, scout)
        self.known: Set[int] = self._scout.known
        """The tracks that may go on by themselves after the last span that was read."""

    def remembered(self, coming: Span | None) -> Callable[[], Snapshot]:
        """What is remembered after the last span that was read, to be packed when it is wanted.

        A span that was looked at since is `coming`, and nothing of it is remembered.
        """
        scout = self._scout.snapshot() if coming is None else coming.before
        paths = self.paths.copy()
        keys = [(track, key) for track, own in self._keys.items() for key in own.values()]

        def packed() -> Snapshot:
            keyed = [(track, key.frame) for track, key in keys]
            return {
                **prefixed("scout", scout),
                **prefixed("paths", paths.snapshot(len(self._eyes.skeleton))),
                **prefixed("keys", pack([key.maps for _, key in keys])),
                "keyed": np.array(keyed, np.int64).reshape(-1, 2),
            }

        return packed

    def forget(self) -> None:
        """Forget everyone, as at a cut; numbers go on."""
        self._scout.forget()
        self._keys, self.paths, self.known = {}, Paths(), self._scout.known

    def look(self, frames: Sequence[Frame], *, first: bool) -> Span:
        """A span by the first pass: its last frame is a keyframe, its first one too where it is
        the `first`."""
        before, alive = self._scout.snapshot(), self._scout.alive
        looks: list[tuple[Frame, Sight]] = []
        for place, frame in enumerate(frames):
            keyframe = place == len(frames) - 1 or (first and place == 0)
            if keyframe or frame.index % self._rhythm.stride == 0:
                looks += ((frame, s) for s in self._scout.look(frame, keyframe=keyframe))
        return Span(frames, looks, before, alive, self._scout.known)

    def read(self, span: Span) -> None:
        """The second pass over a span."""
        self._forget_old_keys(span.alive)
        known, frames = set(self.paths), span.frames
        self._take_slow([(frame, sight) for frame, sight in span.looks if sight.is_slow])
        fast = [(frame, sight) for frame, sight in span.looks if not sight.is_slow]
        self._take([(frame, s.track, s.box) for frame, s in fast], [s.maps for _, s in fast])
        by_index = {frame.index: frame for frame in frames}
        self._lengthen(by_index, known)
        self._look_again(by_index)
        for _ in range(max(self._rhythm.stride - 1, 0).bit_length()):
            paths = {track: self.paths.near(track, frames[0].index) for track in self.paths}
            wishes = [
                (by_index[at], track, box_at(path, at))
                for track, path in paths.items()
                for at in middles(path, self._rhythm.tolerance, self._rhythm.stride)
                if at in by_index
            ]
            self._read(wishes)
        paths = {track: self.paths.of(track) for track in self.paths}
        for track, at in hidden(paths, by_index, self._eyes.skeleton, Hiding()):
            self.paths.remove(track, at)
        self.known = span.known

    def _take_slow(self, sights: Sequence[tuple[Frame, Sight]]) -> None:
        """The answers of the slow net as they are, and what they tell their neighbours."""
        with self._clock("decode"):
            poses = decoded([s.maps for _, s in sights], [s.box for _, s in sights])
        for (frame, sight), pose in zip(sights, poses, strict=True):
            self.paths.add(sight.track, Reading(frame.index, frame.seconds, pose, "slow"))
            if not self._fusion.needs_keys:
                continue
            with self._clock("fuse"):
                key = Key.of(frame.index, sight.maps, sight.box, self._fusion.padding)
            self._keys.setdefault(sight.track, {})[frame.index] = key

    def _read(self, wishes: Sequence[tuple[Frame, int, Box]]) -> list[bool]:
        """Read people by the fast net, all in one call; whether each was seen."""
        if not wishes:
            return []
        with self._clock("fast"):
            maps = self._eyes.fast.heatmaps_across([(f.image, box) for f, _, box in wishes])
        return self._take(wishes, maps)

    def _take(self, seen: Sequence[tuple[Frame, int, Box]], maps: Sequence[Heatmaps]) -> list[bool]:
        """Merge fast maps with the keyframes' and keep who is there; whether each is."""
        clock, eyes = self._clock, self._eyes
        looks = [
            Look(
                track, frame.index, box, own, *nearest_keys(self._keys.get(track, {}), frame.index)
            )
            for (frame, track, box), own in zip(seen, maps, strict=True)
        ]
        with clock("fuse"):
            answers = self._fusion(looks)
        with clock("decode"):
            poses, scores = decoded(answers, [box for _, _, box in seen]), map(score, maps)
        there = []
        for (frame, track, _), pose, own in zip(seen, poses, scores, strict=True):
            there.append(own >= eyes.weak_fast_score and pose.score >= eyes.weak_score)
            if there[-1]:
                origin = self._fusion.origin
                self.paths.add(track, Reading(frame.index, frame.seconds, pose, origin))
        return there

    def _lengthen(self, frames: Mapping[int, Frame], known: Set[int]) -> None:
        """Read on from where a path begins or ends within the span, as far as somebody is there."""
        wishes: list[list[tuple[Frame, int, Box]]] = []
        step = max(self._rhythm.stride // 2, 1)
        paths = {track: self.paths.near(track, min(frames)) for track in self.paths}
        for track, path in paths.items():
            ways = []
            if path[-1].frame in frames and path[-1].frame + step < max(frames):
                ways.append(range(path[-1].frame + step, path[-1].frame + step + 1))
            if track not in known:
                farthest = max(path[0].frame - self._rhythm.search, min(frames) - 1)
                ways.append(range(path[0].frame - step, farthest, -step))
            for places in ways:
                chosen = [(frames[at], track, box_at(path, at)) for at in places]
                wishes.append(chosen[: _free(chosen, paths)])
        seen = iter(self._read([wish for way in wishes for wish in way]))
        for way in wishes:
            flags = [next(seen) for _ in way]
            end = flags.index(False) if False in flags else len(flags)
            for frame, track, _ in way[end:]:
                self.paths.remove(track, frame.index)

    def _look_again(self, frames: Mapping[int, Frame]) -> None:
        """Read whom the first pass missed between two readings: it had to guess where they went,
        and the readings tell. Places that are somebody else's are left, and what is unlike the
        straight line between the readings is not kept: it may be anybody."""
        paths = {track: self.paths.near(track, min(frames)) for track in self.paths}
        wishes: list[tuple[Frame, int, Box]] = []
        lines: list[Pose] = []
        for track, path in paths.items():
            for before, after in pairwise(path):
                for at in range(before.frame + 1, after.frame):
                    if at not in frames or at % self._rhythm.stride:
                        continue
                    line = pose_at(before, after, at)
                    if _free([(frames[at], track, line.box)], paths):
                        wishes.append((frames[at], track, line.box))
                        lines.append(line)
        self._read(wishes)
        for (frame, track, _), line in zip(wishes, lines, strict=True):
            read = [each.pose for each in self.paths.of(track) if each.frame == frame.index]
            if read and oks(read, [line], self._eyes.skeleton)[0, 0] < _LIKE:
                self.paths.remove(track, frame.index)

    def _forget_old_keys(self, alive: Set[int]) -> None:
        """Of everyone who is followed the last keyframe is kept, of others none."""
        self._keys = {
            track: {max(own): own[max(own)]} for track, own in self._keys.items() if track in alive
        }


def _free(way: Sequence[tuple[Frame, int, Box]], paths: Mapping[int, Sequence[Reading]]) -> int:
    """How many steps of a way lead through places that are nobody else's."""
    for place, (frame, track, box) in enumerate(way):
        for other, path in paths.items():
            if other == track or not path[0].frame <= frame.index <= path[-1].frame:
                continue
            if overlap(box, box_at(path, frame.index)) > _TAKEN:
                return place
    return len(way)
