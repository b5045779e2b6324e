"""Mixture: people of several sets, and nobody, as varied crops in given shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.people_set import Flags, PeopleSet, PictureSet, Portrait
from data.pose import Floats
from data.skeleton import FSPOSE_19
from models.training.augment import varied

NOBODY_SHARE = 0.07
CROWD_SHARE = 0.25  # of the people: somebody is pasted beside them
TRIES = 20  # to find a place without people
_FAR = -1e5  # where the keypoints of nobody lie


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """The people `chosen` of a set, who are drawn with these odds."""

    people: PeopleSet
    chosen: NDArray[np.int64]
    odds: float


class Sample(NamedTuple):
    """A crop, keypoints (19, 3) in its pixels, and for which of them (19,) absence is known."""

    image: Image
    keypoints: Floats
    absent_is_known: Flags


class Mixture:
    """Crops of people of all sources, and, where there are pictures, of nobody.

    Crops without a person teach that all keypoints are nowhere; a pose's score then tells people
    from what a finder mistakes for them.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        pictures: PictureSet | None = None,
        nobody: float = NOBODY_SHARE,
        crowd: float = CROWD_SHARE,
    ) -> None:
        """ValueError where there is nobody to draw."""
        self.sources = [source for source in sources if len(source.chosen)]
        if not self.sources:
            raise ValueError("a mixture needs people")
        odds = np.array([source.odds for source in self.sources])
        self._odds = odds / odds.sum()
        self._pictures, self._nobody, self._crowd = pictures, nobody, crowd

    def __len__(self) -> int:
        return sum(len(source.chosen) for source in self.sources)

    def draw(self, size: tuple[int, int], rng: np.random.Generator) -> Sample:
        """A crop of `size` (width, height). SourceError for an image that cannot be read."""
        if self._pictures is not None and rng.random() < self._nobody:
            return self._empty(self._pictures, size, rng)
        person = self._person(rng)
        neighbour = self._person(rng) if rng.random() < self._crowd else None
        image, keypoints = varied(
            person.image,
            person.keypoints,
            person.box,
            size,
            elsewhere=self._person(rng).image,
            rng=rng,
            neighbour=neighbour,
        )
        return Sample(image, keypoints, person.absent_is_known)

    def _person(self, rng: np.random.Generator) -> Portrait:
        source = self.sources[int(rng.choice(len(self.sources), p=self._odds))]
        return source.people.portrait(int(rng.choice(source.chosen)), rng)

    def _empty(
        self, pictures: PictureSet, size: tuple[int, int], rng: np.random.Generator
    ) -> Sample:
        """A crop where no person's box reaches, and keypoints far outside it."""
        far = np.full((len(FSPOSE_19), 3), (_FAR, _FAR, 2), np.float32)
        everywhere = np.ones(len(FSPOSE_19), bool)
        for _ in range(TRIES):
            index = int(rng.integers(len(pictures)))
            if pictures.held_out[index]:
                continue
            image, people, is_complete = pictures.shot(index, rng)
            tall = rng.uniform(min(40, image.shape[0]), image.shape[0])
            wide = tall * rng.uniform(0.3, 1.0)
            x = rng.uniform(0, max(1, image.shape[1] - wide))
            y = rng.uniform(0, max(1, image.shape[0] - tall))
            low = np.maximum(people[:, :2], (x, y))
            high = np.minimum(people[:, :2] + people[:, 2:4], (x + wide, y + tall))
            shared = np.clip(high - low, 0, None).prod(1).sum() / (wide * tall)
            if shared < 0.05 and is_complete:
                box = np.array([x, y, wide, tall], np.float32)
                # without labels, else a half body would be looked for far outside
                nobody = np.zeros_like(far)
                crop, _ = varied(image, nobody, box, size, elsewhere=image, rng=rng)
                return Sample(crop, far, everywhere)
        # people are everywhere: an even field shows nobody either
        field = np.full((size[1], size[0], 3), rng.integers(0, 256, 3), np.uint8)
        return Sample(field, far, everywhere)
