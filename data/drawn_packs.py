"""Training packs of drawn people, in the form of the packs of real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from data.frame import Image
from data.pose import Floats
from data.synthetic.picture import person_picture
from data.synthetic.presets import scene
from data.training_packs import People, Pictures, write_flat

LONGEST = 320  # of a drawn picture, as the real packs' pictures


def drawn_people(count: int, seed: int, cache: Path) -> People:
    """Pictures of one drawn person each; drawn once into `cache`."""

    def draw() -> Iterable[tuple[Image, Floats]]:
        rng = np.random.default_rng(seed)
        for _ in range(count):
            picture = person_picture(rng)
            # hidden and outside keypoints are known exactly too
            flags = np.maximum(picture.visibility, 1)[:, None]
            body = np.concatenate([picture.keypoints, flags], 1)
            box = np.array([[*picture.box.xywh[:2], 0], [*picture.box.xywh[2:], 0]])
            yield picture.image, np.concatenate([body, box]).astype(np.float32)

    pixels, places, truths = _drawn(cache / f"drawn_people_{count}_{seed}", draw)
    known = np.zeros(count, bool)
    boxes = np.stack([np.concatenate([truth[19, :2], truth[20, :2]]) for truth in truths])
    return People(pixels, places, np.stack(truths)[:, :19], boxes, known, known)


def drawn_pictures(count: int, seed: int, cache: Path) -> Pictures:
    """Frames of drawn scenes with everyone's box; drawn once into `cache`."""

    def draw() -> Iterable[tuple[Image, Floats]]:
        rng = np.random.default_rng(seed)
        for number in range(count):
            size = (LONGEST, int(rng.integers(180, LONGEST)))
            drawn = scene(
                seed * 100_000 + number,
                size=size,
                people=int(rng.integers(0, 7)),
                seconds=6,
                fps=25,
            )
            seconds = float(rng.uniform(0, 6))
            image, truths = drawn.shoot(seconds)
            boxes = [[*truth.box.xywh, truth.seen < 0.3] for truth in truths]
            yield (
                np.clip(image, 0, 255).astype(np.uint8),
                np.array(boxes, np.float32).reshape(-1, 5),
            )

    pixels, places, truths = _drawn(cache / f"drawn_pictures_{count}_{seed}", draw)
    whole = np.ones(count, bool)
    return Pictures(pixels, places, tuple(truths), whole, ~whole)


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
