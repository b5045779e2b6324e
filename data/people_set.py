"""What pose networks and finders learn from: portraits of single people, and whole pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.pose import Floats

Flags = NDArray[np.bool_]


class Portrait(NamedTuple):
    """A person in a picture.

    `keypoints` is (19, 3) of FSPOSE_19: x, y in pixels of the image and a flag, 0 where not
    labelled. `box` is (4,): x, y, width, height. `absent_is_known` (19,) says where a keypoint
    without label is most likely not in the picture instead of unknown.
    """

    image: Image
    keypoints: Floats
    box: Floats
    absent_is_known: Flags


class Shot(NamedTuple):
    """A whole picture and the boxes (P, 5) of its people: x, y, width, height, and 1 for a region
    to be ignored. Where it is not complete, people may be missing."""

    image: Image
    boxes: Floats
    is_complete: bool


class PeopleSet(Protocol):
    """People to learn from; `held_out` (N,) marks those only to measure on."""

    @property
    def held_out(self) -> Flags: ...

    def __len__(self) -> int: ...

    def portrait(self, index: int, rng: np.random.Generator) -> Portrait:
        """One of them; drawn people are drawn with `rng`. Several threads may ask at a time."""


class PictureSet(Protocol):
    """Pictures to learn from; `held_out` (N,) marks those only to measure on."""

    @property
    def held_out(self) -> Flags: ...

    def __len__(self) -> int: ...

    def shot(self, index: int, rng: np.random.Generator) -> Shot:
        """One of them; drawn scenes are drawn with `rng`. Several threads may ask at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Some:
    """The people of a set at some places, as a set of their own."""

    people: PeopleSet
    places: NDArray[np.int64]

    @property
    def held_out(self) -> Flags:
        return self.people.held_out[self.places]

    def __len__(self) -> int:
        return len(self.places)

    def portrait(self, index: int, rng: np.random.Generator) -> Portrait:
        return self.people.portrait(int(self.places[index]), rng)
