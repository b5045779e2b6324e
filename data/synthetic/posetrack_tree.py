"""A small drawn data set in PoseTrack18's tree: videos in which people stay, come and go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from data.draft import output_error
from data.frame import Image
from data.pose import Box
from data.posetrack import Annotated, Person, Sequence, image_ids, write
from data.skeleton import POSETRACK_17
from data.synthetic.actor import Actor, Waypoint
from data.synthetic.canvas import random_light
from data.synthetic.presets import STAYING, anyone, someone, staged
from data.synthetic.scene import Camera, Exposure, Scene, Truth

BACKDROPS = ("park", "room", "skyline", "studio")
_FOCAL = 0.98  # of the greater of a picture's width and 1.5 times its height, as in Scene
_EARS = np.array([name.endswith("_ear") for name in POSETRACK_17.keypoints])
_QUALITY = 92  # of the JPEG files


@dataclass(frozen=True, slots=True)
class TreePlan:
    """What to draw: `sequences` videos of `frames` pictures of `size` (width, height).

    Odd videos are of the split `train`, even ones of `val`. Every `label_every`-th frame is
    annotated. In the first video of each split somebody is left unannotated under an ignore
    region, where there are two people or more.
    """

    sequences: int
    frames: int
    size: tuple[int, int]
    seed: int
    people: int = 3
    fps: float = 12.0
    label_every: int = 1


@dataclass(frozen=True, slots=True)
class Video:
    """One video of the tree: `000001_mpii_train`, the first one."""

    number: int

    @property
    def split(self) -> str:
        return "train" if self.number % 2 else "val"

    @property
    def name(self) -> str:
        return f"{self.number:06d}_mpii_{'train' if self.number % 2 else 'test'}"

    @property
    def has_ignore_region(self) -> bool:
        return self.number <= 2

    def image(self, index: int) -> str:
        """A frame's name in the annotation, its path below the tree."""
        return f"images/{self.split}/{self.name}/{index:06d}.jpg"


def write_tree(folder: Path, plan: TreePlan, show: Callable[[int], None]) -> list[Sequence]:
    """Draw the videos below `folder` and return their annotations; `show` gets frames done.

    The same plan draws the same files again on the same machine. Raises OutputError.
    """
    sequences = []
    for number in range(1, plan.sequences + 1):
        video = Video(number)
        truths = []
        for frame, people in comings(plan, number):
            _write_image(folder / video.image(frame.index), frame.image)
            truths.append(people)
            show((number - 1) * plan.frames + len(truths))
        sequence = annotation(video, plan, truths)
        target = folder / "annotations" / video.split / f"{video.name}.json"
        _make(target.parent)
        write(sequence, target)
        sequences.append(sequence)
    return sequences


def comings(plan: TreePlan, number: int) -> Scene:
    """A scene in which the first person stays, the second comes, the third goes, others do any."""
    rng = np.random.default_rng((plan.seed, number))
    seconds = plan.frames / plan.fps
    width, height = plan.size
    edge = width / 2 / (_FOCAL * max(width, 1.5 * height))  # at a distance of one metre
    cast = (_stays, _comes, _goes)
    actors = tuple(
        cast[track - 1](rng, track, seconds, edge)
        if track <= len(cast)
        else anyone(rng, track, seconds)
        for track in range(1, plan.people + 1)
    )
    return replace(
        staged(
            rng,
            str(rng.choice(BACKDROPS)),
            actors,
            size=plan.size,
            seconds=seconds,
            fps=plan.fps,
            seed=int(rng.integers(2**31)),
            camera=Camera(pan=float(rng.choice([0.0, 0.02])), period=float(rng.uniform(5, 9))),
            exposure=Exposure(noise=float(rng.choice([0.0, 2.0]))),
            light=random_light(rng),
        ),
        count=plan.frames,
    )


def _stays(rng: np.random.Generator, track: int, seconds: float, edge: float) -> Actor:
    distance = float(rng.uniform(4.5, 6.0))
    x = float(rng.uniform(-0.35, 0.35)) * edge * distance
    return someone(rng, track, str(rng.choice(STAYING)), (Waypoint(0, x, distance),))


def _comes(rng: np.random.Generator, track: int, seconds: float, edge: float) -> Actor:
    """Someone who is outside at first and walks in."""
    distance, side = float(rng.uniform(5.0, 7.0)), float(rng.choice([-1, 1]))
    start, speed = 0.15 * seconds, float(rng.uniform(1.2, 1.6))
    outside = edge * distance + 0.5
    reach = min((seconds - start) * speed, 2 * outside)
    path = (
        Waypoint(start, side * outside, distance),
        Waypoint(start + reach / speed, side * (outside - reach), distance),
    )
    return someone(rng, track, "walk", path)


def _goes(rng: np.random.Generator, track: int, seconds: float, edge: float) -> Actor:
    """Someone who stays a while and has walked out at nine tenths of the time."""
    distance, side = float(rng.uniform(5.0, 7.0)), float(rng.choice([-1, 1]))
    outside, speed = edge * distance + 0.6, float(rng.uniform(1.3, 1.7))
    reach = min(0.6 * seconds * speed, 1.4 * outside)
    path = (
        Waypoint(0.9 * seconds - reach / speed, side * (outside - reach), distance),
        Waypoint(0.9 * seconds, side * outside, distance),
        Waypoint(0.9 * seconds + 1, side * (outside + speed), distance),
    )
    return someone(rng, track, str(rng.choice(STAYING)), path)


def annotation(video: Video, plan: TreePlan, truths: list[tuple[Truth, ...]]) -> Sequence:
    """What PoseTrack18 would say of a drawn video."""
    unnamed = _smallest(truths) if video.has_ignore_region and plan.people > 1 else None
    frames = []
    ids = image_ids(video.name, len(truths))
    for index, (number, people) in enumerate(zip(ids, truths, strict=True)):
        is_labeled = index % plan.label_every == 0
        named = [_labelled(truth) for truth in people if is_labeled and truth.track != unnamed]
        hidden = [truth.box for truth in people if is_labeled and truth.track == unnamed]
        frames.append(
            Annotated(
                video.image(index),
                tuple(person for person in named if person.present.any()),
                number,
                ignore=tuple(_polygon(box) for box in hidden),
                size=plan.size,
                is_labeled=is_labeled,
            )
        )
    return Sequence(video.name, tuple(frames))


def _labelled(truth: Truth) -> Person:
    """A person as the official files have them: no ears, and 1 for hidden and seen alike."""
    person = truth.person()
    known = person.present & ~_EARS
    points = np.where(known[:, None], person.keypoints, 0.0)
    return replace(person, keypoints=points, visibility=known.astype(np.float64))


def _smallest(truths: list[tuple[Truth, ...]]) -> int | None:
    """The track, not the first, of the smallest boxes on average; None where no other is seen."""
    areas = defaultdict(list)
    for people in truths:
        for truth in people:
            if truth.track > 1:
                areas[truth.track].append(truth.box.area)
    return min(areas, key=lambda track: float(np.mean(areas[track])), default=None)


def _polygon(box: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """A box's corners, (4, 2), in whole pixels around it."""
    low, high = np.floor([box.left, box.top]), np.ceil([box.right, box.bottom])
    return np.array([low, [high[0], low[1]], high, [low[0], high[1]]])


def _write_image(path: Path, image: Image) -> None:
    _make(path.parent)
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    try:
        path.write_bytes(content.tobytes())
    except OSError as error:
        raise output_error(path, error) from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error
