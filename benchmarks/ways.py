"""Ways to answer between keyframes: fusions, and what needs no transfer net; counted in hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rivals import RIVALS, Reading
from seen import NEAR, Seen, Track

from data.crop import Crop
from data.heatmaps import Heatmaps
from data.pose import Floats
from models.decode import decode
from models.topdown import TopDown, on_crops
from pipelines import fusion
from pipelines.fusion import Between, Fusion
from pipelines.memory import Remembered
from pipelines.pipeline import Transfer

SLOW, FAST = "slow net on every frame", "fast net on every frame"
COPIED = "keyframe's maps, copied"
FAST_ONLY, GATED = "fast-only", "gated"


def copied(current: Sequence[Heatmaps], reference: Sequence[Heatmaps]) -> list[Heatmaps]:
    """No transfer net at all: the reference as it is."""
    return [replace(r, crop=c.crop) for c, r in zip(current, reference, strict=True)]


@dataclass(slots=True)
class Counting:
    """A transfer net that counts the people whose maps it carries."""

    transfer: Transfer
    carried: int = 0

    def __call__(
        self, current: Sequence[Heatmaps], reference: Sequence[Heatmaps]
    ) -> list[Heatmaps]:
        self.carried += len(current)
        return self.transfer(current, reference)


@dataclass(slots=True)
class Hits:
    """Right keypoints of known ones: over all frames, and over those between keyframes."""

    right: int = 0
    known: int = 0
    right_between: int = 0
    known_between: int = 0

    def add(self, far: Floats, *, between: bool) -> None:
        right, known = int((far < NEAR).sum()), int((~np.isnan(far)).sum())
        self.right, self.known = self.right + right, self.known + known
        if between:
            self.right_between += right
            self.known_between += known


Counted = dict[str, Hits]


class Ways:
    """Every way to answer, walked along the tracks of a clip at a time."""

    def __init__(
        self, slow: TopDown, fast: TopDown, transfers: Mapping[str, Transfer], *, interval: int
    ) -> None:
        """`transfers` names transfer nets; the one under "" is the family's own."""
        self._slow, self._fast, self._interval = slow, fast, interval
        self._gated, self._read = Counting(transfers[""]), 0
        self.fusions = fusions(transfers, interval)
        self.fusions[GATED] = _fusion(GATED, interval, self._gated)

    @property
    def carried(self) -> float:
        """The share of all people and frames walked on which the gated fusion carried maps."""
        return self._gated.carried / self._read

    def walk(self, tracks: Sequence[Track]) -> list[Counted]:
        """What every way got right of each track. All tracks go on in step."""
        found = [_Person(track, self.fusions) for track in tracks]
        for place in range(max(map(len, tracks), default=0)):
            there = [person for person in found if place < len(person.track)]
            self._step(there, place)
        return [person.counted for person in found]

    def _step(self, people: Sequence[_Person], place: int) -> None:
        seen = [person.track[place] for person in people]
        exact, quick = (_read(net, seen) for net in (self._slow, self._fast))
        slow, fast = readings(exact), readings(quick)
        is_key = place % self._interval == 0
        self._read += len(people)
        for person, one, maps, said, rough in zip(people, seen, exact, slow, fast, strict=True):
            person.count(SLOW, one, said.keypoints, between=not is_key)
            person.count(FAST, one, rough.keypoints, between=not is_key)
            if is_key:
                person.start(one, maps, place, said, rough)
            else:
                person.follow(one, rough)
        if is_key:
            for person, one, said in zip(people, seen, slow, strict=True):
                for name in (COPIED, *self.fusions, *RIVALS):
                    person.count(name, one, said.keypoints, between=False)
        else:
            self._fuse(people, seen, quick, [maps.crop for maps in exact], place)
        for person, maps in zip(people, quick, strict=True):
            person.previous = maps

    def _fuse(
        self,
        people: Sequence[_Person],
        seen: Sequence[Seen],
        quick: Sequence[Heatmaps],
        crops: Sequence[Crop],
        place: int,
    ) -> None:
        keys = [replace(p.key, crop=crop) for p, crop in zip(people, crops, strict=True)]
        for person, one, said in zip(people, seen, readings(keys), strict=True):
            person.count(COPIED, one, said.keypoints, between=True)
        for name, fuse in self.fusions.items():
            asked = [
                Between(maps, crop, person.past(name, place), place - person.key_place)
                for person, maps, crop in zip(people, quick, crops, strict=True)
            ]
            fused = fuse(asked)
            for person, each in zip(people, fused, strict=True):
                person.answers[name] = each
            found = readings([each.answer for each in fused])
            for person, one, reading in zip(people, seen, found, strict=True):
                person.count(name, one, reading.keypoints, between=True)


class _Person:
    """One track under way."""

    def __init__(self, track: Track, names: Mapping[str, Fusion]) -> None:
        self.track, self._names = track, tuple(names)
        self.counted: Counted = defaultdict(Hits)
        self.rivals = {name: kind() for name, kind in RIVALS.items()}
        self.answers: dict[str, fusion.Fused] = {}
        self.previous: Heatmaps | None = None
        self.key_place = 0

    def start(self, seen: Seen, key: Heatmaps, place: int, slow: Reading, fast: Reading) -> None:
        self.key, self.key_place = key, place
        # To its own frame the keyframe's maps need not be carried: they are of it.
        self.answers = dict.fromkeys(self._names, fusion.Fused(key, key))
        size = float(np.sqrt(seen.box.area))
        for rival in self.rivals.values():
            rival.start(seen.image, slow, fast, size)

    def follow(self, seen: Seen, fast: Reading) -> None:
        for name, rival in self.rivals.items():
            self.count(name, seen, rival.follow(seen.image, fast), between=True)

    def past(self, name: str, place: int) -> Remembered:
        before = self.answers[name]
        return Remembered(
            self.key, self.key_place, before.answer, place - 1, self.previous, before.carried
        )

    def count(self, name: str, seen: Seen, points: Floats, *, between: bool) -> None:
        self.counted[name].add(seen.far(points), between=between)


def fusions(transfers: Mapping[str, Transfer], interval: int) -> dict[str, Fusion]:
    """The fusions by the name of their row: with every transfer net, and with copying."""
    found = {FAST_ONLY: _fusion(FAST_ONLY, interval, None)}
    own = [name for name in fusion.names() if name not in (FAST_ONLY, GATED, "three-maps-light")]
    found |= {name: _fusion(name, interval, transfers[""]) for name in own}
    found |= {
        f"two-maps, {label}": _fusion("two-maps", interval, net)
        for label, net in transfers.items()
        if label
    }
    return found | {"two-maps, copied": _fusion("two-maps", interval, copied)}


def _fusion(name: str, interval: int, transfer: Transfer | None) -> Fusion:
    return fusion.create(name, interval=interval, resampling="smooth", transfer=transfer)


def transfers_in(make: Callable[[Transfer], Fusion], interval: int) -> int:
    """How often a fusion carries one person's maps from one keyframe to the next: tried out."""
    calls = 0

    def carry(current: Sequence[Heatmaps], reference: Sequence[Heatmaps]) -> list[Heatmaps]:
        nonlocal calls
        calls += len(current)
        return copied(current, reference)

    crop = Crop((0.0, 0.0), (1.0, 1.0), (4, 4))
    nothing = Heatmaps(np.zeros((1, 4, 4), np.float32), crop)
    fuse, before = make(carry), fusion.Fused(nothing, nothing)
    for age in range(1, interval):
        past = Remembered(nothing, 0, before.answer, age - 1, nothing, before.carried)
        (before,) = fuse([Between(nothing, crop, past, age)])
    return calls


def _read(net: TopDown, people: Sequence[Seen]) -> list[Heatmaps]:
    """One set of maps per person, whatever their pictures are."""
    crops = net.crops([one.box for one in people])
    cuts = [crop.cut(one.image) for crop, one in zip(crops, people, strict=True)]
    return on_crops(net.maps(cuts), crops)


def readings(maps: Sequence[Heatmaps]) -> list[Reading]:
    """Keypoints and scores of each."""
    return [Reading(points, np.clip(scores, 0, 1)) for points, scores in decode(list(maps))]
