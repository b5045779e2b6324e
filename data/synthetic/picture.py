"""Pictures of one drawn person at a time, in any posture, for training."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.pose import Box, Floats
from data.synthetic.backdrop import BACKDROPS
from data.synthetic.body import Build, Figure, Posture, stand
from data.synthetic.canvas import Light, random_light
from data.synthetic.dress import Outfit
from data.synthetic.layer import Drawn, draw_person, shadow
from data.synthetic.person import Placing
from data.synthetic.random_posture import random_posture
from data.synthetic.scene import clipped


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One person in a picture (H, W, 3) RGB.

    `keypoints` is (19, 2) of FSPOSE_19 in pixels, exact, also where hidden or outside;
    `visibility` (19,) is 0 outside the picture, 1 hidden, 2 seen. `box` holds the whole body as
    far as it is inside, `head` the head.
    """

    image: Image
    keypoints: Floats
    visibility: NDArray[np.int64]
    box: Box
    head: Box


def person_picture(
    rng: np.random.Generator,
    size: tuple[int, int] = (160, 160),
    *,
    background: Image | None = None,
    posture: Posture | None = None,
) -> Picture:
    """A picture of somebody random, about as tall as the picture or larger.

    `background` is cut and scaled to `size`; without one a backdrop is drawn. Others may stand
    behind or in front, and things may hide parts.
    """
    light = random_light(rng)
    image = _background(rng, size, background)
    figure = stand(Build.random(rng), posture or random_posture(rng))
    drawn: Drawn | None = None
    while drawn is None:  # someone drawn out of the picture is drawn again
        drawn = _someone(rng, figure, size, light, fill=float(rng.uniform(0.55, 1.05)))
    owner = np.zeros(image.shape[:2], np.int32)
    behind, before = rng.random(2) < (0.16, 0.12)
    if behind:
        _other(rng, image, owner, size, light, 1)
    if rng.random() < 0.7:
        shadow(image, drawn)
    drawn.layer.paint(image, owner, 2)
    if before:
        _other(rng, image, owner, size, light, 3, aside=0.45)
    if rng.random() < 0.15:
        _cover(rng, image, owner, drawn.box)
    frame = Box(0.0, 0.0, float(size[0]), float(size[1]))
    return Picture(
        _developed(rng, image),
        drawn.keypoints,
        _visibility(drawn, owner, 2),
        clipped(drawn.box, frame),
        clipped(drawn.head, frame),
    )


def _background(
    rng: np.random.Generator, size: tuple[int, int], background: Image | None
) -> Floats:
    width, height = size
    if background is None:
        paint = BACKDROPS[list(BACKDROPS)[rng.integers(len(BACKDROPS))]]
        horizon = int(height * rng.uniform(0.2, 0.75))
        return paint(rng, width, height, horizon).astype(np.float32)
    have_h, have_w = background.shape[:2]
    share = float(rng.uniform(0.5, 1.0)) * min(have_w / width, have_h / height)
    w, h = max(1, int(width * share)), max(1, int(height * share))
    x, y = int(rng.integers(0, have_w - w + 1)), int(rng.integers(0, have_h - h + 1))
    cut = background[y : y + h, x : x + w]
    method = cv2.INTER_AREA if share > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cut, size, interpolation=method), np.float32)


def _someone(
    rng: np.random.Generator,
    figure: Figure,
    size: tuple[int, int],
    light: Light,
    *,
    fill: float,
    aside: float = 0.0,
) -> Drawn | None:
    """A figure that fills so much of the picture, near its middle or `aside` of it."""
    elevation = float(rng.normal(0.10, 0.16))
    plain = Placing(1.0, 0.0, 0.0, elevation).project(figure)
    flat = np.array([point[:2] for point in plain.values()])
    low, high = flat.min(0) - 0.08, flat.max(0) + 0.08
    extent = high - low
    scale = fill * min(size[0] / extent[0], size[1] / extent[1])
    middle = (low + high) / 2 * scale
    shift = rng.normal(0, 0.06, 2) * size
    shift[0] += aside * size[0] * rng.choice([-1, 1])
    x, y = np.array(size) / 2 + shift - middle
    return draw_person(
        figure,
        Outfit.random(rng),
        (float(x), float(y)),
        float(scale),
        elevation=elevation,
        size=size,
        light=light,
    )


def _other(
    rng: np.random.Generator,
    image: Floats,
    owner: NDArray[np.int32],
    size: tuple[int, int],
    light: Light,
    number: int,
    aside: float = 0.3,
) -> None:
    """Someone else, who is not annotated."""
    figure = stand(Build.random(rng), random_posture(rng))
    fill = float(rng.uniform(0.5, 0.95))
    drawn = _someone(rng, figure, size, light, fill=fill, aside=aside)
    if drawn:
        drawn.layer.paint(image, owner, number)


def _cover(rng: np.random.Generator, image: Floats, owner: NDArray[np.int32], box: Box) -> None:
    """Hide some of a box behind a flat thing."""
    w, h = box.width * rng.uniform(0.15, 0.8), box.height * rng.uniform(0.1, 0.4)
    x = float(rng.uniform(box.left, box.right) - w / 2)
    y = float(rng.uniform(box.top, box.bottom) - h / 2)
    left, top = max(0, int(x)), max(0, int(y))
    place = slice(top, max(0, int(y + h))), slice(left, max(0, int(x + w)))
    patch = image[place]
    patch[:] = rng.uniform(20, 235, 3) + rng.normal(0, 6, (patch.shape[0], 1, 1))
    owner[place] = 4


def _visibility(drawn: Drawn, owner: NDArray[np.int32], number: int) -> NDArray[np.int64]:
    """(19,): 0 outside, 1 hidden by the own body or by what was painted later, 2 seen."""
    height, width = owner.shape
    points = np.rint(drawn.keypoints).astype(int)
    inside = (points >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height)
    x, y = points[:, 0].clip(0, width - 1), points[:, 1].clip(0, height - 1)
    seen = inside & drawn.unhidden & (owner[y, x] <= number)
    return np.asarray(inside.astype(np.int64) + seen)


def _developed(rng: np.random.Generator, image: Floats) -> Image:
    """Light, cast, blur, coarse pixels and noise as cameras have them."""
    gain = rng.normal(1, 0.07, 3) * np.exp(rng.normal(0, 0.2))
    contrast = float(rng.uniform(0.75, 1.15))
    image = (image * gain.astype(np.float32) - 128) * np.float32(contrast) + 128
    image = _faulty(rng, image)
    if rng.random() < 0.5:
        noise = rng.standard_normal(image.shape, np.float32)
        image = image + noise * np.float32(rng.uniform(1, 9))
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def _faulty(rng: np.random.Generator, image: Floats) -> Floats:
    """The image out of focus, smeared, from far away, or as it is."""
    fault, (height, width) = rng.random(), image.shape[:2]
    if fault < 0.15:
        sigma = float(rng.uniform(0.5, 1.6))
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)
    if fault < 0.25:  # the camera moved
        length = int(rng.integers(3, 9))
        kernel = np.zeros((length, length), np.float32)
        start = int(rng.integers(0, length))
        cv2.line(kernel, (start, 0), (length - 1 - start, length - 1), 1.0)
        return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.float32)
    if fault < 0.45:
        share = float(rng.uniform(0.35, 0.8))
        small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height)), np.float32)
    return image
