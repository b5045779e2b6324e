"""HeatmapStore: heatmaps by video, frame and track, and the nouns that all stores share."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Protocol

from data.heatmaps import Heatmaps
from data.packing import Precision

SCHEMA = "fspose.heatmaps/1"
UNKNOWN = "unknown"
"""The checksum of weights that nobody knows, in a database that was imported."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A person on a frame.

    `video` is the last two folders of the image's path (`val/000342_mpii_test`), `frame` the
    image's name without its suffix (FSPose specification 5).
    """

    video: str
    frame: str
    track: int

    def __str__(self) -> str:
        return f"{self.video}/{self.frame}, track {self.track}"


def key_of(frame_name: str, track: int) -> Key:
    """The key of a track on the frame whose image has that path."""
    path = PurePosixPath(frame_name)
    return Key("/".join(path.parts[-3:-1]), path.stem, track)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One person's heatmaps, and the score of the box that they were made in."""

    key: Key
    heatmaps: Heatmaps
    score: float


class HeatmapStore(Protocol):
    """Heatmaps that were made before."""

    def get(self, key: Key) -> Heatmaps:
        """The maps of one person on one frame; StoreError where they are not there."""

    def has(self, key: Key) -> bool:
        """Whether the maps of one person on one frame are there."""

    def keys(self) -> list[Key]:
        """Whose maps are there, in order."""


@dataclass(frozen=True, slots=True)
class Header:
    """What all maps of a database share.

    `net` is "slow" or "fast", `network` the name of who made the maps, `weights` and
    `annotations` are SHA-256, `size` is the network's input (width, height).
    """

    net: str
    network: str
    weights: str
    annotations: str
    skeleton: str
    size: tuple[int, int]
    precision: Precision

    def rows(self) -> dict[str, str]:
        """The header as text under text."""
        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {"schema": SCHEMA, **values, "size": f"{self.size[0]}x{self.size[1]}"}
