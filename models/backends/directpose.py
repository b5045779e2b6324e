"""DirectPose: one stage, every cell points at a person's keypoints; needs weights.

How it works, where weights come from and under which licence: docs/backends/directpose.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data.errors import WeightsError
from data.frame import Image
from data.pose import Pose
from models import detectron, layouts
from models.backends import _options
from models.backends._network import check_keypoints
from models.backends._views import PeopleInViews, Seen, Settings, pose_around
from models.networks import directpose
from models.networks.directpose import DirectPose, Level
from models.networks.fcos import best_cells, level_points, strongest
from models.preprocess import (
    CAFFE_BGR_MEAN,
    padded_bgr,
    padded_rgb,
    padded_size,
    shorter_side_first,
    shorter_side_to,
)
from models.weights import read, renamed

NAME = "directpose"
SIDE, LONGEST = 800, 1333
MOST_CANDIDATES = 1000  # of a level


class Rules(NamedTuple):
    """In what the original and GluonCV's re-training differ beside the network.

    A person scores class times centre-ness to the power of `power`; `overlap` is what they have
    as NMS threshold. Where `pixel` is 1, coordinates are whole numbers at pixels' centres, so the
    last one is width - 1 and a box counts its last pixels too; where it is 0 they are continuous.
    """

    power: float
    overlap: float
    pixel: float


ORIGINAL, GLUONCV = Rules(1.0, 0.4, 1.0), Rules(0.5, 0.6, 0.0)


class PointedAtPeople(PeopleInViews):
    """A `PoseBackend` around DirectPose, one image or many at a time.

    GluonCV's network says of each keypoint whether it is visible, which is its score, 0..1. The
    original says nothing: each keypoint has its pose's score. A person's box is put around the
    keypoints and grown by a fifth.
    """

    def __init__(self, network: DirectPose, device: str, settings: Settings) -> None:
        super().__init__(settings)
        self._gluoncv = directpose.is_gluoncvs(network)
        self._rules = GLUONCV if self._gluoncv else ORIGINAL
        self.last_pixel = self._rules.pixel
        self.pixel_center = (1 - self._rules.pixel) / 2
        self._network = network.to(device).eval()
        self._device = device

    def _view(self, image: Image, scale: float) -> Image:
        side, longest = self._settings.size(scale)
        bring = shorter_side_to if self._gluoncv else shorter_side_first
        return bring(image, side, longest=longest)

    def _raster(self, view: Image, scale: float) -> tuple[int, ...]:
        return padded_size(view)

    def _seen(self, views: Sequence[Image], scale: float) -> Iterator[Seen]:
        if self._gluoncv:
            images = padded_rgb(views, self._device)
        else:
            images = padded_bgr(views, self._device, CAFFE_BGR_MEAN)
        levels = self._network(images)
        for number, view in enumerate(views):
            yield people_of(levels, number, view.shape[1::-1], self._rules, self._settings)

    def _poses(self, seen: Seen, image: Image) -> list[Pose]:
        points = (seen.points - self.pixel_center).numpy().astype(np.float32)
        rows = zip(points, seen.point_scores.numpy(), seen.scores.tolist(), strict=True)
        return [pose_around(*row, image) for row in rows]


def people_of(
    levels: Sequence[Level], image: int, size: Sequence[int], rules: Rules, wanted: Settings
) -> Seen:
    """The people of one image of a batch, best first, in pixels of the input.

    `size` is the image's (width, height) before padding. Boxes are those around the keypoints, in
    continuous coordinates and clipped; of two that overlap by more than allowed the weaker goes.
    DirectPose specification 7.
    """
    scores, points, visible = [], [], []
    for level, stride in zip(levels, directpose.STRIDES, strict=True):
        cells, quality = best_cells(
            level, image, least_score=wanted.least_score, most=MOST_CANDIDATES
        )
        vectors = level.vectors[image].flatten(1).T[cells].float()
        steps = vectors.view(len(cells), vectors.shape[1] // 2, 2) * stride
        points.append(level_points(level, stride)[cells, None] + steps)
        scores.append(quality**rules.power)
        visible.append(level.visible[image].flatten(1).T[cells].float())
    found = torch.cat(points)
    score, seen = torch.cat(scores), torch.cat(visible)
    boxes = hulls(found, size, rules.pixel)
    kept = strongest(boxes, score, overlap=wanted.overlap, most=wanted.most_people)
    sure = seen.sigmoid() if seen.shape[1] else score[:, None].expand(found.shape[:2])
    return Seen(boxes[kept], score[kept], found[kept], sure[kept])


def hulls(points: Tensor, size: Sequence[int], pixel: float) -> Tensor:
    """(n, 4) left, top, right, bottom around points (n, K, 2), within an image of `size`.

    Whole pixels belong to them where `pixel` is 1: their right and bottom edges are theirs.
    """
    last = points.new_tensor(size) - pixel
    low, high = (corner.clamp(min=0).minimum(last) for corner in (points.amin(1), points.amax(1)))
    return torch.cat([low, high + pixel], 1)


def build(
    weights: Path | None,
    device: str,
    *,
    variant: str = "auto",
    least_score: float = 0.05,
    overlap: float | None = None,
    most_people: int = 100,
    side: int = SIDE,
    longest: int = LONGEST,
    scales: str = "1",
    flip: bool = False,
) -> PointedAtPeople:
    """DirectPose with the settings it was published with; random numbers where `weights` is None.

    `variant` is original or gluoncv; with auto it is what the checkpoint holds, original without
    one. Cells that are a person's with less than `least_score` are not looked at. `overlap` is the
    IoU of the boxes around the keypoints above which the weaker of two people goes (the variant's
    own: 0.4, or 0.6 for gluoncv). `side` and `longest` are the pixels that an image's shorter side
    is brought to and the longer may have. `scales` reads every image at several multiples of that,
    `flip` also mirrored. Raises ConfigError for an option out of range, WeightsError for a
    checkpoint of another network.
    """
    _options.check_choice(NAME, "variant", variant, ("auto", *directpose.VARIANTS))
    _options.check_usual(
        NAME,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
        side=side,
        longest=longest,
    )
    several = _options.numbers(NAME, "scales", scales)
    network = trained(weights, variant) if weights else _untrained(variant)
    own = GLUONCV if directpose.is_gluoncvs(network) else ORIGINAL
    settings = Settings(
        side=side,
        longest=longest,
        scales=several,
        flip=flip,
        least_score=least_score,
        overlap=own.overlap if overlap is None else overlap,
        most_people=most_people,
    )
    return PointedAtPeople(network, device, settings)


def trained(path: Path, variant: str = "auto") -> DirectPose:
    """The network that a checkpoint holds, of whichever width, under any of the known names.

    `variant` must be the file's where it is not auto. Raises WeightsError.
    """
    entries = renamed(read(path), directpose.RENAMES, path)
    found = layouts.directpose_arguments(entries)
    if found is not None:
        check_keypoints(found["keypoints"], "DirectPose", path)
    with torch.device("meta"):
        network = _untrained(variant) if found is None else directpose.of_arguments(**found)
    own = "gluoncv" if directpose.is_gluoncvs(network) else "original"
    if variant not in ("auto", own):
        raise WeightsError(
            f"{path} holds the variant {own}, not {variant}. Leave the option variant out, or "
            "give another checkpoint."
        )
    detectron.fit(network, entries, {}, path)
    return network.float()


def _untrained(variant: str) -> DirectPose:
    return directpose.VARIANTS["original" if variant == "auto" else variant]()
