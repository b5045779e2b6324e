"""A network of the scheme with its head, as it is exported, and inputs to try it on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from data.frame import Image
from data.pose import Box, Floats
from models.finder import CheckedFinder
from models.preprocess import normalised
from models.runtimes.base import Session
from models.runtimes.drift import Drift, Reading, between, of_boxes, of_maps, together
from models.runtimes.passes import Placing
from models.runtimes.ranges import Ranges
from models.topdown import Head, TopDown
from models.warp import Warp

BATCHES = (1, 8, 3)  # sizes of batch by turns, so that an export bound to one of them shows
SHIFT = 0.04  # of a box's width, between the two maps that a transfer network is tried on

Kind = Literal["topdown", "transfer", "finder"]

Picture = tuple[Image, Sequence[Box]]
"""An image and the boxes of its people."""

Samples = tuple[Floats, ...]
"""An array (N, ...) for each input of a network."""


class Headed(nn.Module):
    """A top-down network and its head: images to maps."""

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self._network, self._head = network, head
        self.eval()  # exporters put a network back into the mode it was in

    @property
    def network(self) -> nn.Module:
        """The network alone."""
        return self._network

    def around(self, network: nn.Module) -> Headed:
        """Another network with this head."""
        return Headed(network, self._head)

    def forward(self, images: Tensor) -> Tensor:
        return self._head(self._network(images))


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """A network, the names of its inputs, samples of each (N, ...), and how outputs are read.

    `notes` are what else its door must know, where an exported file is all there is. `others` are
    samples of other sides, where the network takes any.
    """

    kind: Kind
    network: nn.Module
    inputs: tuple[str, ...]
    samples: Samples
    read: Callable[[Sequence[Floats]], Reading]
    notes: Mapping[str, str | float] = field(default_factory=dict)
    others: tuple[Samples, ...] = ()

    @property
    def open_sides(self) -> bool:
        """Whether the network takes pictures of any sides, multiples of 32."""
        return self.kind == "finder"

    @property
    def groups(self) -> tuple[Samples, ...]:
        """All samples, those of the same sides together."""
        return (self.samples, *self.others)

    @property
    def example(self) -> tuple[tuple[int, ...], ...]:
        """The shapes of the first samples, without the batch."""
        return shapes_of(self.samples)

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Of the inputs, without the batch; sides that are open are 0."""
        if not self.open_sides:
            return self.example
        return tuple((shape[0], *(0 for _ in shape[1:])) for shape in self.example)

    @property
    def bare(self) -> nn.Module:
        """The network without its head, as its door hands it to a runtime."""
        return self.network.network if isinstance(self.network, Headed) else self.network

    def placed(self, placing: Placing, ranges: Ranges) -> Whole:
        """The same with the bare network's passes where `placing` puts them."""
        network = placing(self.bare, lambda: ranges)
        if isinstance(self.network, Headed):
            network = self.network.around(network)
        return replace(self, network=network)

    def halves(self) -> tuple[Whole, Whole]:
        """Every other sample, and those between; one alone is both."""
        first, second = self._every_other(0), self._every_other(1)
        return self._of(first), self._of(second or first)

    def _every_other(self, start: int) -> list[Samples]:
        groups, before = [], 0
        for group in self.groups:
            groups.append(tuple(entry[(start + before) % 2 :: 2] for entry in group))
            before += len(group[0])
        return [group for group in groups if len(group[0])]

    def _of(self, groups: Sequence[Samples]) -> Whole:
        return replace(self, samples=groups[0], others=tuple(groups[1:]))

    def drift(self, session: Session) -> Drift:
        """How far a session's answers to the samples lie from the network's own in torch.

        ValueError where they differ in shape.
        """
        return between(self._reading(self.reference), self._reading(session))

    def reference(self, inputs: Sequence[Floats]) -> list[Floats]:
        """The network's own answers."""
        with torch.inference_mode():
            output = self.network(*(torch.from_numpy(entry) for entry in inputs))
        tensors = (output,) if isinstance(output, Tensor) else output
        return [tensor.float().numpy() for tensor in tensors]

    def _reading(self, session: Session) -> Reading:
        """What a session says of all samples."""
        return together([self.read(_all(session, group)) for group in self.groups])


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
    return Whole("topdown", Headed(net.network, net.head), ("images",), (images,), read, notes)


def of_warp(warp: Warp, net: TopDown, pictures: Sequence[Picture]) -> Whole:
    """Current and reference maps to carried ones; tried on the slow net's maps of moved boxes."""
    current = np.concatenate([_maps(net, image, boxes) for image, boxes in pictures])
    reference = np.concatenate([_maps(net, image, map(_moved, boxes)) for image, boxes in pictures])
    samples = current, reference
    return Whole("transfer", warp.network, ("current", "reference"), samples, of_maps)


def of_finder(finder: CheckedFinder, pictures: Sequence[Picture]) -> Whole:
    """Normalised images, reduced as the finder does it, to logits and boxes before any check."""
    fields = [finder.finder.reduced(image) for image, _ in pictures]
    sizes = dict.fromkeys(each.shape for each in fields)
    alike = [[each for each in fields if each.shape == size] for size in sizes]
    first, *others = ((normalised(each, "cpu").contiguous().numpy(),) for each in alike)
    return Whole(
        "finder",
        finder.finder.network,
        ("images",),
        first,
        of_boxes,
        notes=dict(finder.notes),
        others=tuple(others),
    )


def shapes_of(samples: Samples) -> tuple[tuple[int, ...], ...]:
    """Without the batch."""
    return tuple(tuple(sample.shape[1:]) for sample in samples)


def _all(session: Session, samples: Samples) -> list[Floats]:
    """Answers to every sample, in batches of several sizes."""
    parts, start, turn = [], 0, 0
    while start < len(samples[0]):
        end = start + BATCHES[turn % len(BATCHES)]
        parts.append(session([sample[start:end] for sample in samples]))
        start, turn = end, turn + 1
    return [np.concatenate(answers) for answers in zip(*parts, strict=True)]


def _maps(net: TopDown, image: Image, boxes: Sequence[Box] | map[Box]) -> Floats:
    return np.stack([one.maps for one in net.heatmaps(image, list(boxes))])


def _moved(box: Box) -> Box:
    by = SHIFT * (box.right - box.left)
    return replace(box, left=box.left + by, right=box.right + by)
