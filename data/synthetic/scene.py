"""Scene: drawn people before a backdrop, frame by frame, with the truth about each of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Frame, Image
from data.pose import Box, Floats
from data.posetrack import Annotated, Person, Sequence, image_ids
from data.skeleton import FSPOSE_19, POSETRACK_17
from data.synthetic.actor import Actor
from data.synthetic.body import stand
from data.synthetic.canvas import Light
from data.synthetic.layer import Drawn, Layer, draw_person, shadow

EYE_LEVEL = 1.45  # metres from the ground to the camera
LEAST_SEEN = 0.08  # less of a body than this is not annotated
_POSETRACK = [FSPOSE_19.index(name) for name in POSETRACK_17.keypoints]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is true of one person on one frame.

    `keypoints` is (19, 2) in pixels, exact, also where hidden or outside; `visibility` (19,) is
    0 outside the picture, 1 hidden, 2 seen. `box` and `head` hold the whole body and head as far
    as they are inside the picture. `seen` is the share of the body that nothing hides.
    """

    keypoints: Floats
    visibility: NDArray[np.int64]
    box: Box
    head: Box
    track: int
    seen: float

    def person(self) -> Person:
        """The truth as PoseTrack18 has it; what is outside of the picture is absent there."""
        visibility = self.visibility[_POSETRACK].astype(np.float64)
        points = np.zeros((len(_POSETRACK), 2))
        points[visibility > 0] = self.keypoints[_POSETRACK][visibility > 0]
        points = np.round(points, 2)
        return Person(points, visibility, self.track, _rounded(self.box), _rounded(self.head))


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera that turns and zooms; `pan` and `shake` are fractions of the picture's width.

    `pan` is how far it swings to either side once in `period` seconds, `zoom` by which factor it
    comes closer at most.
    """

    pan: float = 0.0
    period: float = 10.0
    zoom: float = 1.0
    shake: float = 0.0

    def view(self, seconds: float, size: tuple[int, int]) -> NDArray[np.float64]:
        """(2, 3): from the stage's pixels to the picture's."""
        width, height = size
        swing = np.sin(2 * np.pi * seconds / self.period)
        zoom = 1 + (self.zoom - 1) * (0.5 - 0.5 * np.cos(2 * np.pi * seconds / self.period))
        x = swing * self.pan + self.shake * (np.sin(seconds * 9.1) + 0.6 * np.sin(seconds * 23.0))
        y = self.shake * (np.sin(seconds * 7.7 + 1) + 0.6 * np.sin(seconds * 19.0))
        return np.array(
            [
                [zoom, 0, width / 2 * (1 - zoom) - x * width],
                [0, zoom, height / 2 * (1 - zoom) - y * width],
            ]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Occluder:
    """A thing that stands about: (H, W, 4) pixels with opacity, metres tall, and its place."""

    image: Image
    height: float
    x: float
    distance: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the camera sees: colour cast (RGB factors), flicker of the light, noise, motion blur.

    `shutter` is how many moments, spread over half a frame, are averaged; 1 is no blur.
    """

    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    flicker: float = 0.0
    noise: float = 0.0
    shutter: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A clip that is drawn while it is iterated; yields (Frame, truths) and can be repeated.

    `backdrop` is larger than the picture by `margin` pixels on every side. The same scene gives
    the same pixels and numbers again on the same machine.
    """

    size: tuple[int, int]
    fps: float
    count: int
    seed: int
    actors: tuple[Actor, ...]
    backdrop: Image
    margin: int
    horizon: float
    occluders: tuple[Occluder, ...] = ()
    camera: Camera = field(default_factory=Camera)
    exposure: Exposure = field(default_factory=Exposure)
    light: Light = field(default_factory=Light)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[tuple[Frame, tuple[Truth, ...]]]:
        for index in range(self.count):
            seconds = index / self.fps
            image, truths = self.shoot(seconds)
            yield Frame(index, seconds, self._developed(image, index), f"{index:06d}"), truths

    def shoot(self, seconds: float) -> tuple[Floats, tuple[Truth, ...]]:
        """The picture (H, W, 3) float32 before noise and cast, and the truths amid its exposure."""
        moments = self.exposure.shutter
        offsets = (np.arange(moments) - (moments - 1) / 2) / max(moments, 2) / 2 / self.fps
        shots = [self._moment(seconds + float(offset)) for offset in offsets]
        image = sum((shot[0] for shot in shots[1:]), shots[0][0]) / np.float32(moments)
        return image, shots[moments // 2][1]

    def _moment(self, seconds: float) -> tuple[Floats, tuple[Truth, ...]]:
        """One instant: everything painted from far to near."""
        view = self.camera.view(seconds, self.size)
        shift = view.copy()
        shift[:, 2] -= view[0, 0] * self.margin
        frame = cv2.warpAffine(self.backdrop, shift, self.size, borderMode=cv2.BORDER_REFLECT)
        image = frame.astype(np.float32)
        people = [(actor, self._person(actor, seconds, view)) for actor in self.actors]
        present = [(actor, drawn) for actor, drawn in people if drawn is not None]
        items: list[tuple[float, Layer]] = [
            (occluder.distance, self._thing(occluder, view)) for occluder in self.occluders
        ]
        for actor, drawn in present:
            shadow(image, drawn)
            items.append((actor.place(seconds)[1], drawn.layer))
        items.sort(key=lambda item: -item[0])
        owner = np.zeros(image.shape[:2], np.int32)
        for number, (_, layer) in enumerate(items, 1):
            layer.paint(image, owner, number)
        numbers = {id(layer): number for number, (_, layer) in enumerate(items, 1)}
        truths = (
            self._truth(drawn, actor.track, owner, numbers[id(drawn.layer)])
            for actor, drawn in present
        )
        return image, tuple(truth for truth in truths if truth is not None)

    def _person(self, actor: Actor, seconds: float, view: NDArray[np.float64]) -> Drawn | None:
        x, distance = actor.place(seconds)
        scale = self._focal / distance
        center = self.size[0] / 2 + x * scale, self.horizon + EYE_LEVEL * scale
        place = view @ np.array([*center, 1.0])
        figure = stand(actor.build, actor.posture(seconds))
        return draw_person(
            figure,
            actor.outfit,
            (float(place[0]), float(place[1])),
            scale * float(view[0, 0]),
            # Seen from a little above, the more the nearer, as far as weak perspective can say it.
            elevation=float(np.arctan((EYE_LEVEL - 0.9) / distance)),
            size=self.size,
            light=self.light,
        )

    def _thing(self, occluder: Occluder, view: NDArray[np.float64]) -> Layer:
        scale = self._focal / occluder.distance
        tall = occluder.height * scale / occluder.image.shape[0]
        wide = occluder.image.shape[1] * tall
        left = self.size[0] / 2 + occluder.x * scale - wide / 2
        top = self.horizon + (EYE_LEVEL - occluder.height) * scale
        place = view[:, :2] @ np.array([[tall, 0, left], [0, tall, top]])
        place[:, 2] += view[:, 2]
        image = cv2.warpAffine(occluder.image, place, self.size)
        alpha = np.asarray(image[..., 3], np.float32) / np.float32(255)
        return Layer(0, 0, image[..., :3] * alpha[..., None], alpha)

    def _truth(
        self, drawn: Drawn, track: int, owner: NDArray[np.int32], number: int
    ) -> Truth | None:
        """The truth of a painted person, or None of whom next to nothing can be seen."""
        width, height = self.size
        points = drawn.keypoints
        inside = (points >= -0.5).all(1) & (points[:, 0] < width - 0.5)
        inside &= points[:, 1] < height - 0.5
        seen = drawn.layer.share_seen(owner, number)
        if not inside.any() or seen < LEAST_SEEN:
            return None
        visibility = np.where(inside, 1, 0)
        for index in np.flatnonzero(inside & drawn.unhidden):
            x, y = np.rint(points[index]).astype(int)
            if owner[y, x] <= number:
                visibility[index] = 2
        frame = Box(0.0, 0.0, float(width), float(height))
        box, head = clipped(drawn.box, frame), clipped(drawn.head, frame)
        return Truth(points, visibility, box, head, track, seen)

    def _developed(self, image: Floats, index: int) -> Image:
        """Light, cast and noise of one frame; seeded by the frame, so any frame can be redone."""
        exposure = self.exposure
        rng = np.random.default_rng((self.seed, index))
        phase = index / self.fps * 2.1
        gain = 1 + exposure.flicker * np.sin(phase) * np.cos(phase * 0.37)
        image = image * (np.array(exposure.cast, np.float32) * np.float32(gain))
        if exposure.noise:
            image = image + rng.normal(0, exposure.noise, image.shape).astype(np.float32)
        return np.asarray(np.clip(image + 0.5, 0, 255), np.uint8)

    @property
    def _focal(self) -> float:
        return 0.98 * max(self.size[0], self.size[1] * 1.5)


def clipped(box: Box, frame: Box) -> Box:
    """The part of a box inside another; without area where there is none."""
    left, top = max(box.left, frame.left), max(box.top, frame.top)
    right, bottom = min(box.right, frame.right), min(box.bottom, frame.bottom)
    return Box(left, top, max(left, right), max(top, bottom))


def sequence(name: str, size: tuple[int, int], truths: list[tuple[Truth, ...]]) -> Sequence:
    """The annotation of a whole clip, frames in order."""
    ids = image_ids(name, len(truths))
    frames = [
        Annotated(
            f"images/{name}/{index:06d}.jpg",
            tuple(truth.person() for truth in people),
            id,
            size=size,
        )
        for index, (id, people) in enumerate(zip(ids, truths, strict=True))
    ]
    return Sequence(name, tuple(frames))


def _rounded(box: Box) -> Box:
    edges = (round(value, 2) for value in (box.left, box.top, box.right, box.bottom))
    return Box(*edges)
