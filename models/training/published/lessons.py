"""The three lessons: a person's crop to its maps, slow and fast, and one frame's maps to another's.

FSPose specification 1.5, 1.6 and 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from data.errors import StoreError
from data.heatmap_file import HeatmapFile, told
from data.heatmap_store import Header, Key
from data.heatmaps import Heatmaps
from data.sources.folder import read_as_stored
from models.preprocess import normalised
from models.training.published.augment import Augmentation, view
from models.training.published.examples import Example, Inputs
from models.training.published.people import Locate, Subject
from models.training.targets import gaussian_targets

STRIDE = 4  # pixels of a crop to a cell of its maps, in every network here

Pairs = Literal["fast-slow", "fast", "slow"]
"""Whose maps are the current ones and whose the support's; one name where both are the same."""


def sigma_of(size: tuple[int, int]) -> float:
    """The published sigma in cells: 2, of the large crops of 288 x 384 on 3 (specification 1.2)."""
    return 3.0 if size[0] >= 288 else 2.0


def map_size(size: tuple[int, int]) -> tuple[int, int]:
    """The maps' (width, height) of crops of `size`."""
    return size[0] // STRIDE, size[1] // STRIDE


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """People's crops of `size` (width, height) and their Gaussians; for the slow network."""

    people: Sequence[Subject]
    locate: Locate
    size: tuple[int, int]
    sigma: float
    augmentation: Augmentation

    def __len__(self) -> int:
        return len(self.people)

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """A person's varied crop; SourceError for an image that cannot be read."""
        subject = self.people[index]
        image = read_as_stored(self.locate(subject.frame_name))
        seen = view(subject, self.size, image.shape[1], self.augmentation, rng)
        cut, joints = seen.shown(image, subject.keypoints)
        target, weights = gaussian_targets(
            joints,
            seen.weights(subject.visible),
            image_size=self.size,
            map_size=map_size(self.size),
            sigma=self.sigma,
        )
        return Example((cut,), target, weights)

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        """The raw maps."""
        return network(normalised(list(inputs[0]), device))


class SoftCrops(Crops):
    """The same for the fast network, whose maps are compared after their soft-max.

    Each sums to 1, the target's peak is 1: the error cannot become zero (specification 0.4).
    """

    __slots__ = ()

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        return network(normalised(list(inputs[0]), device)).heatmaps


class StoredPairs:
    """Pairs of a track's stored maps: the current frame's and an earlier one's, the support.

    Every frame but a track's first is current once an epoch. The support lies 1 to `support_range`
    entries back in the list of the track's stored frames, at random. The published programs lower
    the range to the index of every frame that they meet and never raise it, so that it soon is 1;
    here only the frame at hand is bound by its index.
    """

    def __init__(
        self,
        people: Sequence[Subject],
        *,
        pairs: Pairs,
        slow: Path | None,
        fast: Path | None,
        annotations: str,
        support_range: int,
        sigma: float | None,
    ) -> None:
        """`annotations` is the set's SHA-256; without `sigma` it is the published one of the size.

        `left_out` then counts the people who are in no database. Raises StoreError for a database
        of another set or network, and where no track has two stored frames.
        """
        current, support = (fast, fast) if pairs == "fast" else (slow, slow)
        if pairs == "fast-slow":
            current = fast
        if current is None or support is None:
            raise ValueError(f"pairs {pairs!r} need a database that was not given")
        names = pairs.split("-")
        stores = ((current, names[0]), (support, names[-1]))
        headers = [_header(path, net, annotations) for path, net in stores]
        self._current, self._support, self._range = current, support, support_range
        self._size = headers[1].size
        self.sigma = sigma_of(self._size) if sigma is None else sigma
        self.weights = tuple(header.weights for header in headers)
        known = set.intersection(*(_keys(path) for path in {current, support}))
        tracks: dict[tuple[str, int], list[Subject]] = defaultdict(list)
        for subject in people:
            if subject.key in known:
                tracks[subject.key.video, subject.key.track].append(subject)
        self._tracks = [sorted(t, key=lambda s: s.key) for t in tracks.values()]
        self._places = [(t, i) for t in self._tracks for i in range(1, len(t))]
        self.left_out = len(people) - sum(map(len, self._tracks))
        if not self._places:
            raise StoreError(f"{current} holds no track with two frames; is it finished?")

    def __len__(self) -> int:
        return len(self._places)

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """Current and support maps, and the Gaussians of the current frame."""
        track, place = self._places[index]
        back = 1 + int(min(self._range, place) * rng.random())
        subject = track[place]
        support = _stored(self._support, track[place - back].key).maps
        crop = subject.crop(self._size)
        size = (support.shape[2], support.shape[1])
        current = _stored(self._current, subject.key)
        if self._current != self._support:  # nearest, as published
            current = current.on(crop.sized(size), smooth=False)
        target, weights = gaussian_targets(
            crop.from_image(subject.keypoints.astype(np.float32)),
            np.asarray(subject.visible, np.float32),
            image_size=self._size,
            map_size=size,
            sigma=self.sigma,
        )
        return Example((current.maps, support), target, weights)

    def answer(self, network: nn.Module, inputs: Inputs, device: torch.device | str) -> Tensor:
        """The support's maps, carried to the current frame."""
        current, support = (torch.from_numpy(maps).to(device) for maps in inputs)
        return network(current, support)


def _stored(path: Path, key: Key) -> Heatmaps:
    """Opened anew each time: SQLite's handles belong to one thread, and opening costs little."""
    with HeatmapFile.read(path) as store:
        return store.get(key)


def _keys(path: Path) -> set[Key]:
    with HeatmapFile.read(path) as store:
        return set(store.keys())


def _header(path: Path, net: str, annotations: str) -> Header:
    """A database's header; StoreError unless it holds that net's maps of these annotations."""
    with HeatmapFile.read(path) as store:
        header = store.header
    if header.net != net:
        raise StoreError(f"{path} holds maps of the {header.net} network, expected the {net} one.")
    if header.skeleton != "posetrack-17":
        raise StoreError(
            f"{path} holds maps of {header.skeleton}, expected posetrack-17. "
            "Make it with networks that were trained on PoseTrack."
        )
    if header.annotations != annotations:
        raise StoreError(
            f"{path} was made for other annotations: {told(header.annotations)}, and this run has "
            f"{told(annotations)}. Make it with `fspose heatmaps create` for these."
        )
    return header
