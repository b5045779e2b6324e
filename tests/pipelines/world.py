"""A small world of walking stick people, and networks that look into it instead of at pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from data.crop import Crop
from data.frame import Frame, FrameResult, Image
from data.heatmaps import Heatmaps
from data.pose import Box, Floats, Pose
from data.similarity import iou_matrix
from data.skeleton import COCO_17, Skeleton
from pipelines.every_frame import EveryFrame
from pipelines.fast_slow import FastSlow
from pipelines.fusion import Fusion, create
from pipelines.keyframes import Every
from pipelines.scout import Eyes
from pipelines.two_pass import TwoPass

PADDING = 1.25
# A standing figure in the unit square, in COCO's order.
FIGURE = np.array(
    [
        (0.50, 0.08), (0.54, 0.06), (0.46, 0.06), (0.58, 0.08), (0.42, 0.08), (0.70, 0.22),
        (0.30, 0.22), (0.80, 0.38), (0.20, 0.38), (0.85, 0.52), (0.15, 0.52), (0.62, 0.52),
        (0.38, 0.52), (0.63, 0.74), (0.37, 0.74), (0.64, 0.95), (0.36, 0.95),
    ]
)  # fmt: skip


@dataclass
class Walker:
    """A person: where the box's centre is at a time, its size, and when the person exists.

    Limbs swing by `phase`, so that no two people have the same pose. `depth` orders who is in
    front (small).
    """

    path: Callable[[float], tuple[float, float]]
    size: tuple[float, float] = (40.0, 100.0)
    phase: float = 0.0
    depth: float = 0.0
    present: Callable[[float], bool] = field(default=lambda seconds: True)

    def box(self, seconds: float) -> Box:
        (x, y), (width, height) = self.path(seconds), self.size
        return Box.from_xywh(x - width / 2, y - height / 2, width, height)

    def keypoints(self, seconds: float) -> Floats:
        figure = FIGURE.copy()
        swing = 0.12 * np.sin(6.0 * seconds + self.phase)
        figure[[7, 9, 14, 16], 0] += swing
        figure[[8, 10, 13, 15], 0] -= swing
        box = self.box(seconds)
        points = figure * [box.width, box.height] + [box.left, box.top]
        return points.astype(np.float32)


@dataclass
class World:
    """Walkers in a picture. Frames carry their own number in their pixels."""

    walkers: Sequence[Walker]
    fps: float = 25.0
    size: tuple[int, int] = (640, 360)

    def frames(self, count: int, start: int = 0) -> Iterator[Frame]:
        for index in range(start, count):
            image = np.zeros((self.size[1], self.size[0], 3), np.uint8)
            image[0, 0] = index // 65536, index // 256 % 256, index % 256
            yield Frame(index, index / self.fps, image, str(index))

    def seconds(self, image: Image) -> float:
        high, middle, low = image[0, 0].tolist()
        return float((high * 256 + middle) * 256 + low) / self.fps

    def people(self, seconds: float) -> list[Walker]:
        """Who is there and at least a third in the picture, front to back."""
        inside = [w for w in self.walkers if w.present(seconds) and self._inside(w.box(seconds))]
        return sorted(inside, key=lambda walker: walker.depth)

    def visible(self, seconds: float, hidden_at: float) -> list[Walker]:
        """Those whom nobody in front covers by an IoU of more than `hidden_at`."""
        seen: list[Walker] = []
        for walker in self.people(seconds):
            boxes = [front.box(seconds) for front in seen]
            if not boxes or iou_matrix([walker.box(seconds)], boxes).max() <= hidden_at:
                seen.append(walker)
        return seen

    def _inside(self, box: Box) -> bool:
        width = min(box.right, self.size[0]) - max(box.left, 0)
        height = min(box.bottom, self.size[1]) - max(box.top, 0)
        return min(width, box.width) > 0 and width * height > box.area / 3


@dataclass
class WorldFinder:
    """Finds whoever is not covered; boxes jitter by a share of their size."""

    world: World
    hidden_at: float = 0.4
    jitter: float = 0.0
    misses: Callable[[Frame], bool] = field(default=lambda frame: False)
    frames: list[int] = field(default_factory=list)

    def find(self, frame: Frame) -> list[Box]:
        self.frames.append(frame.index)
        if self.misses(frame):
            return []
        random = np.random.default_rng(frame.index)
        boxes = []
        for walker in self.world.visible(frame.seconds, self.hidden_at):
            box = walker.box(frame.seconds)
            noise = self.jitter * random.standard_normal(4) * box.height
            left, top, right, bottom = noise
            boxes.append(
                Box(box.left + left, box.top + top, box.right + right, box.bottom + bottom, 0.9)
            )
        return boxes


@dataclass
class WorldNet:
    """Draws the keypoints of the front-most person who fills a box, as a network would see them."""

    world: World
    size: tuple[int, int] = (24, 32)
    peak: float = 0.9
    batch: int = 1000
    skeleton: Skeleton = COCO_17
    boxes: list[int] = field(default_factory=list)

    def heatmaps(self, image: Image, boxes: Sequence[Box]) -> list[Heatmaps]:
        self.boxes.append(len(boxes))
        chunks = [boxes[i : i + self.batch] for i in range(0, len(boxes), self.batch)]
        return [self._maps(self.world.seconds(image), box) for chunk in chunks for box in chunk]

    def heatmaps_across(self, looks: Sequence[tuple[Image, Box]]) -> list[Heatmaps]:
        self.boxes.append(len(looks))
        return [self._maps(self.world.seconds(image), box) for image, box in looks]

    def _maps(self, seconds: float, box: Box) -> Heatmaps:
        crop = Crop.around(box, self.size, PADDING)
        people = self.world.people(seconds)
        overlaps = iou_matrix([box], [walker.box(seconds) for walker in people])[0]
        inside = [w for w, overlap in zip(people, overlaps, strict=True) if overlap > 0.25]
        if not inside:
            return Heatmaps(np.zeros((17, self.size[1], self.size[0]), np.float32), crop)
        best = float(overlaps.max())
        walker = next(w for w, o in zip(people, overlaps, strict=True) if o > max(0.25, 0.7 * best))
        return Heatmaps(drawn(crop.from_image(walker.keypoints(seconds)), crop, self.peak), crop)


@dataclass
class WorldBackend:
    """Answers with the poses of whoever is not covered."""

    world: World
    hidden_at: float = 0.4
    noise: float = 0.0
    skeleton: Skeleton = COCO_17

    def poses(self, image: Image) -> list[Pose]:
        seconds = self.world.seconds(image)
        random = np.random.default_rng(int(seconds * 1000))
        poses = []
        for walker in self.world.visible(seconds, self.hidden_at):
            box, points = walker.box(seconds), walker.keypoints(seconds)
            points = points + self.noise * box.height * random.standard_normal(points.shape)
            step = self.noise * random.standard_normal(4) * box.height
            box = Box(
                box.left + step[0], box.top + step[1], box.right + step[2], box.bottom + step[3]
            )
            poses.append(Pose(points.astype(np.float32), np.full(17, 0.9, np.float32), box, 0.9))
        return poses


def drawn(points: Floats, crop: Crop, peak: float, sigma: float = 1.2) -> Floats:
    """(J, h, w): a Gaussian about each point (x, y) of the crop's raster."""
    width, height = crop.size
    columns = np.exp(-((np.arange(width) - points[:, :1]) ** 2) / (2 * sigma**2))
    rows = np.exp(-((np.arange(height) - points[:, 1:]) ** 2) / (2 * sigma**2))
    return (peak * rows[:, :, None] * columns[:, None]).astype(np.float32)


def line(
    start: tuple[float, float], velocity: tuple[float, float]
) -> Callable[[float], tuple[float, float]]:
    """A path at constant velocity, pixels and pixels per second."""
    return lambda t: (start[0] + velocity[0] * t, start[1] + velocity[1] * t)


def leaning(current: Sequence[Heatmaps], reference: Sequence[Heatmaps]) -> list[Heatmaps]:
    """A transfer that does not move anything: the worst, as its answer follows the box."""
    return [replace(r, crop=c.crop) for c, r in zip(current, reference, strict=True)]


def fast_slow(world: World, *, fusion: str | Fusion = "two-maps", **changes: Any) -> FastSlow:
    """The scheme over a world: keyframes every 16 frames."""
    parts: dict[str, Any] = {
        "finder": WorldFinder(world),
        "slow": WorldNet(world),
        "fast": WorldNet(world, size=(28, 28), peak=0.5),
        "fusion": fusion
        if not isinstance(fusion, str)
        else create(
            fusion, interval=16, resampling="smooth", transfer=leaning, light_transfer=leaning
        ),
        "keyframes": Every(16),
        "padding": PADDING,
    }
    return FastSlow(**{**parts, **changes})


def two_pass(world: World, **changes: Any) -> TwoPass:
    """The same in two passes."""
    names = ("finder", "slow", "fast", "clock")
    eyes = {
        "finder": WorldFinder(world),
        "slow": WorldNet(world),
        "fast": WorldNet(world, size=(28, 28), peak=0.5),
        **{name: changes.pop(name) for name in names if name in changes},
    }
    return TwoPass(**{"eyes": Eyes(**eyes), "transfer": leaning, "padding": PADDING, **changes})


def every_frame(world: World, **changes: Any) -> EveryFrame:
    """A backend of the world on each frame."""
    return EveryFrame(backend=WorldBackend(world, **changes), weak_score=0.15)


def who(world: World, result: FrameResult) -> dict[int, int]:
    """Which walker each track is, by the nearest keypoints; those of a ghost are left out."""
    seconds = result.frame.seconds
    people = {}
    for pose in result.poses:
        far = [
            np.abs(w.keypoints(seconds) - pose.keypoints).mean() if w.present(seconds) else np.inf
            for w in world.walkers
        ]
        if min(far) < 15:
            people[pose.track or 0] = int(np.argmin(far))
    return people


def same(first: FrameResult, second: FrameResult) -> bool:
    """Whether two results are equal to the last bit."""
    return (
        first.keyframe == second.keyframe
        and first.origins == second.origins
        and len(first.poses) == len(second.poses)
        and all(
            a.track == b.track
            and a.box == b.box
            and a.score == b.score
            and np.array_equal(a.keypoints, b.keypoints)
            and np.array_equal(a.scores, b.scores)
            for a, b in zip(first.poses, second.poses, strict=True)
        )
    )


def crossing(generator: np.random.Generator) -> World:
    """Two people who meet after two seconds, at any angle and speed, one behind the other."""
    angle = generator.uniform(0, np.pi)
    other = angle + generator.uniform(np.pi / 3, 5 * np.pi / 3)
    speed = generator.uniform(60, 160)
    walkers = []
    for depth, (way, pace) in enumerate(
        ((angle, speed), (other, speed * generator.uniform(0.7, 1.3)))
    ):
        velocity = pace * np.array([np.cos(way), np.sin(way) / 2])
        start = np.array([450, 250]) + generator.uniform(-6, 6, 2) - 2 * velocity
        walkers.append(
            Walker(
                line((float(start[0]), float(start[1])), (float(velocity[0]), float(velocity[1]))),
                size=(40 * generator.uniform(0.85, 1.15), 100 * generator.uniform(0.9, 1.1)),
                phase=generator.uniform(0, 6),
                depth=depth,
            )
        )
    return World(walkers, fps=float(generator.choice([12, 25, 30, 50])), size=(900, 500))
