"""The twenty drawn clips of the benchmarks: occlusion, crossings and quick motion.

Four kinds by turns, five of each, all from seeds that nothing was trained on:

- `crossing`: two to four people walk through the picture from both sides and pass each other;
- `passing`: somebody stays and moves, one walks by behind, one in front;
- `things`: people stay and walk behind benches, bushes and a pillar;
- `quick`: two dance, kick or jump a third faster than usual before a shutter of half a frame; in
  every other one somebody runs by behind them.

640 x 360 pixels, 25 frames a second, four seconds. Seeds of `TUNED` are for choosing settings of a
tracker or a fusion, those of `REPORTED` for figures: they never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.synthetic.actor import Actor, Waypoint
from data.synthetic.backdrop import BACKDROPS, OCCLUDERS
from data.synthetic.canvas import random_light
from data.synthetic.presets import STAYING, crossing, someone, staged
from data.synthetic.scene import Camera, Exposure, Occluder, Scene, Truth

REPORTED, TUNED = 9_100_000, 9_200_000  # first seeds
COUNT = 20
SIZE, FPS, SECONDS = (640, 360), 25.0, 4.0
HURRY = 1.33
MOVES = ("dance", "jacks", "kick")


@dataclass(frozen=True, slots=True)
class Clip:
    """A drawn clip and what it is called; `number` counts from 0."""

    number: int
    kind: str
    scene: Scene

    @property
    def name(self) -> str:
        """Digits first, for they become the image ids of PoseTrack."""
        return f"{self.number:02d}-{self.kind}"


def clips(count: int = COUNT, first_seed: int = REPORTED) -> list[Clip]:
    """The clips; nothing is drawn before a scene is iterated."""
    kinds = list(KINDS)
    return [
        Clip(
            number,
            kinds[number % len(kinds)],
            KINDS[kinds[number % len(kinds)]](first_seed + number),
        )
        for number in range(count)
    ]


def fully_hidden(truths: Sequence[Sequence[Truth]]) -> dict[int, int]:
    """Tracks that are out of sight between two frames in which they are annotated, and how long.

    A scene annotates nobody of whom less than `LEAST_SEEN` of the body is visible; nobody here
    leaves the picture and comes back. In frames.
    """
    seen: dict[int, list[int]] = {}
    for index, people in enumerate(truths):
        for truth in people:
            seen.setdefault(truth.track, []).append(index)
    gaps = {track: at[-1] - at[0] + 1 - len(at) for track, at in seen.items()}
    return {track: gap for track, gap in gaps.items() if gap}


def _crossing(seed: int) -> Scene:
    return crossing(seed, size=SIZE, people=2 + seed // len(KINDS) % 3, seconds=SECONDS, fps=FPS)


def _passing(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    side = float(rng.choice([-1, 1]))
    staying = someone(rng, 1, str(rng.choice(STAYING)), (Waypoint(0, 0.3 * side, 5.2),))
    actors = (staying, _walker(rng, 2, side, 6.4), _walker(rng, 3, -side, 4.3))
    return _staged(rng, seed, actors)


def _things(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    staying = someone(rng, 1, str(rng.choice(STAYING)), (Waypoint(0, -1.2, 6.2),))
    actors = (staying, _walker(rng, 2, 1.0, 5.6), _walker(rng, 3, -1.0, 7.0))
    things = tuple(
        _thing(rng, kind, x, 4.6) for kind, x in (("bench", -1.0), ("bush", 0.6), ("pillar", 1.7))
    )
    return _staged(rng, seed, actors, things=things)


def _quick(seed: int) -> Scene:
    rng = np.random.default_rng(seed)
    actors = [
        _hurried(someone(rng, track, str(rng.choice(MOVES)), (Waypoint(0, x, 5.4),), facing))
        for track, x, facing in ((1, -1.2, 0.2), (2, 1.1, float(rng.normal(0, 0.5))))
    ]
    if seed // len(KINDS) % 2:
        path = Waypoint(0.3, -4.4, 7.6), Waypoint(0.3 + 8.8 / 3.0, 4.4, 7.6)
        actors.append(someone(rng, 3, "run", path))
    return _staged(rng, seed, tuple(actors), shutter=3)


def _walker(rng: np.random.Generator, track: int, side: float, distance: float) -> Actor:
    """Someone who walks through the whole picture, from the side's other one."""
    reach = 0.58 * distance
    path = Waypoint(0, -side * reach, distance), Waypoint(SECONDS, side * reach, distance)
    return someone(rng, track, "walk", path)


def _hurried(actor: Actor) -> Actor:
    manner = replace(actor.manner, pace=HURRY * actor.manner.pace, vigour=1.2)
    return replace(actor, manner=manner)


def _thing(rng: np.random.Generator, kind: str, x: float, distance: float) -> Occluder:
    paint, height = OCCLUDERS[kind]
    return Occluder(paint(rng, 320), height, x + float(rng.normal(0, 0.2)), distance)


def _staged(
    rng: np.random.Generator,
    seed: int,
    actors: tuple[Actor, ...],
    *,
    things: tuple[Occluder, ...] = (),
    shutter: int = 1,
) -> Scene:
    return staged(
        rng,
        str(rng.choice(list(BACKDROPS))),
        actors,
        size=SIZE,
        seconds=SECONDS,
        fps=FPS,
        seed=seed,
        camera=Camera(pan=float(rng.choice([0.0, 0.02])), period=float(rng.uniform(5, 9))),
        exposure=Exposure(noise=float(rng.choice([0.0, 3.0])), shutter=shutter),
        occluders=things,
        light=random_light(rng),
    )


KINDS: dict[str, Callable[[int], Scene]] = {
    "crossing": _crossing,
    "passing": _passing,
    "things": _things,
    "quick": _quick,
}
