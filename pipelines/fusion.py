"""The published ways to merge current, previous and keyframe maps, each under a name.

Formulas: FSPose specification, 4.3. T(x, y) there is `transfer`: reference maps y carried toward
the current maps x. P are the current fast maps in the slow net's space, I the keyframe's, S the
previous fast maps. Every map lives in its own person's box of its own frame (specification 0.5):
references are put on the current crop as they are, only their crop changes.
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
from pipelines.memory import Remembered
from pipelines.pipeline import Transfer

Resampling = Literal["nearest", "smooth"]
"""How the fast maps come into the slow space: nearest cell as published, or interpolated."""


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


class Fusion(Protocol):
    """Makes the answer's maps of a frame between keyframes, for all people at once."""

    @property
    def needs_previous(self) -> bool:
        """Whether `Remembered.previous` is read."""

    @property
    def origin(self) -> Origin:
        """What the answer is called in the results."""

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        """Each person's maps, on the person's crop."""


@dataclass(frozen=True, slots=True)
class FastOnly:
    """P: the current maps alone (published type 1)."""

    resampling: Resampling
    needs_previous: ClassVar[bool] = False
    origin: ClassVar[Origin] = "fast"

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        return _current(people, self.resampling)


@dataclass(frozen=True, slots=True)
class TwoMaps:
    """(T(P, I) + P) / 2 (published type 0)."""

    transfer: Transfer
    resampling: Resampling
    needs_previous: ClassVar[bool] = False
    origin: ClassVar[Origin] = "fused"

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        now = _current(people, self.resampling)
        moved = _carried(self.transfer, now, [person.past.key for person in people])
        return [_mean(m, p) for m, p in zip(moved, now, strict=True)]


@dataclass(frozen=True, slots=True)
class ThreeMaps:
    """As TwoMaps while age < interval / 2, then (T(P, F) + P + T(P, I)) / 3 (published type 2).

    F = (T(S, I) + S) / 2: the previous maps merged with the keyframe's, in the previous box.
    """

    transfer: Transfer
    resampling: Resampling
    interval: int
    needs_previous: ClassVar[bool] = True
    origin: ClassVar[Origin] = "fused"

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        late = _late(people, self.interval)
        now = _current(people, self.resampling)
        before = _before([people[i] for i in late], self.resampling)
        keys = [person.past.key for person in people]
        # One call for T(P, I) of everyone and T(S, I) of the late.
        moved = _carried(self.transfer, [*now, *before], [*keys, *(keys[i] for i in late)])
        merged = [_mean(m, s) for m, s in zip(moved[len(now) :], before, strict=True)]
        third = _carried(self.transfer, [now[i] for i in late], merged)
        answer = [_mean(m, p) for m, p in zip(moved[: len(now)], now, strict=True)]
        for i, first in zip(late, third, strict=True):
            answer[i] = _mean(first, now[i], moved[i])
        return answer


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
    needs_previous: ClassVar[bool] = True
    origin: ClassVar[Origin] = "fused"

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        late = _late(people, self.interval)
        now = _current(people, self.resampling)
        moved = _carried(self.transfer, now, [person.past.key for person in people])
        answer = [_mean(m, p) for m, p in zip(moved, now, strict=True)]
        current = [people[i].fast for i in late]
        light = _carried(self.light_transfer, current, [_previous(people[i].past) for i in late])
        for i, own in zip(late, light, strict=True):
            answer[i] = _mean(own.on(people[i].crop, smooth=True), now[i], moved[i])
        return answer


@dataclass(frozen=True, slots=True)
class PreviousOnly:
    """(T(P, S) + P) / 2, which never uses the keyframe (published type 5)."""

    transfer: Transfer
    resampling: Resampling
    needs_previous: ClassVar[bool] = True
    origin: ClassVar[Origin] = "fused"

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        now = _current(people, self.resampling)
        moved = _carried(self.transfer, now, _before(people, self.resampling))
        return [_mean(m, p) for m, p in zip(moved, now, strict=True)]


@dataclass(frozen=True, slots=True)
class Recursive:
    """(T(P, answer before) + P + T(P, I)) / 3 (published as "inherit").

    On the keyframe itself the answer is I; on the frame after it, (T(P, I) + P) / 2.
    """

    transfer: Transfer
    resampling: Resampling
    needs_previous: ClassVar[bool] = False
    origin: ClassVar[Origin] = "fused"

    def __call__(self, people: Sequence[Between]) -> list[Heatmaps]:
        past = [person.past for person in people]
        later = [i for i, kept in enumerate(past) if kept.index != kept.key_index]
        now = _current(people, self.resampling)
        references = [*(kept.key for kept in past), *(past[i].fused for i in later)]
        moved = _carried(self.transfer, [*now, *(now[i] for i in later)], references)
        answer = [_mean(m, p) for m, p in zip(moved[: len(now)], now, strict=True)]
        for i, first in zip(later, moved[len(now) :], strict=True):
            answer[i] = _mean(first, now[i], moved[i])
        return [
            _labelled(person.past.key, person.crop) if person.age == 0 else maps
            for person, maps in zip(people, answer, strict=True)
        ]


def names() -> tuple[str, ...]:
    """The fusions that `create` knows."""
    return tuple(_MAKERS)


def create(
    name: str,
    *,
    interval: int,
    resampling: Resampling,
    transfer: Transfer | None = None,
    light_transfer: Transfer | None = None,
) -> Fusion:
    """The fusion of that name; ConfigError if there is none or a transfer net is missing."""
    if name not in _MAKERS:
        near = difflib.get_close_matches(name, _MAKERS, n=1, cutoff=0.0)[0]
        raise ConfigError(f"There is no fusion {name!r}; did you mean {near!r}?")
    if name == "fast-only":
        return FastOnly(resampling)
    if transfer is None:
        raise ConfigError(f"The fusion {name!r} needs a transfer net, and none was given.")
    if name == "three-maps-light" and light_transfer is None:
        raise ConfigError(
            "The fusion 'three-maps-light' needs a transfer net for the fast net's own space too."
        )
    return _MAKERS[name](transfer, light_transfer or transfer, resampling, interval)


_MAKERS: dict[str, Callable[[Transfer, Transfer, Resampling, int], Fusion]] = {
    "fast-only": lambda transfer, light, resampling, interval: FastOnly(resampling),
    "two-maps": lambda transfer, light, resampling, interval: TwoMaps(transfer, resampling),
    "three-maps": lambda transfer, light, resampling, interval: ThreeMaps(
        transfer, resampling, interval
    ),
    "three-maps-light": ThreeMapsLight,
    "previous-only": lambda transfer, light, resampling, interval: PreviousOnly(
        transfer, resampling
    ),
    "recursive": lambda transfer, light, resampling, interval: Recursive(transfer, resampling),
}


def _current(people: Sequence[Between], resampling: Resampling) -> list[Heatmaps]:
    """P of everyone."""
    return [person.fast.on(person.crop, smooth=resampling == "smooth") for person in people]


def _before(people: Sequence[Between], resampling: Resampling) -> list[Heatmaps]:
    """S of everyone: the previous fast maps, on the previous frame's own crop."""
    smooth = resampling == "smooth"
    return [_previous(p.past).on(p.past.fused.crop, smooth=smooth) for p in people]


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
