"""Finder: the person finder's door; an image goes in, boxes of people come out.

A box looks like a person to a small detector more often than there is one. Reading the keypoints
in it is the second opinion: where nobody is, the pose nets' scores are low.
"""

from __future__ import annotations

import copy
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import nn

from data.frame import Image
from data.pose import Box, Floats
from models.decode import decode
from models.ops.box_nms import box_nms
from models.preprocess import normalised
from models.runtimes.passes import Placing
from models.runtimes.ranges import RangesOf
from models.topdown import TopDown

SURE = 0.2  # a keypoint's score from which it helps to place the box
ENOUGH = 8  # such keypoints
MARGIN = 0.1  # a body reaches further than its keypoints, by about so much of their extent
BY_POSE = 0.2  # the pose's part in the box


class Finder:
    """Finds people with a FinderNet on a reduced image.

    The image is scaled so that its longer side has `side` pixels, which is near the size of the
    pictures the network was trained on, and filled up with grey to multiples of 32. `ranges` looks
    for what int8 needs.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        side: int,
        least_score: float,
        overlap: float,
        most: int,
        device: torch.device | str,
        ranges: RangesOf | None = None,
    ) -> None:
        self._network = network.to(device).eval()
        self.ranges = ranges
        self._side, self._least_score = side, least_score
        self._overlap, self._most, self._device = overlap, most, device

    @property
    def network(self) -> nn.Module:
        """What runs on the reduced image."""
        return self._network

    @property
    def notes(self) -> dict[str, float]:
        """Its settings, under their names in a bundled file's header (`models/zoo.py`)."""
        return {
            "side": self._side,
            "least_candidate": self._least_score,
            "overlap": self._overlap,
        }

    def placed(self, placing: Placing) -> Finder:
        """The same with its network's passes where `placing` puts them."""
        other = copy.copy(self)
        other._network = placing(self._network, self.ranges)
        return other

    def reduced(self, image: Image) -> Image:
        """What the network sees of an RGB image (h, w, 3), both sides at least 1."""
        size = self._size(image)
        way = cv2.INTER_AREA if self._side < max(image.shape[:2]) else cv2.INTER_LINEAR
        field = np.full((-(-size[1] // 32) * 32, -(-size[0] // 32) * 32, 3), 114, np.uint8)
        field[: size[1], : size[0]] = cv2.resize(image, size, interpolation=way)
        return field

    def _size(self, image: Image) -> tuple[int, int]:
        """(width, height) of the reduced image, without what it is filled up with."""
        height, width = image.shape[:2]
        share = self._side / max(height, width)
        return max(1, round(width * share)), max(1, round(height * share))

    def find(self, image: Image) -> list[Box]:
        """People of an RGB image (h, w, 3), best first, in its pixels and clipped to it."""
        height, width = image.shape[:2]
        if min(height, width) == 0:
            return []
        size = self._size(image)
        with torch.inference_mode():
            found = self._network(normalised([self.reduced(image)], self._device))
            score = found.quality[0].sigmoid()
            kept = score >= self._least_score
            scores, boxes = score[kept].cpu().numpy(), found.boxes[0][kept].cpu().numpy()
        order = box_nms(boxes, scores, self._overlap)[: self._most]
        zoom = np.array([size[0] / width, size[1] / height] * 2)
        limit = [width, height] * 2
        corners = np.clip(boxes[order] / zoom, 0, limit)
        return [
            Box(float(box[0]), float(box[1]), float(box[2]), float(box[3]), float(value))
            for box, value in zip(corners, scores[order], strict=True)
        ]


class CheckedFinder:
    """A finder into whose boxes a pose net has looked.

    A box's score is multiplied by the root of its keypoints' mean score, and its sides move a
    little toward the pose; `benchmarks/heldout.py` prints what that is worth. `least_score` is
    compared with the new score. `finder` is the one that is checked.
    """

    def __init__(
        self, finder: Finder, net: TopDown, *, least_score: float, overlap: float, most: int
    ) -> None:
        self.finder, self._net = finder, net
        self._least_score, self._overlap, self._most = least_score, overlap, most

    @property
    def notes(self) -> dict[str, float]:
        """As those of the finder, with the score that a checked box needs."""
        return {**self.finder.notes, "least_score": self._least_score}

    def placed(self, placing: Placing) -> CheckedFinder:
        """The same with both networks' passes where `placing` puts them."""
        other = copy.copy(self)
        other.finder, other._net = self.finder.placed(placing), self._net.placed(placing)
        return other

    def candidates(self, image: Image) -> list[Box]:
        """The finder's boxes that are worth a look: a look can only lower a score."""
        return [box for box in self.finder.find(image) if box.score >= self._least_score]

    def find(self, image: Image) -> list[Box]:
        """People of an RGB image (h, w, 3), best first, in its pixels."""
        boxes = self.candidates(image)
        if not boxes:
            return []
        poses = decode(self._net.heatmaps(image, boxes))
        checked = [
            _checked(box, points, np.clip(scores / self._net.peak, 0, 1))
            for box, (points, scores) in zip(boxes, poses, strict=True)
        ]
        sure = [box for box in checked if box.score >= self._least_score]
        if not sure:
            return []
        corners = np.array([[box.left, box.top, box.right, box.bottom] for box in sure])
        order = box_nms(corners, np.array([box.score for box in sure]), self._overlap)
        return [sure[place] for place in order[: self._most]]


def _checked(box: Box, points: Floats, scores: Floats) -> Box:
    """The box by what a net saw in it: (J, 2) keypoints and their scores (J,)."""
    score = box.score * float(scores.mean()) ** 0.5
    seen = points[scores > SURE]
    if len(seen) < ENOUGH:
        return replace(box, score=score)
    low, high = seen.min(0), seen.max(0)
    reach = (high - low) * MARGIN
    (left, top), (right, bottom) = (low - reach).tolist(), (high + reach).tolist()
    own, pose = 1 - BY_POSE, BY_POSE
    return Box(
        own * box.left + pose * left,
        own * box.top + pose * top,
        own * box.right + pose * right,
        own * box.bottom + pose * bottom,
        score,
    )
