"""Ready-made scenes: random ones from a seed, two who cross, and the repository's demo clip."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from data.frame import Image
from data.synthetic.actor import Actor, Waypoint
from data.synthetic.backdrop import BACKDROPS, OCCLUDERS
from data.synthetic.body import Build
from data.synthetic.canvas import Light, random_light
from data.synthetic.dress import Outfit
from data.synthetic.motion import MOTIONS, Manner
from data.synthetic.scene import Camera, Exposure, Occluder, Scene

STAYING = tuple(name for name in MOTIONS if name not in ("walk", "run"))


def scene(
    seed: int,
    *,
    size: tuple[int, int] = (640, 360),
    people: int = 3,
    seconds: float = 8.0,
    fps: float = 25.0,
    background: Image | None = None,
) -> Scene:
    """A scene drawn from a seed: people who walk through, stay and move, or do first one, then
    the other, with things in front of some of them. `background` takes the backdrop's place.
    """
    rng = np.random.default_rng(seed)
    tracks = range(1, people + 1)
    actors = tuple(anyone(rng, track, seconds) for track in tracks)
    camera = Camera(
        pan=float(rng.choice([0.0, 0.03, 0.08])),
        period=float(rng.uniform(6, 14)),
        zoom=float(rng.choice([1.0, 1.0, 1.15])),
        shake=float(rng.choice([0.0, 0.0, 0.0015])),
    )
    cast = rng.normal(1, 0.05, 3)
    exposure = Exposure(
        cast=(float(cast[0]), float(cast[1]), float(cast[2])),
        flicker=float(rng.choice([0.0, 0.0, 0.12])),
        noise=float(rng.choice([0.0, 2.0, 5.0])),
        shutter=int(rng.choice([1, 1, 3])),
    )
    kind = list(BACKDROPS)[rng.integers(len(BACKDROPS))]
    return staged(
        rng,
        kind,
        actors,
        size=size,
        seconds=seconds,
        fps=fps,
        seed=seed,
        camera=camera,
        exposure=exposure,
        occluders=_things(rng, int(rng.integers(0, 3))),
        light=random_light(rng),
        background=background,
    )


def crossing(
    seed: int,
    *,
    size: tuple[int, int] = (640, 360),
    people: int = 2,
    seconds: float = 6.0,
    fps: float = 25.0,
    background: Image | None = None,
) -> Scene:
    """People who walk through the picture from both sides and pass each other in its middle."""
    rng = np.random.default_rng(seed)
    actors = []
    for number in range(people):
        side = -1.0 if number % 2 else 1.0
        distance = 5.2 + 0.8 * number
        reach = (2.6 + 0.25 * number) * distance / 5.2 * min(1.0, size[0] / size[1] / 1.6)
        path = Waypoint(0, -side * reach, distance), Waypoint(seconds, side * reach, distance)
        actors.append(someone(rng, number + 1, "walk", path))
    return staged(
        rng,
        "park",
        tuple(actors),
        size=size,
        seconds=seconds,
        fps=fps,
        seed=seed,
        light=random_light(rng),
        background=background,
    )


def demo(
    seed: int = 9,
    *,
    size: tuple[int, int] = (640, 360),
    people: int = 5,
    seconds: float = 8.0,
    fps: float = 25.0,
    background: Image | None = None,
) -> Scene:
    """The repository's clip: a waver, a dancer, two who cross, one who comes late, one who goes.

    At most five people; times stretch with `seconds`.
    """
    rng = np.random.default_rng(seed)

    def at(share: float, x: float, distance: float) -> Waypoint:
        return Waypoint(share * seconds, x, distance)

    parts: tuple[tuple[str, tuple[Waypoint, ...], float], ...] = (
        ("dance", (at(0, 0.35, 6.4),), 0.1),
        ("walk", (at(0, -2.9, 5.0), at(0.62, 3.4, 5.0), at(1, 6.5, 5.0)), 0.0),
        ("wave", (at(0, -1.75, 7.0),), 0.25),
        ("walk", (at(0, 4.6, 7.8), at(0.15, 4.6, 7.8), at(0.95, -4.4, 7.8)), 0.0),
        ("jacks", (at(0, 4.6, 6.6), at(0.45, 4.6, 6.6), at(0.68, 1.95, 6.6)), -0.15),
    )
    actors = tuple(
        someone(rng, track, motion, path, facing)
        for track, (motion, path, facing) in enumerate(parts[:people], 1)
    )
    return staged(
        rng,
        "park",
        actors,
        size=size,
        seconds=seconds,
        fps=fps,
        seed=seed,
        camera=Camera(pan=0.025, period=seconds),
        background=background,
    )


PRESETS: dict[str, Callable[..., Scene]] = {"random": scene, "crossing": crossing, "demo": demo}
"""What `fspose synth --scene` offers; all take the keywords of `scene`."""


def someone(
    rng: np.random.Generator,
    track: int,
    motion: str,
    path: tuple[Waypoint, ...],
    facing: float = 0.0,
) -> Actor:
    build, outfit, manner = Build.random(rng), Outfit.random(rng), Manner.random(rng)
    return Actor(track, build, outfit, manner, motion, path, facing)


def anyone(rng: np.random.Generator, track: int, seconds: float) -> Actor:
    """Someone with a random plan."""
    motion = STAYING[rng.integers(len(STAYING))]
    distance = float(rng.uniform(4.2, 9.0))
    edge = 0.62 * distance
    x = float(rng.uniform(-0.36, 0.36)) * distance
    side = float(rng.choice([-1, 1]))
    facing = float(rng.normal(0, 0.6) if rng.random() < 0.7 else rng.uniform(-np.pi, np.pi))
    speed = float(rng.uniform(1.0, 1.6) if rng.random() < 0.8 else rng.uniform(2.6, 3.4))
    plan = rng.choice(4, p=(0.4, 0.3, 0.15, 0.15))
    if plan == 0:  # stays
        path: tuple[Waypoint, ...] = (Waypoint(0, x, distance),)
    elif plan == 1:  # walks through, nearer or farther on the way
        start, other = float(rng.uniform(0, seconds * 0.4)), distance * float(rng.uniform(0.8, 1.2))
        time = 2 * edge / speed
        path = (
            Waypoint(start, -side * edge, distance),
            Waypoint(start + time, side * edge * other / distance, other),
        )
    elif plan == 2:  # comes and stays
        start = float(rng.uniform(0, seconds * 0.3))
        time = abs(x + side * edge) / speed
        path = Waypoint(start, -side * edge, distance), Waypoint(start + time, x, distance)
    else:  # stays and goes
        start = float(rng.uniform(seconds * 0.3, seconds * 0.7))
        time = abs(side * edge - x) / speed
        path = Waypoint(start, x, distance), Waypoint(start + time, side * edge, distance)
    return someone(rng, track, motion, path, facing)


def _things(rng: np.random.Generator, count: int) -> tuple[Occluder, ...]:
    things = []
    for _ in range(count):
        paint, height = OCCLUDERS[list(OCCLUDERS)[rng.integers(len(OCCLUDERS))]]
        distance = float(rng.uniform(4.0, 6.5))
        x = float(rng.uniform(-0.4, 0.4)) * distance
        things.append(Occluder(paint(rng, 320), height, x, distance))
    return tuple(things)


def staged(
    rng: np.random.Generator,
    kind: str,
    actors: tuple[Actor, ...],
    *,
    size: tuple[int, int],
    seconds: float,
    fps: float,
    seed: int,
    camera: Camera | None = None,
    exposure: Exposure | None = None,
    occluders: tuple[Occluder, ...] = (),
    light: Light | None = None,
    background: Image | None = None,
) -> Scene:
    """A scene before a backdrop of a kind, large enough for the camera's swing."""
    width, height = size
    margin = round(0.12 * width)
    horizon = round(0.40 * height)
    full = width + 2 * margin, height + 2 * margin
    if background is None:
        # Twice as large and averaged, which smooths every edge.
        fine = BACKDROPS[kind](rng, 2 * full[0], 2 * full[1], 2 * (horizon + margin))
        backdrop = np.asarray(cv2.resize(fine, full, interpolation=cv2.INTER_AREA), np.uint8)
    else:
        backdrop = np.asarray(cv2.resize(background, full, interpolation=cv2.INTER_AREA), np.uint8)
    return Scene(
        size=size,
        fps=fps,
        count=max(1, round(seconds * fps)),
        seed=seed,
        actors=actors,
        backdrop=backdrop,
        margin=margin,
        horizon=float(horizon),
        occluders=occluders,
        camera=camera or Camera(),
        exposure=exposure or Exposure(),
        light=light or Light(),
    )
