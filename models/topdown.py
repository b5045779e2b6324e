"""TopDown: an image and its people's boxes to heatmaps, for the slow and the fast net alike."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data.crop import Crop
from data.frame import Image
from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from data.skeleton import Skeleton
from models.decode import merge_flipped
from models.networks.mobilenet import FastOutput
from models.preprocess import normalised
from models.runtimes.passes import Placing
from models.runtimes.ranges import RangesOf

# Of the taught sigma; near the best for PCK@0.2 on the training packs' held-out people.
SMOOTHING = 0.75
MOST_ACROSS = 32  # crops of several images in one pass; more are no quicker

Head = Callable[[Any], Tensor]
"""What a network returned, as maps (N, J, h, w)."""


def raw_maps(output: Tensor) -> Tensor:
    """The maps of networks taught to draw Gaussians of peak 1, such as the published HRNet."""
    return output


def soft_maps(output: FastOutput) -> Tensor:
    """The published fast network's maps: each sums to 1, with no rescaling."""
    return output.heatmaps


class Calibrated:
    """The embedded family's logits to maps whose ideal, a Gaussian of `sigma` cells, has peak 1.

    The soft-max runs over a map's cells and `nowhere`, whose logit is always 0: a keypoint that
    is not in the crop leaves a faint map. Smoothing turns a cell's probability into that of its
    neighbourhood: where a network is undecided, the highest cell is chance, the densest place is
    not. Divided by the ideal's peak, what remains is a score that all networks of the family share.
    """

    def __init__(self, sigma: float) -> None:
        self.smoothing = SMOOTHING * sigma
        self.peak = ideal_peak(float(np.hypot(sigma, self.smoothing)))

    def __call__(self, output: Tensor | FastOutput) -> Tensor:
        logits = output.logits if isinstance(output, FastOutput) else output
        cells = nn.functional.pad(logits.flatten(2), (0, 1))  # nowhere: one more logit, 0
        maps = cells.softmax(2)[..., :-1].view_as(logits)
        down, across = (blur(size, self.smoothing).to(maps) for size in maps.shape[2:])
        return down @ maps @ across / self.peak


def blur(size: int, sigma: float) -> Tensor:
    """(size, size) matrix that smooths a row of cells by a Gaussian; 0 lies beyond the ends."""
    steps = torch.arange(size, dtype=torch.float32)
    weights = torch.exp(-((steps[:, None] - steps) ** 2) / (2 * sigma**2))
    reach = torch.arange(-np.ceil(8 * sigma), np.ceil(8 * sigma) + 1)
    return weights / torch.exp(-(reach**2) / (2 * sigma**2)).sum()


def ideal_peak(sigma: float) -> float:
    """The largest cell of a Gaussian of `sigma` cells that sums to 1."""
    steps = np.arange(-np.ceil(8 * sigma), np.ceil(8 * sigma) + 1)
    return float(1 / np.exp(-(steps**2) / (2 * sigma**2)).sum() ** 2)


class TopDown:
    """A network on crops of `size` (width, height) around boxes, all people in one forward pass.

    `padding` is how much larger than its box a person's crop is; `head` turns what the network
    returns into maps, whose ideal has the highest cell `peak`; `ranges` looks for what int8 needs.
    Inside is torch, outside NumPy.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        size: tuple[int, int],
        padding: float,
        skeleton: Skeleton,
        device: torch.device | str,
        head: Head,
        peak: float = 1.0,
        ranges: RangesOf | None = None,
    ) -> None:
        self.skeleton = skeleton
        self.padding, self.peak = padding, peak
        self._network = network.to(device).eval()
        self._size = size
        self._device = device
        self.ranges = ranges
        self.head = head

    @property
    def network(self) -> nn.Module:
        """What runs on the crops; its `head` is not in it."""
        return self._network

    def placed(self, placing: Placing) -> TopDown:
        """The same with its network's passes where `placing` puts them."""
        other = copy.copy(self)
        other._network = placing(self._network, self.ranges)
        return other

    def heatmaps(self, image: Image, boxes: Sequence[Box]) -> list[Heatmaps]:
        """One set of maps per box, in the boxes' order; the image is (h, w, 3) RGB."""
        if not boxes:
            return []
        crops = self.crops(boxes)
        return on_crops(self.maps([crop.cut(image) for crop in crops]), crops)

    def heatmaps_across(self, looks: Sequence[tuple[Image, Box]]) -> list[Heatmaps]:
        """One set of maps per image and box, in their order: people of several images together.

        So many in one forward pass as `MOST_ACROSS`, which bounds the memory.
        """
        crops = self.crops([box for _, box in looks])
        cuts = [crop.cut(image) for crop, (image, _) in zip(crops, looks, strict=True)]
        found: list[Heatmaps] = []
        for start in range(0, len(looks), MOST_ACROSS):
            part = slice(start, start + MOST_ACROSS)
            found += on_crops(self.maps(cuts[part]), crops[part])
        return found

    def crops(self, boxes: Sequence[Box]) -> list[Crop]:
        """What the network sees of each box."""
        return [Crop.around(box, self._size, self.padding) for box in boxes]

    def maps(self, cuts: Sequence[Image]) -> Floats:
        """(N, J, h, w) of N cut images of the network's size."""
        with torch.inference_mode():
            batch = normalised(cuts, self._device)
            maps: Floats = self.head(self._network(batch)).float().cpu().numpy()
        assert maps.shape[:2] == (len(cuts), len(self.skeleton)), maps.shape
        return maps


class FlipTest:
    """A top-down network that reads every person twice, the second time mirrored.

    The two answers' mean is a little more exact and costs twice the time (HRNet's FLIP_TEST).
    """

    def __init__(self, network: TopDown, *, shift: int) -> None:
        self._network, self._shift = network, shift

    @property
    def skeleton(self) -> Skeleton:
        return self._network.skeleton

    @property
    def padding(self) -> float:
        return self._network.padding

    def heatmaps(self, image: Image, boxes: Sequence[Box]) -> list[Heatmaps]:
        """One set of maps per box, in the boxes' order; the image is (h, w, 3) RGB."""
        if not boxes:
            return []
        crops = self._network.crops(boxes)
        cuts = [crop.cut(image) for crop in crops]
        maps = self._network.maps([*cuts, *(np.ascontiguousarray(cut[:, ::-1]) for cut in cuts)])
        direct, mirrored = maps[: len(cuts)], maps[len(cuts) :]
        mirror = self.skeleton.mirror
        return on_crops(merge_flipped(direct, mirrored, mirror, shift=self._shift), crops)


def on_crops(maps: Floats, crops: Sequence[Crop]) -> list[Heatmaps]:
    """Each person's maps with the crop they were made on."""
    size = (maps.shape[3], maps.shape[2])
    return [Heatmaps(m, crop.sized(size)) for m, crop in zip(maps, crops, strict=True)]
