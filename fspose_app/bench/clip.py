"""The clips that a benchmark draws: always the same people, from a fixed seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from data.frame import Image
from data.pose import Box
from data.synthetic.actor import Waypoint
from data.synthetic.presets import someone, staged
from data.synthetic.scene import Camera, Scene
from data.video_writer import VideoWriter

SEED = 9_300_000  # near the benchmarks' seeds: nothing was trained on it
SIZE, FPS, SECONDS = (1280, 720), 25.0, 8.0
DRAWN = (640, 360)  # and enlarged: drawing takes its time, and finding and reading see the same
PEOPLE = 4
TILE = (128, 144)  # of one person of a crowd, ten beside one another and five rows of them
FACES = 10  # different people of a crowd; the others are the same ones at another moment

Tell = Callable[[int], None]


def scene(size: tuple[int, int] = DRAWN, fps: float = FPS) -> Scene:
    """Four people all the time: one dances, one waves, two walk to and fro and pass them."""
    rng = np.random.default_rng(SEED)
    half = SECONDS / 2
    parts = (
        ("dance", (Waypoint(0, 1.1, 6.4),), 0.1),
        ("wave", (Waypoint(0, -1.9, 6.8),), 0.2),
        (
            "walk",
            (Waypoint(0, -2.1, 5.2), Waypoint(half, 2.1, 5.2), Waypoint(SECONDS, -2.1, 5.2)),
            0.0,
        ),
        (
            "walk",
            (Waypoint(0, 3.2, 8.2), Waypoint(half, -3.2, 8.2), Waypoint(SECONDS, 3.2, 8.2)),
            0.0,
        ),
    )
    actors = tuple(
        someone(rng, track, motion, path, facing)
        for track, (motion, path, facing) in enumerate(parts, 1)
    )
    camera = Camera(pan=0.02, period=SECONDS)
    return staged(
        rng, "park", actors, size=size, seconds=SECONDS, fps=fps, seed=SEED, camera=camera
    )


def drawn(
    frames: int, tell: Tell, *, size: tuple[int, int] = DRAWN, fps: float = FPS
) -> list[Image]:
    """The first pictures of the scene, as many as it has at most."""
    images: list[Image] = []
    for frame, _ in scene(size, fps):
        if len(images) == frames:
            break
        images.append(frame.image)
        tell(len(images))
    return images


def write(
    path: Path, images: list[Image], frames: int, size: tuple[int, int], fps: float = FPS
) -> None:
    """A clip of the pictures, over and over, each enlarged to the size. Raises OutputError."""
    with VideoWriter(path, size, fps) as writer:
        for index in range(frames):
            image = images[index % len(images)]
            if image.shape[1::-1] != size:
                image = np.asarray(
                    cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8
                )
            writer.write(image)


def crowd(path: Path, people: int, frames: int, tell: Tell) -> list[list[Box]]:
    """A clip of `people` on tiles, up to fifty, whom nobody hides; everyone's boxes by frame.

    However many there are, each is as large. Raises OutputError.
    """
    across, down = SIZE[0] // TILE[0], SIZE[1] // TILE[1]
    assert people <= across * down, f"{people} people, but {across * down} tiles"
    shots = [list(_shots(face, frames, tell)) for face in range(min(people, FACES))]
    boxes: list[list[Box]] = []
    with VideoWriter(path, SIZE, FPS) as writer:
        for index in range(frames):
            picture, found = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8), []
            for place in range(people):
                later = index + 7 * (place // FACES)
                tile, box = shots[place % FACES][later % frames]
                left, top = TILE[0] * (place % across), TILE[1] * (place // across)
                picture[top : top + TILE[1], left : left + TILE[0]] = tile
                x, y, width, height = map(float, box.xywh)
                found.append(Box.from_xywh(left + x, top + y, width, height))
            writer.write(picture)
            boxes.append(found)
    return boxes


def _shots(face: int, frames: int, tell: Tell) -> Iterator[tuple[Image, Box]]:
    """One person's pictures of a tile's size, there and back so that they end where they begin."""
    rng = np.random.default_rng(SEED + 1 + face)
    motion = ("dance", "wave", "jacks", "kick")[face % 4]
    actor = someone(rng, 1, motion, (Waypoint(0, 0.0, 4.2),), 0.1)
    half = staged(
        rng, "park", (actor,), size=TILE, seconds=(frames // 2 + 1) / FPS, fps=FPS, seed=SEED
    )
    pairs = []
    for frame, truths in half:
        pairs.append((frame.image, truths[0].box))
        tell(face)
    for index in range(frames):
        yield pairs[min(index, frames - index) % len(pairs)]
