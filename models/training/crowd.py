"""Crowd: somebody else pasted before or behind the person of a crop, cut out by their skeleton.

Two people side by side are what single-person networks fail at most: they read whoever is in
front. Such pairs are rare among training crops, so they are made of two people (copy-paste, Ghiasi
et al., CVPR 2021). The packs hold no masks; limbs of a body's usual width stand for them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from data.crop import Crop
from data.frame import Image
from data.people_set import Portrait
from data.pose import Box, Floats
from data.skeleton import FSPOSE_19

ENOUGH = 8  # labelled keypoints, without which a body has no outline
SIDE = (0.1, 0.6)  # how far beside the person, of the crop's width
SIZE = (0.7, 1.2)  # of the other's box against the person's
LIMB, HEAD = 0.16, 0.3  # widths, of the torso's length
_TORSO = tuple(
    FSPOSE_19.index(k) for k in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")
)


def crowded(
    image: Image, keypoints: Floats, other: Portrait, padding: float, rng: np.random.Generator
) -> Image:
    """The crop with `other` beside the person, before them or behind.

    `keypoints` (19, 3) are the person's in pixels of the crop; they stay true, for whoever is
    hidden is still to be found. The image comes back as it is where one has no outline.
    """
    size = (image.shape[1], image.shape[0])
    box = Box.from_xywh(*(float(v) for v in other.box))
    crop = Crop.around(box, size, padding / float(rng.uniform(*SIZE)))
    shift = float(rng.uniform(*SIDE)) * size[0] * float(rng.choice((-1, 1)))
    offset = np.array([shift, float(rng.normal(0, 0.06)) * size[1]])
    place = other.keypoints.copy()
    place[:, :2] = crop.from_image(other.keypoints[:, :2]) + offset
    mask = outline(place, size)
    if rng.random() < 0.4:  # behind: whom the crop is of hides them
        own = outline(keypoints, size)
        if not own.any():
            return image
        mask = np.where(own > 0, np.uint8(0), mask)
    if not mask.any():
        return image
    matrix = crop.matrix().astype(np.float64)
    matrix[:, 2] += offset
    theirs = np.asarray(cv2.warpAffine(other.image, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)
    inside = cv2.warpAffine(np.full(other.image.shape[:2], 255, np.uint8), matrix, size)
    share = cv2.GaussianBlur(np.minimum(mask, inside), (0, 0), 1.0)[..., None] / np.float32(255)
    return np.asarray(np.rint(image * (1 - share) + theirs * share), np.uint8)


def outline(keypoints: Floats, size: tuple[int, int]) -> NDArray[np.uint8]:
    """255 where the body of (19, 3) keypoints is, in an image of `size` (width, height).

    All 0 where fewer than `ENOUGH` keypoints or not the whole torso are labelled.
    """
    mask = np.zeros((size[1], size[0]), np.uint8)
    known = keypoints[:, 2] > 0
    if known.sum() < ENOUGH or not known[list(_TORSO)].all():
        return mask
    points = keypoints[:, :2].astype(np.float64)
    shoulders, hips = points[list(_TORSO[:2])].mean(0), points[list(_TORSO[2:])].mean(0)
    torso = max(float(np.hypot(*(shoulders - hips))), 4.0)
    if torso > 4 * max(size):  # a label outside every picture
        return mask
    cells = np.rint(np.clip(points, -4 * max(size), 5 * max(size))).astype(np.int32)
    cv2.fillConvexPoly(mask, cv2.convexHull(cells[list(_TORSO)]), 255)
    width = max(2, round(LIMB * torso * 2))
    for first, second in FSPOSE_19.limbs:
        if known[first] and known[second]:
            start, end = cells[first].tolist(), cells[second].tolist()
            cv2.line(mask, start, end, 255, width, cv2.LINE_AA)
    head = [n for n, name in enumerate(FSPOSE_19.keypoints) if name in _HEAD and known[n]]
    if head:
        middle = np.rint(cells[head].mean(0)).astype(int).tolist()
        cv2.circle(mask, middle, max(2, round(HEAD * torso)), 255, -1, cv2.LINE_AA)
    return mask


_HEAD = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top", "head_bottom")
