"""Warp: the transfer net on pairs of heatmaps."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from data.heatmaps import Heatmaps
from models.device import at_once
from models.runtimes.passes import Placing

CELL = 4  # pixels of a network's picture to a cell of its maps, across and down


class Warp:
    """Reference maps carried toward the current ones, `at_once` so many pairs.

    The network takes current and reference maps, (N, J, h, w) each, and returns as many.
    """

    def __init__(self, network: nn.Module, device: torch.device | str) -> None:
        self._network = network.to(device).eval()
        self._device = device

    @property
    def network(self) -> nn.Module:
        """What runs on the pairs."""
        return self._network

    def placed(self, placing: Placing) -> Warp:
        """The same with its network's passes where `placing` puts them."""
        other = copy.copy(self)
        other._network = placing(self._network)
        return other

    def __call__(
        self, current: Sequence[Heatmaps], reference: Sequence[Heatmaps]
    ) -> list[Heatmaps]:
        """One set of maps per pair, on the crop of the pair's current maps.

        All maps have one size. Reference maps are read cell by cell, not re-drawn on the current
        crop: the motion of the box is already taken out (FSPose specification 0.5).
        """
        if len(current) != len(reference):
            raise ValueError(f"{len(current)} current maps but {len(reference)} references")
        if not current:
            return []
        found: list[Heatmaps] = []
        pixels = CELL**2 * current[0].maps[0].size
        for pairs in at_once(list(zip(current, reference, strict=True)), pixels, self._device):
            now, before = zip(*pairs, strict=True)
            with torch.inference_mode():
                maps = self._network(self._batch(now), self._batch(before)).float().cpu().numpy()
            found += [Heatmaps(m, one.crop) for m, one in zip(maps, now, strict=True)]
        return found

    def _batch(self, heatmaps: Sequence[Heatmaps]) -> Tensor:
        return torch.from_numpy(np.stack([one.maps for one in heatmaps])).to(self._device)
