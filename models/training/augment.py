"""Augmentation: a person's picture, box and keypoints to a varied crop of the network's size."""

from __future__ import annotations

import cv2
import numpy as np

from data.crop import Crop
from data.frame import Image
from data.people_set import Portrait
from data.pose import Box, Floats
from data.skeleton import FSPOSE_19
from models.training.crowd import crowded

PADDING = 1.25  # the room around a person's box, in training as in use
_MIRROR = list(FSPOSE_19.mirror)
_UPPER = [
    FSPOSE_19.index(k) for k in FSPOSE_19.keypoints if not k.endswith(("hip", "knee", "ankle"))
]


def plain(
    image: Image, keypoints: Floats, box: Floats, size: tuple[int, int]
) -> tuple[Image, Floats]:
    """The crop as it is cut in use, and the keypoints (19, 3) in its pixels."""
    crop = Crop.around(Box.from_xywh(*(float(v) for v in box)), size, PADDING)
    return crop.cut(image), _moved(keypoints, crop)


def varied(
    image: Image,
    keypoints: Floats,
    box: Floats,
    size: tuple[int, int],
    *,
    elsewhere: Image,
    rng: np.random.Generator,
    neighbour: Portrait | None = None,
) -> tuple[Image, Floats]:
    """A crop with random scale, place, rotation, side, colours and occlusion.

    `elsewhere` is any other picture: parts of it may show where the stored picture ends. A
    `neighbour` is pasted beside the person, before them or behind.
    """
    left, top, width, height = _half_body(keypoints, box, rng)
    left += width * float(np.clip(rng.normal(0, 0.05), -0.12, 0.12))
    top += height * float(np.clip(rng.normal(0, 0.05), -0.12, 0.12))
    zoom = PADDING * float(np.clip(rng.normal(1.0, 0.15), 0.75, 1.35))
    angle = float(np.clip(rng.normal(0, 25), -60, 60)) if rng.random() < 0.4 else 0.0
    upright = Crop.around(Box.from_xywh(left, top, width, height), size, zoom)
    crop = Crop(upright.center, upright.scale, size, angle)
    cut, moved = _surrounded(image, crop, elsewhere, rng), _moved(keypoints, crop)
    if rng.random() < 0.5:
        cut = np.ascontiguousarray(cut[:, ::-1])
        moved[:, 0] = size[0] - 1 - moved[:, 0]
        moved = moved[_MIRROR]
    if neighbour is not None:
        cut = crowded(cut, moved, neighbour, zoom, rng)
    return _occluded(_coloured(_softened(cut, rng), rng), rng), moved


def _moved(keypoints: Floats, crop: Crop) -> Floats:
    return np.concatenate([crop.from_image(keypoints[:, :2]), keypoints[:, 2:]], 1)


def _surrounded(image: Image, crop: Crop, elsewhere: Image, rng: np.random.Generator) -> Image:
    """The crop, with something other than black around the stored picture most of the time.

    The stored pictures end a little outside the box. In use the scene goes on there; a network
    that saw only black bars learns to find the box's sides by them.
    """
    chance = rng.random()
    if chance < 0.2:
        return crop.cut(image)
    matrix, size = crop.matrix(), crop.size
    if chance < 0.6:
        backdrop = np.asarray(cv2.resize(elsewhere, size, interpolation=cv2.INTER_AREA), np.uint8)
        inside = cv2.warpAffine(np.full(image.shape[:2], 255, np.uint8), matrix, size)
        return np.where(inside[..., None] > 127, crop.cut(image), backdrop)
    border = cv2.BORDER_REFLECT_101 if chance < 0.8 else cv2.BORDER_REPLICATE
    cut = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(cut, np.uint8)


def _half_body(
    keypoints: Floats, box: Floats, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Sometimes the box of the upper or lower body: people are cut off by pictures and desks."""
    left, top, width, height = (float(v) for v in box)
    seen = keypoints[:, 2] > 0
    if rng.random() >= 0.15 or seen.sum() < 8:
        return left, top, width, height
    upper = np.isin(np.arange(len(keypoints)), _UPPER)
    half = seen & (upper if rng.random() < 0.7 else ~upper)
    if half.sum() < 3:
        return left, top, width, height
    low, high = keypoints[half, :2].min(0), keypoints[half, :2].max(0)
    center, extent = (low + high) / 2, np.maximum((high - low) * 1.3, 16)
    left, top = (float(v) for v in center - extent / 2)
    return left, top, float(extent[0]), float(extent[1])


def _softened(image: Image, rng: np.random.Generator) -> Image:
    """Sometimes the loss of detail of a small or moving person."""
    chance = rng.random()
    if chance < 0.1:
        share = rng.uniform(0.35, 0.8)
        small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        size = (image.shape[1], image.shape[0])
        return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    if chance < 0.15:
        length = int(rng.integers(2, 6))
        kernel = (length, 1) if rng.random() < 0.5 else (1, length)
        return np.asarray(cv2.blur(image, kernel), np.uint8)
    return image


def _coloured(image: Image, rng: np.random.Generator) -> Image:
    gain = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3)
    shift = rng.uniform(-20, 20)
    table = np.clip(np.arange(256)[:, None] * gain + shift, 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table.reshape(1, 256, 3)), np.uint8)
    if rng.random() < 0.1:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
    return image


def _occluded(image: Image, rng: np.random.Generator) -> Image:
    if rng.random() >= 0.2:
        return image
    height, width = image.shape[:2]
    w, h = int(width * rng.uniform(0.1, 0.4)), int(height * rng.uniform(0.1, 0.35))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    image = image.copy()
    image[y : y + h, x : x + w] = rng.integers(0, 256, 3)
    return image
