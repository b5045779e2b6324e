"""TorchFolder: the published heatmap database, a folder of one `.pt` file per person and frame.

`<root>/<group>/<video>/<frame>/<track>.pt` holds one tensor (J, h, w) and nothing else (FSPose
specification 5): the crops come from the annotations and are handed in.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from data.crop import Crop
from data.draft import output_error
from data.errors import StoreError
from data.heatmap_store import Key
from data.heatmaps import Heatmaps
from data.pose import Floats

SUFFIX = ".pt"

# What torch is seen to raise over damaged files.
_DAMAGE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
)


class TorchFolder:
    """A published folder as a store to read from; `crops` says who may be in it, in which box.

    A crop's size may be the network's input or the maps' own: it becomes the maps'.
    """

    def __init__(self, root: Path, crops: Mapping[Key, Crop]) -> None:
        self._root = root
        self._crops = crops

    def get(self, key: Key) -> Heatmaps:
        """One person's maps; StoreError where they are not there, or the file holds none."""
        if key not in self._crops:
            raise StoreError(f"{key} is not annotated, so the box of its heatmaps is not known.")
        path, crop = path_of(self._root, key), self._crops[key]
        maps = read_maps(path)
        (width, height), size = crop.size, (maps.shape[2], maps.shape[1])
        if width * size[1] != height * size[0]:
            raise StoreError(
                f"{path}: its maps are {size[0]} x {size[1]}, expected the shape of "
                f"{width} x {height}. Is it another network's?"
            )
        return Heatmaps(maps, crop.sized(size))

    def has(self, key: Key) -> bool:
        """Whether one person's file is there."""
        return key in self._crops and path_of(self._root, key).is_file()

    def keys(self) -> list[Key]:
        """The annotated people whose files are there, by video, frame and track."""
        return sorted(key for key in self._crops if self.has(key))


def path_of(root: Path, key: Key) -> Path:
    """Where a person's file lies; StoreError where that is not below the root.

    No annotation has such a key (`key_of`), but a database may come from anywhere.
    """
    if not key.is_place:
        raise StoreError(f"{str(key)!r} cannot be a file below {root}. Who made the database?")
    return root / key.video / key.frame / f"{key.track}{SUFFIX}"


def read_maps(path: Path) -> Floats:
    """The maps (J, h, w) of a file, wherever it was saved; StoreError where it holds none.

    Both kinds are read: a tensor with a storage of its own, and a view that carries the storage of
    its whole batch, of which only the view is kept.
    """
    try:
        tensor = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise StoreError(f"{path}: there is no such file of heatmaps.") from error
    except _DAMAGE as error:
        raise StoreError(f"{path} holds no tensor, or is damaged or cut short.") from error
    if not isinstance(tensor, Tensor) or tensor.dim() != 3 or not tensor.is_floating_point():
        found = f"{tuple(tensor.shape)}" if isinstance(tensor, Tensor) else type(tensor).__name__
        raise StoreError(f"{path}: expected maps (keypoints, height, width), found {found}.")
    maps: Floats = tensor.detach().to(torch.float32, copy=True).contiguous().numpy()
    return maps


def write_maps(root: Path, key: Key, maps: Floats) -> Path:
    """Store a person's maps (J, h, w) as a tensor with a storage of its own. Raises OutputError."""
    path = path_of(root, key)
    fresh = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(torch.from_numpy(maps).clone(), fresh)
        fresh.replace(path)
    except (OSError, RuntimeError) as error:  # torch's own, where a disk is full
        with contextlib.suppress(OSError):  # the error that led here is the one to tell
            fresh.unlink(missing_ok=True)
        raise output_error(path, error) from error
    return path
