"""FCPose: one stage, a small network of its own for every person found; needs weights.

How it works, where weights come from and under which licence: docs/backends/fcpose.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from data.errors import WeightsError
from data.frame import Image
from data.pose import Box, Pose
from data.skeleton import COCO_17, Skeleton
from models import detectron, layouts
from models.backends import _options
from models.networks import fcpose
from models.networks.fcos import strongest
from models.networks.fcpose import FCPose, People
from models.preprocess import padded_bgr, padded_size, shorter_side_to
from models.weights import read_with_versions

NAME = "fcpose"
SIZES = {3: (512, 736), 5: (800, 1333)}  # by the number of levels: shorter side, longest side
PIXEL_CENTER = 0.5  # continuous coordinates to COCO's, whose whole numbers are pixels' centres


@dataclass(frozen=True, slots=True)
class Settings:
    """How images are read and who is handed out; `build` says what each means."""

    side: int
    longest: int
    scales: tuple[float, ...]
    flip: bool
    least_score: float
    overlap: float
    most_people: int


class Seen(NamedTuple):
    """People of one image in one view, in pixels of the image and continuous coordinates.

    `boxes` (n, 4) left, top, right, bottom, clipped; `points` (n, K, 2); `point_scores` (n, K).
    """

    boxes: Tensor
    scores: Tensor
    points: Tensor
    point_scores: Tensor


class OneStagePeople:
    """A `PoseBackend` around FCPose, one image or many at a time."""

    skeleton: Skeleton = COCO_17

    def __init__(self, network: FCPose, device: str, settings: Settings) -> None:
        self._network = network.to(device).eval()
        self._device, self._settings = device, settings

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
            for mirrored in (False, True)[: 1 + self._settings.flip]:
                views = {number: self._view(images[number], scale, mirrored) for number in present}
                for group in _of_one_raster(views):
                    found = self._people([views[number] for number in group])
                    for number, people in zip(group, found, strict=True):
                        size = views[number].shape[1::-1]
                        one = in_image(people, size, images[number].shape[1::-1])
                        seen[number].append(self._turned(one, images[number]) if mirrored else one)
        return [as_poses(self._together(views)) if views else [] for views in seen]

    def _view(self, image: Image, scale: float, mirrored: bool) -> Image:
        wanted = self._settings
        side, longest = (max(1, round(scale * n)) for n in (wanted.side, wanted.longest))
        view = shorter_side_to(image, side, longest=longest)
        return view[:, ::-1] if mirrored else view

    def _people(self, views: Sequence[Image]) -> Iterator[People]:
        with torch.inference_mode():
            answer = self._network(padded_bgr(views, self._device))
            for number in range(len(views)):
                yield self._network.people(
                    answer,
                    number,
                    least_score=self._settings.least_score,
                    overlap=self._settings.overlap,
                    most_people=self._settings.most_people,
                )

    def _turned(self, seen: Seen, image: Image) -> Seen:
        """People of a mirrored image in the image as it is."""
        width, mirror = image.shape[1], list(self.skeleton.mirror)
        left, top, right, bottom = seen.boxes.unbind(1)
        points = seen.points[:, mirror] * seen.points.new_tensor([-1, 1])
        return Seen(
            torch.stack([width - right, top, width - left, bottom], 1),
            seen.scores,
            points + points.new_tensor([width, 0]),
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


def _of_one_raster(views: dict[int, Image]) -> Iterator[list[int]]:
    """The numbers of the views, those together that are padded to one size."""

    def size(number: int) -> tuple[int, int]:
        return padded_size(views[number])

    for _, group in groupby(sorted(views, key=size), key=size):
        yield list(group)


def in_image(people: People, read: tuple[int, int], size: tuple[int, int]) -> Seen:
    """People of an image that was read at one size, (width, height), in the size it has.

    Boxes are clipped to the image, keypoints are not; boxes of which nothing is left go.
    """
    found, keypoints = people
    scale = found.boxes.new_tensor([size[0] / read[0], size[1] / read[1]])
    limit = found.boxes.new_tensor(size)
    corners = (found.boxes.view(-1, 2, 2) * scale).clamp(min=0).minimum(limit)
    there = (corners[:, 1] > corners[:, 0]).all(1)
    points = keypoints.points * scale
    seen = Seen(corners.flatten(1), found.scores, points, keypoints.scores)
    return Seen(*(part[there].cpu() for part in seen))


def as_poses(seen: Seen) -> list[Pose]:
    """As the published code hands them out: keypoints half a pixel to the left and up.

    It was taught on COCO's whole numbers plus a half. A keypoint's score is the share of its map's
    soft-max around the peak (`fcpose_head.read_keypoints`), the pose's is the box's.
    """
    points = (seen.points - PIXEL_CENTER).numpy().astype(np.float32)
    boxes, scores = seen.boxes.tolist(), seen.scores.tolist()
    rows = zip(boxes, scores, points, seen.point_scores.numpy(), strict=True)
    return [
        Pose(keypoints, sure, Box(left, top, right, bottom, score), score)
        for (left, top, right, bottom), score, keypoints, sure in rows
    ]


def build(
    weights: Path | None,
    device: str,
    *,
    variant: str = "auto",
    least_score: float = 0.05,
    overlap: float = 0.6,
    most_people: int = 100,
    side: int | None = None,
    longest: int | None = None,
    scales: str = "1",
    flip: bool = False,
) -> OneStagePeople:
    """FCPose with the settings it was published with; random numbers where `weights` is None.

    `variant` is r50, r101, dla34 or dla34-shared; with auto it is what the checkpoint holds, r50
    without one. Cells that are a person's with less than `least_score` are not looked at; what
    remains is scored by the root of that times how much in a box's middle the cell lies.
    `overlap` is the IoU above which the weaker of two boxes goes. `side` and `longest` are the
    pixels that an image's shorter side is brought to and the longer may have (the variant's own:
    800 and 1333, or 512 and 736 for dla34). `scales` reads every image at several multiples of
    that, `flip` also mirrored; neither is part of the published method. Raises ConfigError for
    an option out of range, WeightsError for a checkpoint of another network.
    """
    _options.check_choice(NAME, "variant", variant, ("auto", *fcpose.VARIANTS))
    _options.check(NAME, "least_score", least_score, 0, 1)
    _options.check(NAME, "overlap", overlap, 0, 1)
    _options.check(NAME, "most_people", most_people, 1, 1000)
    _options.check(NAME, "side", side, 32, 4000)
    _options.check(NAME, "longest", longest, 32, 8000)
    network = _network(weights, variant)
    own_side, own_longest = SIZES[len(network.strides)]
    settings = Settings(
        side=own_side if side is None else side,
        longest=own_longest if longest is None else longest,
        scales=_options.numbers(NAME, "scales", scales),
        flip=flip,
        least_score=least_score,
        overlap=overlap,
        most_people=most_people,
    )
    return OneStagePeople(network, device, settings)


def _network(path: Path | None, variant: str) -> FCPose:
    """The variant asked for, with the checkpoint's numbers."""
    asked = "r50" if variant == "auto" else variant
    if path is None:
        return fcpose.VARIANTS[asked](len(COCO_17))
    entries, versions = read_with_versions(path)
    found = layouts.fcpose_arguments(entries)
    with torch.device("meta"):
        if variant == "auto" and found is not None:
            network = fcpose.of_arguments(**found)
        else:
            network = fcpose.VARIANTS[asked](len(COCO_17))
    detectron.fit(network, entries, versions, path, fcpose.RENAMES)
    if network.keypoints != len(COCO_17):
        raise WeightsError(
            f"{path} holds FCPose for {network.keypoints} keypoints; COCO's {len(COCO_17)} are "
            "known here."
        )
    return network.float()
