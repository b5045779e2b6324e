"""The published ways to merge current, previous and keyframe maps, and one of our own, by name.

Formulas: FSPose specification, 4.3. T(x, y) there is `transfer`: reference maps y carried toward
the current maps x. P are the current fast maps in the slow net's space, I the keyframe's, S the
previous fast maps. Every map lives in its own person's box of its own frame (specification 0.5):
references are put on the current crop as they are, only their crop changes.

Slow maps ideally have the peak 1, a published fast net's soft-max 0.262 (specification 0.4). The
published code merges them as they are. With a `fast_peak` fast maps are divided by it where they
are merged, so that all answers are on the slow maps' scale; the transfer nets get as current maps
what they were taught on.

Every fusion asks each transfer net once for all people of a frame. `ThreeMaps` can, because the
T(S, I) of a frame is the T(P, I) of the frame before, which is remembered (specification 4.4).
Where one net plays both parts of `ThreeMapsLight`, it is called once for each size of maps.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Protocol

import numpy as np

from data.crop import Crop
from data.errors import ConfigError
from data.frame import Origin
from data.heatmaps import Heatmaps
from data.pose import Floats
from models.decode import peaks
from pipelines.memory import Remembered
from pipelines.pipeline import Transfer

Resampling = Literal["nearest", "smooth"]
"""How the fast maps come into the slow space: nearest cell as published, or interpolated."""


_SEEN = 0.2  # the score from which on a keypoint tells where it is


@dataclass(frozen=True, slots=True, eq=False)
class Between:
    """One person on a frame between keyframes.

    `fast` are the fast net's maps in their own space, `crop` the person's crop in the slow net's
    heatmap space, `age` the frames since the person's keyframe.
    """

    fast: Heatmaps
    crop: Crop
    past: Remembered
    age: int


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """What a fusion made of one person, on the person's crop.

    `answer` are the frame's maps. `carried` is T(P, I) where the fusion `needs_carried`: what the
    person's next frame finds in `Remembered.carried`. `origin` is what the answer is called in the
    results: `fast` where no other maps took part.
    """

    answer: Heatmaps
    carried: Heatmaps | None = None
    origin: Origin = "fused"


class Fusion(Protocol):
    """Makes the answer's maps of a frame between keyframes, for all people at once."""

    @property
    def needs_previous(self) -> bool:
        """Whether `Remembered.previous` is read."""

    @property
    def needs_carried(self) -> bool:
        """Whether `Remembered.carried` is read."""

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        """Each person's maps, in order."""


@dataclass(frozen=True, slots=True)
class FastOnly:
    """P: the current maps alone (published type 1)."""

    resampling: Resampling
    fast_peak: float = 1.0
    needs_previous: ClassVar[bool] = False
    needs_carried: ClassVar[bool] = False

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        now = _current(people, self.resampling)
        return [Fused(own, origin="fast") for own in raised(now, self.fast_peak)]


@dataclass(frozen=True, slots=True)
class TwoMaps:
    """(T(P, I) + P) / 2 (published type 0)."""

    transfer: Transfer
    resampling: Resampling
    fast_peak: float = 1.0
    needs_previous: ClassVar[bool] = False
    needs_carried: ClassVar[bool] = False

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        now = _current(people, self.resampling)
        moved = _carried(self.transfer, now, [person.past.key for person in people])
        return _fused(_means(moved, raised(now, self.fast_peak)))


@dataclass(frozen=True, slots=True)
class Gated:
    """TwoMaps for whom the keyframe's maps still show as P does, P for all others.

    A keyframe's maps pull the answer back to where somebody was. They still show a person whose
    keypoints, each in the cells of its own crop, are no more than `near` apart in the median: a
    share of the maps' height. Keypoints below a score of `_SEEN` in either do not count, and who
    has none that does is answered by P. The transfer net is asked for the former alone.

    Not published: docs/keyframes.md has what it gains and how `near` was chosen.
    """

    transfer: Transfer
    resampling: Resampling
    fast_peak: float = 1.0
    near: float = 3 / 64
    needs_previous: ClassVar[bool] = False
    needs_carried: ClassVar[bool] = False

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        now = _current(people, self.resampling)
        own = raised(now, self.fast_peak)
        answers = [Fused(maps, origin="fast") for maps in own]
        keys = [person.past.key for person in people]
        still = [i for i, apart in enumerate(_apart(keys, own)) if apart <= self.near]
        moved = _carried(self.transfer, [now[i] for i in still], [keys[i] for i in still])
        for i, maps in zip(still, moved, strict=True):
            answers[i] = Fused(_mean(maps, own[i]))
        return answers


@dataclass(frozen=True, slots=True)
class ThreeMaps:
    """As TwoMaps while age < interval / 2, then (T(P, F) + P + T(P, I)) / 3 (published type 2).

    F = (T(S, I) + S) / 2: the previous maps merged with the keyframe's, in the previous box. Who
    is late and has no `Remembered.carried`, which is T(S, I), costs a call before the frame's own.
    """

    transfer: Transfer
    resampling: Resampling
    interval: int
    fast_peak: float = 1.0
    needs_previous: ClassVar[bool] = True
    needs_carried: ClassVar[bool] = True

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        late = _late(people, self.interval)
        now = _current(people, self.resampling)
        merged = self._merged([people[i] for i in late])
        keys = [person.past.key for person in people]
        # One call for T(P, I) of everyone and T(P, F) of the late.
        moved = _carried(self.transfer, [*now, *(now[i] for i in late)], [*keys, *merged])
        carried, third = moved[: len(now)], moved[len(now) :]
        own = raised(now, self.fast_peak)
        answer = _means(carried, own)
        for i, first in zip(late, third, strict=True):
            answer[i] = _mean(first, own[i], carried[i])
        return [Fused(*pair) for pair in zip(answer, carried, strict=True)]

    def _merged(self, people: Sequence[Between]) -> list[Heatmaps]:
        """F of everyone."""
        before = _before(people, self.resampling)
        unknown = [i for i, person in enumerate(people) if person.past.carried is None]
        keys = [people[i].past.key for i in unknown]
        found = iter(_carried(self.transfer, [before[i] for i in unknown], keys))
        carried = [
            next(found) if person.past.carried is None else person.past.carried for person in people
        ]
        return _means(carried, raised(before, self.fast_peak))


@dataclass(frozen=True, slots=True)
class ThreeMapsLight:
    """As TwoMaps while age < interval / 2, then (W(L(p, s)) + P + T(P, I)) / 3 (published type 4).

    L is the small transfer net in the fast net's own space, on its own maps p and s. W re-draws
    smooth, as published, whatever `resampling` says of P.
    """

    transfer: Transfer
    light_transfer: Transfer
    resampling: Resampling
    interval: int
    fast_peak: float = 1.0
    needs_previous: ClassVar[bool] = True
    needs_carried: ClassVar[bool] = False

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        late = _late(people, self.interval)
        now = _current(people, self.resampling)
        moved = _carried(self.transfer, now, [person.past.key for person in people])
        own = raised(now, self.fast_peak)
        answer = _means(moved, own)
        current = [people[i].fast for i in late]
        light = _carried(self.light_transfer, current, [_previous(people[i].past) for i in late])
        for i, first in zip(late, raised(light, self.fast_peak), strict=True):
            answer[i] = _mean(first.on(people[i].crop, smooth=True), own[i], moved[i])
        return _fused(answer)


@dataclass(frozen=True, slots=True)
class PreviousOnly:
    """(T(P, S) + P) / 2, which never uses the keyframe (published type 5)."""

    transfer: Transfer
    resampling: Resampling
    fast_peak: float = 1.0
    needs_previous: ClassVar[bool] = True
    needs_carried: ClassVar[bool] = False

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        now = _current(people, self.resampling)
        moved = _carried(self.transfer, now, _before(people, self.resampling))
        return _fused(raised(_means(moved, now), self.fast_peak))


@dataclass(frozen=True, slots=True)
class Recursive:
    """(T(P, answer before) + P + T(P, I)) / 3 (published as "inherit").

    On the keyframe itself the answer is I; on the frame after it, (T(P, I) + P) / 2.
    """

    transfer: Transfer
    resampling: Resampling
    fast_peak: float = 1.0
    needs_previous: ClassVar[bool] = False
    needs_carried: ClassVar[bool] = False

    def __call__(self, people: Sequence[Between]) -> list[Fused]:
        between = [i for i, person in enumerate(people) if person.age > 0]
        past = [people[i].past for i in between]
        later = [i for i, kept in enumerate(past) if kept.index != kept.key_index]
        now = _current([people[i] for i in between], self.resampling)
        references = [*(kept.key for kept in past), *(past[i].fused for i in later)]
        moved = _carried(self.transfer, [*now, *(now[i] for i in later)], references)
        own = raised(now, self.fast_peak)
        fused = _means(moved[: len(now)], own)
        for i, first in zip(later, moved[len(now) :], strict=True):
            fused[i] = _mean(first, own[i], moved[i])
        answer = [_labelled(person.past.key, person.crop) for person in people]
        for i, maps in zip(between, fused, strict=True):
            answer[i] = maps
        return _fused(answer)


NUMBERS: dict[str, str] = {
    "0": "two-maps",
    "1": "fast-only",
    "2": "three-maps",
    "4": "three-maps-light",
    "5": "previous-only",
    "inherit": "recursive",
}
"""What the published script chooses each fusion by; its 3 is disabled there."""


def names() -> tuple[str, ...]:
    """The fusions that `create` knows."""
    return (*NUMBERS.values(), "gated")


def named(text: str) -> str:
    """The fusion's name for a published number; any other text as it is."""
    return NUMBERS.get(text, text)


def create(
    name: str,
    *,
    interval: int,
    resampling: Resampling,
    transfer: Transfer | None = None,
    light_transfer: Transfer | None = None,
    fast_peak: float = 1.0,
) -> Fusion:
    """The fusion of that name; ConfigError if there is none or a transfer net is missing."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.0)[0]
        raise ConfigError(f"There is no fusion {name!r}; did you mean {near!r}?")
    if name == "fast-only":
        return FastOnly(resampling, fast_peak)
    if transfer is None:
        raise ConfigError(f"The fusion {name!r} needs a transfer net, and none was given.")
    if name == "three-maps-light" and light_transfer is None:
        raise ConfigError(
            "The fusion 'three-maps-light' needs a transfer net for the fast net's own space too."
        )
    if name == "three-maps":
        return ThreeMaps(transfer, resampling, interval, fast_peak)
    if name == "three-maps-light":
        light = light_transfer or transfer
        return ThreeMapsLight(transfer, light, resampling, interval, fast_peak)
    return _KINDS[name](transfer, resampling, fast_peak)


_KINDS: dict[str, Callable[[Transfer, Resampling, float], Fusion]] = {
    "two-maps": TwoMaps,
    "gated": Gated,
    "previous-only": PreviousOnly,
    "recursive": Recursive,
}


def _current(people: Sequence[Between], resampling: Resampling) -> list[Heatmaps]:
    """P of everyone."""
    return [person.fast.on(person.crop, smooth=resampling == "smooth") for person in people]


def _before(people: Sequence[Between], resampling: Resampling) -> list[Heatmaps]:
    """S of everyone: the previous fast maps, on the previous frame's own crop."""
    smooth = resampling == "smooth"
    return [_previous(p.past).on(p.past.fused.crop, smooth=smooth) for p in people]


def _fused(answers: Sequence[Heatmaps]) -> list[Fused]:
    """Answers of which the next frame needs nothing but themselves."""
    return [Fused(answer) for answer in answers]


def _apart(first: Sequence[Heatmaps], second: Sequence[Heatmaps]) -> list[float]:
    """The median distance of each pair's keypoints within their crops, in heights of the maps.

    Infinite where no keypoint is seen in both.
    """
    found = []
    for pair in zip(first, second, strict=True):
        cells, scores = peaks(np.stack([each.maps for each in pair]))
        both = scores.min(0) >= _SEEN
        steps = np.hypot(*(cells[0] - cells[1])[both].T)
        height = pair[0].maps.shape[1]
        found.append(float(np.median(steps)) / height if both.any() else np.inf)
    return found


def _labelled(heatmaps: Heatmaps, crop: Crop) -> Heatmaps:
    """The same cells, said to lie on another crop of the same size."""
    return replace(heatmaps, crop=crop)


def _carried(
    transfer: Transfer, current: Sequence[Heatmaps], references: Sequence[Heatmaps]
) -> list[Heatmaps]:
    """One call for everyone; none for nobody."""
    if not current:
        return []
    pairs = zip(references, current, strict=True)
    return transfer(current, [_labelled(reference, now.crop) for reference, now in pairs])


def raised(heatmaps: Sequence[Heatmaps], fast_peak: float) -> list[Heatmaps]:
    """Fast maps on the slow maps' scale; `fast_peak` is the highest cell of an ideal fast map."""
    if fast_peak == 1.0:
        return list(heatmaps)
    return [replace(each, maps=each.maps / np.float32(fast_peak)) for each in heatmaps]


def _means(first: Sequence[Heatmaps], second: Sequence[Heatmaps]) -> list[Heatmaps]:
    """The mean of each pair."""
    return [_mean(*pair) for pair in zip(first, second, strict=True)]


def _mean(first: Heatmaps, *others: Heatmaps) -> Heatmaps:
    """The mean, summed in the order given, as published; on the first one's crop."""
    total: Floats = first.maps
    for other in others:
        total = total + other.maps
    return Heatmaps(np.asarray(total / np.float32(1 + len(others)), np.float32), first.crop)


def _late(people: Sequence[Between], interval: int) -> list[int]:
    """Who is in the second half of the interval."""
    return [i for i, person in enumerate(people) if person.age >= interval / 2]


def _previous(person: Remembered) -> Heatmaps:
    if person.previous is None:
        raise ValueError("the fusion needs the previous fast maps, which were not remembered")
    return person.previous
