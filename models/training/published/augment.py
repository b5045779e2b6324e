"""The published augmentation of a person's crop: order and odds of FSPose specification 1.6."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.crop import PIXELS_PER_SCALE, Crop
from data.frame import Image
from data.json_fields import Doubles
from data.pose import Floats
from data.skeleton import POSETRACK_17
from models.training.published.people import Subject

UPPER = 11  # keypoints 0 to 10 are of the upper body, the others of the lower one
_MIRROR = list(POSETRACK_17.mirror)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far crops vary; the defaults are the published experiments'. Zeros vary nothing."""

    half_body: float = 0.3
    """The odds of a crop of half the body, of people with more than `visible` keypoints."""
    visible: int = 8
    scale: float = 0.35
    rotation: float = 45.0
    """Degrees; the standard deviation, drawn in six of ten crops."""
    rotated: float = 0.6
    flipped: float = 0.5


NONE = Augmentation(half_body=0, scale=0, rotated=0, flipped=0)
"""Every crop as it is cut in use."""


@dataclass(frozen=True, slots=True)
class View:
    """A crop of an image, or of the mirrored image."""

    crop: Crop
    flipped: bool = False

    def shown(self, image: Image, keypoints: Doubles) -> tuple[Image, Floats]:
        """The cut image, and keypoints (17, 2) in its pixels, in the order of what is seen."""
        if self.flipped:
            image = np.ascontiguousarray(image[:, ::-1])
            keypoints = keypoints.copy()
            keypoints[:, 0] = image.shape[1] - keypoints[:, 0] - 1
            keypoints = keypoints[_MIRROR]
        return self.crop.cut(image), self.crop.from_image(keypoints.astype(np.float32))

    def weights(self, visible: Doubles) -> Floats:
        """(17,) flags in the same order."""
        return np.asarray(visible[_MIRROR] if self.flipped else visible, np.float32)


def view(
    subject: Subject,
    size: tuple[int, int],
    width: int,
    odds: Augmentation,
    rng: np.random.Generator,
) -> View:
    """A person's view of `size` (width, height), drawn; `width` is the whole image's."""
    crop = _half_body(subject, size, odds, rng) or subject.crop(size)
    zoom = np.clip(rng.standard_normal() * odds.scale + 1, 1 - odds.scale, 1 + odds.scale)
    scale = crop.scale[0] * float(zoom), crop.scale[1] * float(zoom)
    angle = float(np.clip(rng.standard_normal() * odds.rotation, *_limits(odds.rotation)))
    rotation = angle if rng.random() < odds.rotated else 0.0
    flipped = bool(rng.random() < odds.flipped)
    x, y = crop.center
    center = (width - x - 1, y) if flipped else (x, y)
    return View(replace(crop, center=center, scale=scale, rotation=rotation), flipped)


def _limits(rotation: float) -> tuple[float, float]:
    return -2 * rotation, 2 * rotation


def _half_body(
    subject: Subject, size: tuple[int, int], odds: Augmentation, rng: np.random.Generator
) -> Crop | None:
    """Sometimes the crop of the upper or the lower body, where enough of the person is visible."""
    known = subject.visible > 0
    if known.sum() <= odds.visible or rng.random() >= odds.half_body:
        return None
    points = subject.keypoints
    upper, lower = points[:UPPER][known[:UPPER]], points[UPPER:][known[UPPER:]]
    # A normal draw against 0.5, as published: the upper body in 69 of 100.
    wants_upper = rng.standard_normal() < 0.5 and len(upper) > 2
    chosen = upper if wants_upper or len(lower) <= 2 else lower
    if len(chosen) < 2:
        return None
    width, height = chosen.max(0) - chosen.min(0)
    aspect = size[0] / size[1]
    if width > aspect * height:
        height = width / aspect
    elif width < aspect * height:
        width = height * aspect
    scale = np.array([width, height], np.float32) / PIXELS_PER_SCALE * 1.5
    center = chosen.mean(0)
    return Crop((float(center[0]), float(center[1])), (float(scale[0]), float(scale[1])), size)
