"""Warp: the transfer net on pairs of heatmaps."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from data.heatmaps import Heatmaps
from models.runtimes.passes import Placing


class Warp:
    """Reference maps carried toward the current ones, all pairs in one forward pass.

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
        with torch.inference_mode():
            warped = self._network(self._batch(current), self._batch(reference))
            maps = warped.float().cpu().numpy()
        return [Heatmaps(m, now.crop) for m, now in zip(maps, current, strict=True)]

    def _batch(self, heatmaps: Sequence[Heatmaps]) -> Tensor:
        return torch.from_numpy(np.stack([one.maps for one in heatmaps])).to(self._device)
