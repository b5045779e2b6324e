"""Images read in several views, at several sizes and mirrored, and what is seen put together.

Shared by the backends whose network says boxes, scores and keypoints of each person; the views
beside the plain one are ours, no published method has them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data.frame import Image
from data.pose import Box, Floats, Pose
from data.posetrack import box_around
from data.skeleton import COCO_17, Skeleton
from models.networks.fcos import strongest
from models.preprocess import padded_size, shorter_side_to

PIXEL_CENTER = 0.5  # continuous coordinates to COCO's, whose whole numbers are pixels' centres


@dataclass(frozen=True, slots=True)
class Settings:
    """How images are read and who is handed out.

    `side` and `longest` are the pixels that an image's shorter side is brought to and the longer
    may have; `scales` are multiples of both. Of people who overlap by more than an IoU of `overlap`
    one remains.
    """

    side: int
    longest: int
    scales: tuple[float, ...]
    flip: bool
    least_score: float
    overlap: float
    most_people: int

    def size(self, scale: float) -> tuple[int, int]:
        """The shorter side and the longest of a view."""
        side, longest = (max(1, round(scale * n)) for n in (self.side, self.longest))
        return side, longest


class Seen(NamedTuple):
    """People of one image in one view, in pixels of the image.

    `boxes` (n, 4) left, top, right, bottom in continuous coordinates, clipped; `points` (n, K, 2)
    in the network's own coordinates; `point_scores` (n, K).
    """

    boxes: Tensor
    scores: Tensor
    points: Tensor
    point_scores: Tensor


class PeopleInViews(ABC):
    """A `PoseBackend` that reads every image in the views of its settings.

    `pixel_center` is where the network takes a pixel's middle to be, which is taken off: those of
    detectron2 are taught on COCO's whole numbers plus a half. `last_pixel` is how far before a
    view's width its keypoints' x = 0 comes to lie when it is mirrored: 0, or 1 where whole numbers
    are pixels' middles there too.
    """

    skeleton: Skeleton = COCO_17
    pixel_center: float = 0.5
    last_pixel: float = 0.0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def poses(self, image: Image) -> list[Pose]:
        """The people of one RGB image (h, w, 3), best first."""
        return self.batch([image])[0]

    def batch(self, images: Sequence[Image]) -> list[list[Pose]]:
        """The people of several RGB images of any sizes, each image's best first.

        Images that fill the same raster go through the network together. Others do not, because
        what is added around an image changes its answer: nobody's poses depend on the company.
        """
        seen: list[list[Seen]] = [[] for _ in images]
        present = [number for number, image in enumerate(images) if image.size]
        for scale in self._settings.scales:
            views = {number: self._view(images[number], scale) for number in present}
            for mirrored in (False, True)[: 1 + self._settings.flip]:
                for group in self._alike(views, scale):
                    alike = [views[number] for number in group]
                    with torch.inference_mode():
                        turned = [view[:, ::-1] for view in alike] if mirrored else alike
                        found = list(self._seen(turned, scale))
                    for number, one in zip(group, found, strict=True):
                        view, image = views[number], images[number]
                        own = self._turned(one, view) if mirrored else one
                        seen[number].append(in_image(own, view.shape[1::-1], image.shape[1::-1]))
        return [
            self._poses(self._together(views), image) if views else []
            for views, image in zip(seen, images, strict=True)
        ]

    @abstractmethod
    def _view(self, image: Image, scale: float) -> Image:
        """What an image is read as."""

    @abstractmethod
    def _raster(self, view: Image, scale: float) -> tuple[int, ...]:
        """The size that the network's input has then; those of equal ones may share a batch."""

    @abstractmethod
    def _seen(self, views: Sequence[Image], scale: float) -> Iterator[Seen]:
        """The people of each view of one raster, in the view's pixels."""

    def _alike(self, views: dict[int, Image], scale: float) -> Iterator[list[int]]:
        """The numbers of the views, those of one raster together."""
        rasters = {number: self._raster(view, scale) for number, view in views.items()}
        for _, group in groupby(sorted(rasters, key=rasters.__getitem__), rasters.__getitem__):
            yield list(group)

    def _poses(self, seen: Seen, image: Image) -> list[Pose]:
        """People of an image as they are handed out."""
        return as_poses(seen, self.pixel_center)

    def _turned(self, seen: Seen, view: Image) -> Seen:
        """People of a mirrored view in the view as it is."""
        width, mirror = view.shape[1], list(self.skeleton.mirror)
        left, top, right, bottom = seen.boxes.unbind(1)
        points = seen.points[:, mirror] * seen.points.new_tensor([-1, 1])
        return Seen(
            torch.stack([width - right, top, width - left, bottom], 1),
            seen.scores,
            points + points.new_tensor([width - self.last_pixel, 0]),
            seen.point_scores[:, mirror],
        )

    def _together(self, views: Sequence[Seen]) -> Seen:
        """Of a person who was seen in several views the one with the best score remains."""
        if len(views) == 1:
            return views[0]
        every = Seen(*(torch.cat(parts) for parts in zip(*views, strict=True)))
        wanted = self._settings
        kept = strongest(every.boxes, every.scores, overlap=wanted.overlap, most=wanted.most_people)
        return Seen(*(part[kept] for part in every))


class PaddedPeople(PeopleInViews):
    """Images brought to size, blue before red, and filled up with zeros, as detectron2 does."""

    def _view(self, image: Image, scale: float) -> Image:
        side, longest = self._settings.size(scale)
        return shorter_side_to(image, side, longest=longest)

    def _raster(self, view: Image, scale: float) -> tuple[int, ...]:
        return padded_size(view)


def in_image(seen: Seen, read: Sequence[int], size: Sequence[int]) -> Seen:
    """People of an image that was read at one size, (width, height), in the size it has.

    Boxes are clipped to the image, keypoints are not; boxes of which nothing is left go.
    """
    scale = seen.boxes.new_tensor([size[0] / read[0], size[1] / read[1]])
    limit = seen.boxes.new_tensor(size)
    corners = (seen.boxes.view(-1, 2, 2) * scale).clamp(min=0).minimum(limit)
    there = (corners[:, 1] > corners[:, 0]).all(1)
    moved = Seen(corners.flatten(1), seen.scores, seen.points * scale, seen.point_scores)
    return Seen(*(part[there].cpu() for part in moved))


def pose_around(points: Floats, scores: Floats, score: float, image: Image) -> Pose:
    """A person without a box of its own, which is put around the keypoints.

    It is a fifth larger than they are, lies within the image and has a pixel at least.
    """
    height, width = image.shape[:2]
    around = box_around(points)
    left, top = min(max(around.left, 0.0), width - 1.0), min(max(around.top, 0.0), height - 1.0)
    right, bottom = min(around.right, float(width)), min(around.bottom, float(height))
    box = Box(left, top, max(right, left + 1), max(bottom, top + 1), score)
    return Pose(points, scores, box, score)


def as_poses(seen: Seen, pixel_center: float = PIXEL_CENTER) -> list[Pose]:
    """People in COCO's coordinates; the pose's score is the box's.

    `pixel_center` is where the network takes a pixel's middle to be: those of detectron2 are taught
    on COCO's whole numbers plus a half.
    """
    points = (seen.points - pixel_center).numpy().astype(np.float32)
    boxes, scores = seen.boxes.tolist(), seen.scores.tolist()
    rows = zip(boxes, scores, points, seen.point_scores.numpy(), strict=True)
    return [
        Pose(keypoints, sure, Box(left, top, right, bottom, score), score)
        for (left, top, right, bottom), score, keypoints, sure in rows
    ]
