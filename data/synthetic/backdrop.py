"""Backdrops and things that stand about: what is behind drawn people, and in front of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from data.frame import Image
from data.pose import Floats

Color = tuple[float, float, float]
Backdrop = Callable[[np.random.Generator, int, int, int], Image]
"""Draws (generator, width, height, horizon in pixels from the top) as (height, width, 3)."""


def smooth_noise(rng: np.random.Generator, width: int, height: int, cells: int) -> Floats:
    """(height, width) of soft noise about 0 with spread 1, `cells` bumps across the width."""
    rows = max(2, round(cells * height / width))
    grid = rng.normal(0, 1, (rows + 2, cells + 2)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _paint(image: NDArray[Any]) -> Image:
    return np.asarray(np.clip(image, 0, 255), np.uint8)


def _ramp(top: Color, bottom: Color, width: int, height: int) -> Floats:
    t = np.linspace(0, 1, max(height, 1), dtype=np.float32)[:, None, None]
    band = np.array(top, np.float32) * (1 - t) + np.array(bottom, np.float32) * t
    return np.repeat(band, width, axis=1)


def _color(rng: np.random.Generator, saturation: tuple[int, int], value: tuple[int, int]) -> Color:
    hsv = [rng.integers(180), rng.integers(*saturation), rng.integers(*value)]
    rgb = cv2.cvtColor(np.array([[hsv]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def _ground(rng: np.random.Generator, image: Floats, horizon: int, color: Color) -> None:
    """A floor below the horizon: lighter towards the viewer, with a grain that grows nearer."""
    height, width = image.shape[:2]
    far: Color = (color[0] * 0.78, color[1] * 0.78, color[2] * 0.78)
    floor = _ramp(far, color, width, height - horizon)
    grain = smooth_noise(rng, width, height - horizon, 40) * 2.5
    grain += smooth_noise(rng, width, height - horizon, 9) * 3
    image[horizon:] = floor + grain[..., None]


def studio(rng: np.random.Generator, width: int, height: int, horizon: int) -> Image:
    """A seamless paper background with a soft spot of light."""
    r, g, b = _color(rng, (5, 130), (90, 230))
    image = _ramp((r, g, b), (r * 0.7, g * 0.7, b * 0.7), width, height)
    x = (np.arange(width, dtype=np.float32)[None] / width - 0.5) ** 2
    y = (np.arange(height, dtype=np.float32)[:, None] / height - 0.4) ** 2
    return _paint(image * (1.12 - 0.9 * (x + y))[..., None])


def room(rng: np.random.Generator, width: int, height: int, horizon: int) -> Image:
    """A wall with pictures or windows, a skirting board and a floor of planks or tiles."""
    wall = _color(rng, (5, 70), (150, 235))
    image = np.empty((height, width, 3), np.float32)
    image[:] = _ramp((wall[0] * 0.9, wall[1] * 0.9, wall[2] * 0.9), wall, width, height)
    image += smooth_noise(rng, width, height, 5)[..., None] * 3
    base = min(height - 1, horizon + height // 8)
    for _ in range(int(rng.integers(1, 4) * max(1, width / height / 1.5))):
        w, h = int(height * rng.uniform(0.12, 0.3)), int(height * rng.uniform(0.15, 0.32))
        x, y = int(rng.integers(-w // 2, width)), int(rng.integers(0, max(1, base - h)))
        cv2.rectangle(image, (x - 3, y - 3), (x + w + 3, y + h + 3), (60, 48, 40), -1)
        cv2.rectangle(image, (x, y), (x + w, y + h), _color(rng, (20, 160), (90, 240)), -1)
        cv2.circle(image, (x + w // 2, y + h // 2), w // 4, _color(rng, (20, 160), (90, 240)), -1)
    _ground(rng, image, base, _color(rng, (20, 110), (90, 190)))
    cv2.rectangle(image, (0, base - max(1, height // 60)), (width, base), (225, 222, 215), -1)
    middle = width / 2
    for step in np.arange(-12, 13):  # joints run towards the vanishing point
        x0, x1 = middle + step * width * 0.06, middle + step * width * 0.2
        tone = image[-1, width // 2] * 0.82
        ends = (round(x0), base), (round(x1), height)
        cv2.line(image, *ends, tuple(float(v) for v in tone), 1, cv2.LINE_AA)
    return _paint(image)


def skyline(rng: np.random.Generator, width: int, height: int, horizon: int) -> Image:
    """Sky, two rows of buildings with windows, pavement."""
    image = _ramp((118, 160, 215), (215, 224, 232), width, height)
    image += np.maximum(smooth_noise(rng, width, height, 6), 0)[..., None] * 9
    for row, tone in ((0, 0.9), (1, 0.62)):
        x = -int(rng.integers(0, 30))
        while x < width:
            w = int(height * rng.uniform(0.12, 0.32))
            h = int(horizon * rng.uniform(0.35, 0.95) * (1.0 if row == 0 else 0.7))
            r, g, b = _color(rng, (8, 60), (120, 210))
            wall: Color = (r * tone, g * tone, b * tone)
            cv2.rectangle(image, (x, horizon - h), (x + w, horizon), wall, -1)
            _windows(rng, image, x, horizon - h, w, h)
            x += w + int(rng.integers(0, 8))
    _ground(rng, image, horizon, _color(rng, (3, 25), (120, 180)))
    return _paint(image)


def _windows(rng: np.random.Generator, image: Floats, x: int, y: int, w: int, h: int) -> None:
    cell = max(5, w // int(rng.integers(4, 8)))
    glass = np.array(_color(rng, (10, 60), (60, 120)))
    for top in range(y + cell // 2, y + h - cell, cell + 2):
        for left in range(x + cell // 3, x + w - cell // 2, cell):
            shade = glass * (1.7 if rng.random() < 0.15 else 1.0)
            pane = tuple(float(v) for v in shade)
            cv2.rectangle(image, (left, top), (left + cell // 2, top + cell * 2 // 3), pane, -1)


def park(rng: np.random.Generator, width: int, height: int, horizon: int) -> Image:
    """Sky, hills, trees and a lawn with a path."""
    image = _ramp((126, 176, 228), (222, 232, 238), width, height)
    image += np.maximum(smooth_noise(rng, width, height, 5), 0)[..., None] * 14
    xs = np.arange(width)
    for tone, rise in (((130, 156, 150), 0.16), ((96, 134, 96), 0.09)):
        line = horizon - height * rise * (0.7 + 0.3 * np.sin(xs / width * 9 + rng.uniform(0, 6)))
        hill = np.stack([xs, line], 1)
        edge = np.array([[width, height], [0, height]])
        cv2.fillPoly(image, [np.concatenate([hill, edge]).astype(np.int32)], tone)
    for _ in range(int(rng.integers(4, 8) * max(1, width / height / 1.6))):
        _tree(rng, image, int(rng.integers(0, width)), horizon + int(rng.integers(-2, 6)), height)
    _ground(rng, image, horizon, (118, 152, 82))
    left, right = width * rng.uniform(0.3, 0.7), width * 0.04
    path = [[left, horizon], [left + right, horizon], [width * 0.95, height], [width * 0.1, height]]
    shade = image.copy()
    cv2.fillPoly(shade, [np.array(path, np.int32)], (196, 182, 152), cv2.LINE_AA)
    return _paint(image * 0.25 + shade * 0.75)


def _tree(rng: np.random.Generator, image: Floats, x: int, y: int, height: int) -> None:
    size = height * rng.uniform(0.10, 0.24)
    trunk = max(2, int(size * 0.09))
    cv2.rectangle(image, (x - trunk, y - int(size)), (x + trunk, y), (84, 66, 50), -1)
    base = np.array([66, 112, 58]) * rng.uniform(0.8, 1.25)
    for _ in range(36):
        angle, reach = rng.uniform(0, 2 * np.pi), 0.62 * size * np.sqrt(rng.random())
        dx, dy = reach * np.cos(angle), reach * np.sin(angle)
        tone = base * (1.0 - 0.25 * dy / size) * rng.uniform(0.86, 1.14)
        at = (int(x + dx), int(y - size * 1.35 + dy * 0.8))
        color = tuple(float(v) for v in tone)
        cv2.circle(image, at, int(size * rng.uniform(0.12, 0.32)), color, -1, cv2.LINE_AA)


def clutter(rng: np.random.Generator, width: int, height: int, horizon: int) -> Image:
    """Noise of several sizes and random shapes: the hardest background to find people on."""
    image = np.empty((height, width, 3), np.float32)
    image[:] = _color(rng, (10, 140), (60, 220))
    for cells, strength in ((4, 28), (14, 16), (50, 9)):
        for channel in range(3):
            image[..., channel] += smooth_noise(rng, width, height, cells) * strength
    for _ in range(int(rng.integers(6, 22))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        w, h = (int(height * v) for v in rng.uniform(0.02, 0.3, 2))
        color, angle = _color(rng, (10, 200), (30, 240)), float(rng.uniform(0, 180))
        if rng.random() < 0.5:
            cv2.ellipse(image, (x, y), (w + 1, h + 1), angle, 0, 360, color, -1, cv2.LINE_AA)
        else:
            corners = cv2.boxPoints(((x, y), (2 * w + 1, h + 1), angle)).astype(np.int32)
            cv2.fillPoly(image, [corners], color, cv2.LINE_AA)
    return _paint(image)


BACKDROPS: dict[str, Backdrop] = {
    "studio": studio,
    "room": room,
    "skyline": skyline,
    "park": park,
    "clutter": clutter,
}


def pillar(rng: np.random.Generator, height: int) -> Image:
    """A round column, (height, width, 4) with opacity."""
    width = max(4, round(height * rng.uniform(0.09, 0.14)))
    q = np.linspace(-1, 1, width, dtype=np.float32)
    shade = 0.62 + 0.5 * np.sqrt(np.maximum(1 - (q + 0.35) ** 2 / 1.9, 0))
    stone = np.array(_color(rng, (5, 70), (120, 220)), np.float32)
    image = np.repeat((stone * shade[:, None])[None], height, axis=0)
    image *= 1 + smooth_noise(rng, width, height, 4)[..., None] * 0.04
    image[: height // 30] *= 0.8
    return _opaque(image)


def bench(rng: np.random.Generator, height: int) -> Image:
    """A park bench seen from behind, (height, width, 4) with opacity."""
    width = round(height * 2.1)
    wood = np.array(_color(rng, (60, 130), (110, 180)), np.float32)
    image = np.zeros((height, width, 4), np.float32)
    slat = height // 6
    for row in range(3):
        top = row * (slat + max(1, slat // 3))
        tone = (*(float(v) for v in wood * rng.uniform(0.9, 1.1)), 255.0)
        cv2.rectangle(image, (0, top), (width - 1, top + slat), tone, -1)
    for x in (width // 12, width - width // 12):
        leg = max(2, width // 40)
        cv2.rectangle(image, (x - leg, 0), (x + leg, height - 1), (48, 48, 52, 255), -1)
    return _paint(image)


def bush(rng: np.random.Generator, height: int) -> Image:
    """A round hedge plant, (height, width, 4) with opacity."""
    width = round(height * rng.uniform(1.1, 1.8))
    image = np.zeros((height, width, 4), np.float32)
    base = np.array([58, 104, 50]) * rng.uniform(0.8, 1.3)
    for _ in range(70):
        x, y = rng.uniform(0.16, 0.84) * width, rng.uniform(0.25, 1.0) * height
        tone = base * rng.uniform(0.8, 1.2) * (1.25 - 0.45 * y / height)
        color = (*(float(v) for v in tone), 255.0)
        cv2.circle(image, (int(x), int(y)), int(height * rng.uniform(0.08, 0.2)), color, -1)
    return _paint(image)


def _opaque(image: Floats) -> Image:
    return np.dstack([_paint(image), np.full(image.shape[:2], 255, np.uint8)])


OCCLUDERS: dict[str, tuple[Callable[[np.random.Generator, int], Image], float]] = {
    "pillar": (pillar, 2.9),
    "bench": (bench, 0.85),
    "bush": (bush, 0.95),
}
"""Things that hide people, and how tall they are in metres."""
