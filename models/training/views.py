"""Views: the parts of which detectors make varied images of whole scenes.

Boxes and keypoints move with the pixels. Coordinates are continuous: an image of width W reaches
from 0 to W, and x becomes W - x where it is mirrored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from data.frame import Image
from data.scenes import Scene, ScenePeople
from models.preprocess import shorter_side_to

Bring = Callable[..., Image]
"""Brings an image's shorter side to a number of pixels; see `shorter_side_to`."""


def moved(
    people: ScenePeople, zoom: tuple[float, float], shift: tuple[float, float]
) -> ScenePeople:
    """People whose coordinates are multiplied by `zoom` (x, y) and then moved by `shift`."""
    scale, step = np.array(zoom, np.float32), np.array(shift, np.float32)
    known = people.keypoints[..., 2:] > 0
    points = (people.keypoints[..., :2] * scale + step) * known
    return people._replace(
        boxes=(people.boxes.reshape(-1, 2, 2) * scale + step).reshape(-1, 4),
        keypoints=np.concatenate([points, people.keypoints[..., 2:]], -1),
        areas=people.areas * scale.prod(),
    )


def resized(scene: Scene, side: int, longest: int, bring: Bring = shorter_side_to) -> Scene:
    """The shorter side becomes `side` pixels, the longer at most `longest`; pixels are Pillow's."""
    image = bring(scene.image, side, longest=longest)
    (height, width), (old_height, old_width) = image.shape[:2], scene.image.shape[:2]
    return Scene(image, moved(scene.people, (width / old_width, height / old_height), (0, 0)))


def fitted(scene: Scene, side: int, longest: int) -> Scene:
    """The same size, but for rounding, with OpenCV's linear pixels, as PoseDet reads images."""
    height, width = scene.image.shape[:2]
    zoom = min(longest / max(height, width), side / min(height, width))
    size = max(1, int(width * zoom + 0.5)), max(1, int(height * zoom + 0.5))
    image = np.asarray(cv2.resize(scene.image, size), np.uint8)
    return Scene(image, moved(scene.people, (size[0] / width, size[1] / height), (0, 0)))


def mirrored(scene: Scene, mirror: Sequence[int], *, last_pixel: float = 0.0) -> Scene:
    """Left becomes right; `mirror[k]` is the keypoint that takes the place of k.

    Here as in the others `last_pixel` is how far before the image's edge its last pixel lies: 1
    where whole numbers are the pixels' middles.
    """
    width = scene.image.shape[1] - last_pixel
    boxes = scene.people.boxes.copy()
    boxes[:, [2, 0]] = width - boxes[:, [0, 2]]
    keypoints = scene.people.keypoints[:, list(mirror)]
    keypoints[..., 0] = (width - keypoints[..., 0]) * (keypoints[..., 2] > 0)
    people = scene.people._replace(boxes=boxes, keypoints=keypoints)
    return Scene(np.ascontiguousarray(scene.image[:, ::-1]), people)


def cropped(scene: Scene, left: int, top: int, width: int, height: int) -> Scene:
    """A part of the image, in whole pixels; people stay who lie outside of it."""
    image = np.ascontiguousarray(scene.image[top : top + height, left : left + width])
    return Scene(image, moved(scene.people, (1, 1), (-left, -top)))


def windowed(scene: Scene, center: tuple[float, float], side: float, size: int) -> Scene:
    """The square of `side` pixels around a point as `size` pixels, black beyond the image."""
    zoom = size / side
    shift = size / 2 - center[0] * zoom, size / 2 - center[1] * zoom
    matrix = np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]])
    image = cv2.warpAffine(scene.image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    return Scene(np.asarray(image, np.uint8), moved(scene.people, (zoom, zoom), shift))


def filled(scene: Scene, width: int, height: int) -> Scene:
    """Black on the right and below, up to a size."""
    image = scene.image
    beside = (0, max(0, height - image.shape[0])), (0, max(0, width - image.shape[1])), (0, 0)
    return Scene(np.pad(image, beside), scene.people)


def clipped(scene: Scene, *, last_pixel: float = 0.0) -> Scene:
    """Boxes end at the image's edge, and whoever has none left goes."""
    size = np.array([*scene.image.shape[1::-1]] * 2, np.float32) - np.float32(last_pixel)
    boxes = np.clip(scene.people.boxes, 0, size)
    there = np.asarray(((boxes[:, 2:] - boxes[:, :2]) > 0).all(1))
    return Scene(scene.image, scene.people._replace(boxes=boxes).only(there))


def forgotten(scene: Scene, *, last_pixel: float = 0.0) -> Scene:
    """Keypoints outside of the image are not known, and stand at 0, 0."""
    keypoints = scene.people.keypoints
    size = np.array(scene.image.shape[1::-1], np.float32) - np.float32(last_pixel)
    inside = ((keypoints[..., :2] >= 0) & (keypoints[..., :2] <= size)).all(-1)
    return Scene(scene.image, scene.people._replace(keypoints=keypoints * inside[..., None]))


def somebodys_part(scene: Scene, least: tuple[float, float], rng: np.random.Generator) -> Scene:
    """A random part of the image with the middle of a random person's box.

    Height and width are drawn apart, uniformly, as shares of the image from `least` (height,
    width) to 1 (detectron2's relative range). Others may be cut.
    """
    size = np.array(scene.image.shape[:2], np.float64)
    share = np.array(least) + rng.random(2) * (1 - np.array(least))
    extent = (size * share + 0.5).astype(int)  # height, width
    box = scene.people.boxes[rng.integers(len(scene.people.boxes))]
    corners = np.clip(box.reshape(2, 2)[:, ::-1], 0, size)  # rows top, bottom; y before x
    middle = corners.mean(0)
    low = np.maximum(np.floor(middle).astype(int) - extent, 0)
    high = np.minimum(np.maximum(size.astype(int) - extent, 0), np.ceil(middle).astype(int))
    top, left = (
        int(rng.integers(a, b + 1)) for a, b in zip(low, np.maximum(low, high), strict=True)
    )
    return cropped(scene, left, top, int(extent[1]), int(extent[0]))


def whole(
    scene: Scene,
    sides: Sequence[int],
    longest: int,
    mirror: Sequence[int],
    rng: np.random.Generator,
) -> Scene:
    """All of the image with its shorter side drawn from `sides`, mirrored or not.

    It is how two-stage detectors are taught: detectron2's and torchvision's recipes have no more.
    """
    scene = resized(scene, int(rng.choice(list(sides))), longest)
    if rng.random() < 0.5:
        scene = mirrored(scene, mirror)
    return forgotten(clipped(scene))
