"""Layer: a person or thing of a frame on its own, with opacity. Drawn: a person's layer."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data.pose import Box, Floats
from data.synthetic.body import Figure, about_x
from data.synthetic.canvas import Canvas, Light
from data.synthetic.dress import Outfit
from data.synthetic.person import Placing, draw, keypoints, silhouette, unhidden

_FINER = 2  # people are drawn with so many pixels for one, and averaged
_HEAD = np.array([0.050, 0.0765, 0.0700])  # half axes with hair and nose, in heights


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Colours (h, w, 3) float32 already multiplied by `alpha` (h, w), at a place in the picture."""

    left: int
    top: int
    color: Floats
    alpha: Floats

    def paint(self, image: Floats, owner: NDArray[np.int32], number: int) -> None:
        """Put the layer over the picture and its number where it hides what was there."""
        height, width = self.alpha.shape
        place = slice(self.top, self.top + height), slice(self.left, self.left + width)
        image[place] = image[place] * (1 - self.alpha[..., None]) + self.color
        owner[place][self.alpha > 0.5] = number

    def share_seen(self, owner: NDArray[np.int32], number: int) -> float:
        """How much of the layer nothing painted later hides, 0..1."""
        height, width = self.alpha.shape
        whole = int((self.alpha > 0.5).sum())
        there = owner[self.top : self.top + height, self.left : self.left + width]
        return float((there == number).sum()) / max(1, whole)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A person's layer, and what is known of it.

    `keypoints` is (19, 2) in pixels of the picture, `unhidden` (19,) says which of them the
    person's own body leaves open. The boxes may reach out of the picture. `feet` are points on
    the ground, `scale` is in pixels per metre.
    """

    layer: Layer
    keypoints: Floats
    unhidden: NDArray[np.bool_]
    box: Box
    head: Box
    feet: tuple[tuple[float, float], ...]
    scale: float


def draw_person(
    figure: Figure,
    outfit: Outfit,
    place: tuple[float, float],
    scale: float,
    *,
    elevation: float,
    size: tuple[int, int],
    light: Light,
) -> Drawn | None:
    """A person standing at `place` (pixels), or None who is outside of a picture of `size`."""
    placing = Placing(scale, place[0], place[1], elevation)
    seen = placing.project(figure)
    unit = figure.build.height * scale
    flat = np.array([point[:2] for point in seen.values()])
    low = np.floor(flat.min(0) - 0.13 * unit).astype(int)
    high = np.ceil(flat.max(0) + 0.13 * unit).astype(int)
    left, top = (max(0, int(value)) for value in low)
    right, bottom = min(size[0], int(high[0])), min(size[1], int(high[1]))
    if right - left < 1 or bottom - top < 1:
        return None
    width, height = right - left, bottom - top
    canvas = Canvas(width * _FINER, height * _FINER, light)
    moved = Placing(scale, place[0] - left, place[1] - top, elevation).enlarged(_FINER)
    draw(canvas, figure, outfit, moved)
    solid = silhouette(canvas)
    if not solid.any():
        return None
    free = unhidden(canvas, figure, moved)
    canvas.soften(0.5)
    color = cv2.resize(canvas.color, (width, height), interpolation=cv2.INTER_AREA)
    mask = solid.astype(np.uint8) * 255
    alpha = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    layer = Layer(left, top, color.astype(np.float32), alpha.astype(np.float32) / np.float32(255))
    ends = np.flatnonzero(solid.any(0))[[0, -1]], np.flatnonzero(solid.any(1))[[0, -1]]
    box = Box(
        left + ends[0][0] / _FINER,
        top + ends[1][0] / _FINER,
        left + (ends[0][1] + 1) / _FINER,
        top + (ends[1][1] + 1) / _FINER,
    )
    ground = ("left_heel", "right_heel", "left_toe", "right_toe")
    return Drawn(
        layer=layer,
        keypoints=keypoints(figure, placing),
        unhidden=free,
        box=box,
        head=_head_box(figure, placing),
        feet=tuple((float(seen[name][0]), float(seen[name][1])) for name in ground),
        scale=scale,
    )


def _head_box(figure: Figure, placing: Placing) -> Box:
    """The box of the head with its hair."""
    center = placing.project(figure)["head"]
    turned = about_x(placing.elevation) @ figure.frames["head"]
    radii = _HEAD * figure.build.head * figure.build.height * placing.scale
    across, down = np.sqrt(((turned * radii) ** 2).sum(1))[:2]
    x, y = float(center[0]), float(center[1])
    return Box(x - float(across), y - float(down), x + float(across), y + float(down))


def shadow(image: Floats, drawn: Drawn) -> None:
    """Darken the ground under feet: a small dark patch under each, a wide faint one under all."""
    scale, points = drawn.scale, np.array(drawn.feet)
    ground = float(points[:, 1].max())
    middle = float(points[:, 0].mean())
    _patch(image, middle, ground, 0.42 * scale, 0.09 * scale, 0.22)
    for x, y in drawn.feet:
        _patch(image, x, max(y, ground - 0.2 * scale), 0.13 * scale, 0.04 * scale, 0.25)


def _patch(image: Floats, x: float, y: float, wide: float, high: float, depth: float) -> None:
    height, width = image.shape[:2]
    left, right = max(0, int(x - 2.2 * wide)), min(width, int(x + 2.2 * wide) + 1)
    top, bottom = max(0, int(y - 2.2 * high)), min(height, int(y + 2.2 * high) + 1)
    if left >= right or top >= bottom:
        return
    across = ((np.arange(left, right, dtype=np.float32) - np.float32(x)) / np.float32(wide)) ** 2
    down = ((np.arange(top, bottom, dtype=np.float32) - np.float32(y)) / np.float32(high)) ** 2
    dark = np.float32(depth) * np.exp(-across)[None] * np.exp(-down)[:, None]
    image[top:bottom, left:right] *= 1 - dark[..., None]
