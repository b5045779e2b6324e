"""A network of the scheme with its head, as it is exported, and inputs to try it on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from data.frame import Image
from data.pose import Box, Floats
from models.finder import Finder
from models.preprocess import normalised
from models.runtimes.base import Session
from models.runtimes.drift import Drift, Reading, between, of_boxes, of_maps
from models.topdown import TopDown
from models.warp import Warp

BATCHES = (1, 8, 3)  # sizes of batch by turns, so that an export bound to one of them shows
SHIFT = 0.04  # of a box's width, between the two maps that a transfer network is tried on
GREY = 114

Kind = Literal["topdown", "transfer", "finder"]

Picture = tuple[Image, Sequence[Box]]
"""An image and the boxes of its people."""


class Headed(nn.Module):
    """A top-down network and its head: images to maps."""

    def __init__(self, net: TopDown) -> None:
        super().__init__()
        self._network, self._head = net.network, net.head
        self.eval()  # exporters put a network back into the mode it was in

    def forward(self, images: Tensor) -> Tensor:
        return self._head(self._network(images))


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A network, the names of its inputs, samples of each (N, ...), and how outputs are read.

    `notes` are what else its door must know, where an exported file is all there is.
    """

    kind: Kind
    network: nn.Module
    inputs: tuple[str, ...]
    samples: tuple[Floats, ...]
    read: Callable[[Sequence[Floats]], Reading]
    notes: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the inputs, without the batch."""
        return tuple(tuple(sample.shape[1:]) for sample in self.samples)

    def drift(self, session: Session) -> Drift:
        """How far a session's answers to the samples lie from the network's own in torch.

        ValueError where they differ in shape.
        """
        return between(self.read(self._all(self.reference)), self.read(self._all(session)))

    def reference(self, inputs: Sequence[Floats]) -> list[Floats]:
        """The network's own answers."""
        with torch.inference_mode():
            output = self.network(*(torch.from_numpy(entry) for entry in inputs))
        tensors = (output,) if isinstance(output, Tensor) else output
        return [tensor.float().numpy() for tensor in tensors]

    def _all(self, session: Session) -> list[Floats]:
        """Answers to every sample, in batches of several sizes."""
        parts, start, turn = [], 0, 0
        while start < len(self.samples[0]):
            end = start + BATCHES[turn % len(BATCHES)]
            parts.append(session([sample[start:end] for sample in self.samples]))
            start, turn = end, turn + 1
        return [np.concatenate(answers) for answers in zip(*parts, strict=True)]


def of_topdown(net: TopDown, pictures: Sequence[Picture]) -> Whole:
    """Normalised crops to maps, whose ideal peak is `net.peak`."""
    cuts = [crop.cut(image) for image, boxes in pictures for crop in net.crops(boxes)]
    images = normalised(cuts, "cpu").contiguous().numpy()
    notes: dict[str, str | float] = {
        "skeleton": net.skeleton.name,
        "padding": net.padding,
        "peak": net.peak,
    }
    read = functools.partial(of_maps, peak=net.peak)
    return Whole("topdown", Headed(net), ("images",), (images,), read, notes)


def of_warp(warp: Warp, net: TopDown, pictures: Sequence[Picture]) -> Whole:
    """Current and reference maps to carried ones; tried on the slow net's maps of moved boxes."""
    current = np.concatenate([_maps(net, image, boxes) for image, boxes in pictures])
    reference = np.concatenate([_maps(net, image, map(_moved, boxes)) for image, boxes in pictures])
    samples = current, reference
    return Whole("transfer", warp.network, ("current", "reference"), samples, of_maps)


def of_finder(finder: Finder, pictures: Sequence[Picture], size: tuple[int, int]) -> Whole:
    """Normalised images of `size` (width, height), multiples of 32, to logits and boxes."""
    fields = [_field(image, size) for image, _ in pictures]
    images = normalised(fields, "cpu").contiguous().numpy()
    return Whole("finder", finder.network, ("images",), (images,), of_boxes)


def _maps(net: TopDown, image: Image, boxes: Sequence[Box] | map[Box]) -> Floats:
    return np.stack([one.maps for one in net.heatmaps(image, list(boxes))])


def _moved(box: Box) -> Box:
    by = SHIFT * (box.right - box.left)
    return replace(box, left=box.left + by, right=box.right + by)


def _field(image: Image, size: tuple[int, int]) -> Image:
    """The image as large as it fits into the field, on grey."""
    height, width = image.shape[:2]
    share = min(size[0] / width, size[1] / height)
    inside = max(1, int(width * share)), max(1, int(height * share))
    field = np.full((size[1], size[0], 3), GREY, np.uint8)
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    field[: inside[1], : inside[0]] = cv2.resize(image, inside, interpolation=way)
    return field
