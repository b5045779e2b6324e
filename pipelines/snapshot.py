"""Maps and crops as plain arrays and back, exactly: what a run's snapshot is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.crop import Crop
from data.heatmaps import Heatmaps

Arrays = dict[str, NDArray[Any]]


def prefixed(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The same arrays under `prefix.name`."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def part(snapshot: Mapping[str, NDArray[Any]], prefix: str) -> Arrays:
    """The arrays that `prefixed` put there, under their own names."""
    head = f"{prefix}."
    return {name[len(head) :]: array for name, array in snapshot.items() if name.startswith(head)}


def pack(heatmaps: Sequence[Heatmaps]) -> Arrays:
    """Maps of one shape as `maps` (N, J, h, w) and `crops` (N, 5); nothing where there are none."""
    if not heatmaps:
        return {}
    crops = [(*h.crop.center, *h.crop.scale, h.crop.rotation) for h in heatmaps]
    return {"maps": np.stack([h.maps for h in heatmaps]), "crops": np.array(crops, np.float64)}


def unpack(arrays: Mapping[str, NDArray[Any]]) -> list[Heatmaps]:
    """What `pack` packed."""
    if not arrays:
        return []
    height, width = arrays["maps"].shape[2:]
    return [
        Heatmaps(
            np.array(maps, np.float32),
            Crop((crop[0], crop[1]), (crop[2], crop[3]), (width, height), crop[4]),
        )
        for maps, crop in zip(arrays["maps"], arrays["crops"].tolist(), strict=True)
    ]
