"""What the transfer network is taught: one frame's stored maps to another's.

FSPose specification 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from data.errors import StoreError
from data.heatmap_file import HeatmapFile, told
from data.heatmap_store import Header, Key
from data.heatmaps import Heatmaps
from data.skeleton import POSETRACK_17, Skeleton
from models.training.examples import Batch, Lap, Taught
from models.training.published.lessons import map_size, sigma_of
from models.training.published.maps import Example, Inputs, batches, taught
from models.training.published.people import Subject
from models.training.targets import gaussian_targets

Pairs = Literal["fast-slow", "fast", "slow"]
"""Whose maps are the current ones and whose the support's; one name where both are the same."""


class StoredPairs:
    """Pairs of a track's stored maps: the current frame's and an earlier one's, the support.

    Every frame but a track's first is current once an epoch. The support lies 1 to `support_range`
    entries back in the list of the track's stored frames, at random. The published programs lower
    the range to the index of every frame that they meet and never raise it, so that it soon is 1;
    here only the frame at hand is bound by its index.
    """

    smooth = False

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
        skeleton: Skeleton = POSETRACK_17,
    ) -> None:
        """`annotations` is the set's SHA-256, `skeleton` that of the maps; without `sigma` it is
        the published one of the size.

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
        headers = [_header(path, net, annotations, skeleton) for path, net in stores]
        self._current, self._support, self._skeleton = current, support, skeleton
        self.pairs, self.support_range = pairs, support_range
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

    @property
    def shapes(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shapes (J, h, w) of a pair."""
        width, height = map_size(self._size)
        return ((len(self._skeleton), height, width),) * 2

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know."""
        if not self.left_out:
            return ()
        return (f"{self.left_out} annotated people are not in the databases and left out.",)

    def batches(self, lap: Lap) -> Generator[Batch, None, None]:
        return batches(self, lap)

    def loss(self, network: nn.Module, batch: Batch, device: str, share: float) -> Taught:
        return taught(self, network, batch, device)

    def measure(self, network: nn.Module, device: str) -> float | None:
        """Nothing is held out."""
        return None

    def example(self, index: int, rng: np.random.Generator) -> Example:
        """Current and support maps, and the Gaussians of the current frame."""
        track, place = self._places[index]
        back = 1 + int(min(self.support_range, place) * rng.random())
        subject = track[place]
        support = _stored(self._support, track[place - back].key).maps
        crop = subject.crop(self._size)
        size = (support.shape[2], support.shape[1])
        current = _stored(self._current, subject.key)
        if self._current != self._support:  # as published by the nearest cell
            current = current.on(crop.sized(size), smooth=self.smooth)
        person = POSETRACK_17.convert(subject.pose, self._skeleton)
        target, weights = gaussian_targets(
            crop.from_image(person.keypoints),
            person.scores,
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


def _header(path: Path, net: str, annotations: str, skeleton: Skeleton) -> Header:
    """A database's header; StoreError unless it holds that net's maps of these annotations."""
    with HeatmapFile.read(path) as store:
        header = store.header
    if header.net != net:
        raise StoreError(f"{path} holds maps of the {header.net} network, expected the {net} one.")
    if header.skeleton != skeleton.name:
        raise StoreError(
            f"{path} holds maps of {header.skeleton}, expected {skeleton.name}. Make it with "
            "networks of this recipe, or choose another one with --recipe."
        )
    if header.annotations != annotations:
        raise StoreError(
            f"{path} was made for other annotations: {told(header.annotations)}, and this run has "
            f"{told(annotations)}. Make it with `fspose heatmaps create` for these."
        )
    return header
