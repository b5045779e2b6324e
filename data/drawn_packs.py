"""Training packs of drawn people, in the form of the packs of real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.flat_images import write_flat
from data.frame import Image
from data.people_set import Flags, Portrait, Shot
from data.pose import Floats
from data.synthetic.picture import person_picture
from data.synthetic.presets import scene
from data.training_packs import People, Pictures

LONGEST = 320  # of a drawn picture, as the real packs' pictures


@dataclass(frozen=True, slots=True)
class DrawnPeople:
    """So many people an epoch, each drawn when asked for: a PeopleSet that never repeats itself."""

    count: int

    @property
    def held_out(self) -> Flags:
        return np.zeros(self.count, bool)

    def __len__(self) -> int:
        return self.count

    def portrait(self, index: int, rng: np.random.Generator) -> Portrait:
        image, truth = _person(rng)
        box = np.concatenate([truth[19, :2], truth[20, :2]])
        return Portrait(image, truth[:19], box, np.zeros(19, bool))


@dataclass(frozen=True, slots=True)
class DrawnPictures:
    """So many scenes an epoch, each drawn when asked for: a PictureSet."""

    count: int

    @property
    def held_out(self) -> Flags:
        return np.zeros(self.count, bool)

    def __len__(self) -> int:
        return self.count

    def shot(self, index: int, rng: np.random.Generator) -> Shot:
        image, boxes = _scene(rng, int(rng.integers(2**31)))
        return Shot(image, boxes, True)


def drawn_people(count: int, seed: int, cache: Path) -> People:
    """Pictures of one drawn person each; drawn once into `cache`."""

    def draw() -> Iterable[tuple[Image, Floats]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            yield _person(rng)

    pixels, places, truths = _drawn(cache / f"drawn_people_{count}_{seed}", draw)
    known = np.zeros(count, bool)
    boxes = np.stack([np.concatenate([truth[19, :2], truth[20, :2]]) for truth in truths])
    return People(pixels, places, np.stack(truths)[:, :19], boxes, known, known)


def drawn_pictures(count: int, seed: int, cache: Path) -> Pictures:
    """Frames of drawn scenes with everyone's box; drawn once into `cache`."""

    def draw() -> Iterable[tuple[Image, Floats]]:
        rng = np.random.default_rng(seed)
        for number in range(count):
            yield _scene(rng, seed * 100_000 + number)

    pixels, places, truths = _drawn(cache / f"drawn_pictures_{count}_{seed}", draw)
    whole = np.ones(count, bool)
    return Pictures(pixels, places, tuple(truths), whole, ~whole)


def _person(rng: np.random.Generator) -> tuple[Image, Floats]:
    """A drawn person's picture, and (21, 3): keypoints, then the box's corner and its size."""
    picture = person_picture(rng)
    # hidden and outside keypoints are known exactly too
    flags = np.maximum(picture.visibility, 1)[:, None]
    body = np.concatenate([picture.keypoints, flags], 1)
    box = np.array([[*picture.box.xywh[:2], 0], [*picture.box.xywh[2:], 0]])
    return picture.image, np.concatenate([body, box]).astype(np.float32)


def _scene(rng: np.random.Generator, seed: int) -> tuple[Image, Floats]:
    """A frame of the scene of a seed, and everyone's box (P, 5)."""
    size = (LONGEST, int(rng.integers(180, LONGEST)))
    drawn = scene(seed, size=size, people=int(rng.integers(0, 7)), seconds=6, fps=25)
    image, truths = drawn.shoot(float(rng.uniform(0, 6)))
    boxes = [[*truth.box.xywh, truth.seen < 0.3] for truth in truths]
    return np.clip(image, 0, 255).astype(np.uint8), np.array(boxes, np.float32).reshape(-1, 5)


def _drawn(
    cache: Path, draw: Callable[[], Iterable[tuple[Image, Floats]]]
) -> tuple[np.ndarray, np.ndarray, list[Floats]]:
    """All pictures as one mapped file, their places, and the truth about each."""
    truth_file = cache.with_name(cache.name + "_truth.npz")
    if not truth_file.exists():
        truths: list[Floats] = []

        def images() -> Iterable[Image]:
            for image, truth in draw():
                truths.append(truth)
                yield image

        write_flat(images(), cache)
        np.savez(truth_file, *truths)
    with np.load(truth_file) as stored:
        truths = [stored[f"arr_{number}"] for number in range(len(stored.files))]
    return (
        np.memmap(cache.with_suffix(".u8"), np.uint8, "r"),
        np.load(cache.with_suffix(".npy")),
        truths,
    )
