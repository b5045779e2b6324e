"""Finder: the person finder's door; an image goes in, boxes of people come out."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import nn
from torchvision.ops import nms

from data.frame import Image
from data.pose import Box
from models.preprocess import normalised


class Finder:
    """Finds people with a FinderNet on a reduced image.

    The image is scaled so that its longer side has `side` pixels, which is near the size of the
    pictures the network was trained on, and filled up with grey to multiples of 32.
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
    ) -> None:
        self._network = network.to(device).eval()
        self._side, self._least_score = side, least_score
        self._overlap, self._most, self._device = overlap, most, device

    def find(self, image: Image) -> list[Box]:
        """People of an RGB image (h, w, 3), best first, in its pixels and clipped to it."""
        height, width = image.shape[:2]
        if min(height, width) == 0:
            return []
        share = self._side / max(height, width)
        size = (max(1, round(width * share)), max(1, round(height * share)))
        way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
        small = cv2.resize(image, size, interpolation=way)
        field = np.full((-(-size[1] // 32) * 32, -(-size[0] // 32) * 32, 3), 114, np.uint8)
        field[: size[1], : size[0]] = small
        with torch.inference_mode():
            found = self._network(normalised([field], self._device))
            score = found.quality[0].sigmoid()
            kept = score >= self._least_score
            score, boxes = score[kept], found.boxes[0][kept]
            order = nms(boxes, score, self._overlap)[: self._most]
            score, boxes = score[order].cpu(), boxes[order].cpu()
        zoom = np.array([size[0] / width, size[1] / height] * 2)
        limit = [width, height] * 2
        corners = np.clip(boxes.numpy() / zoom, 0, limit)
        return [
            Box(float(box[0]), float(box[1]), float(box[2]), float(box[3]), float(value))
            for box, value in zip(corners, score.numpy(), strict=True)
        ]
