"""HeatmapStore: heatmaps by video, frame and track, and the nouns that all stores share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Protocol

from data.errors import AnnotationError
from data.heatmaps import Heatmaps
from data.packing import Precision

SCHEMA = "fspose.heatmaps/3"
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

    @property
    def is_place(self) -> bool:
        """Whether `video`, `frame` and `track` name a place below any folder, on any system."""
        return _stays_below(self.video) and _stays_below(self.frame) and bool(self.frame)


def key_of(frame_name: str, track: int) -> Key:
    """The key of a track on the frame whose image has that path.

    Raises AnnotationError for a path that could lead out of the folder of images or of heatmaps.
    """
    path = PurePosixPath(frame_name)
    key = Key("/".join(path.parts[-3:-1]), path.stem, track)
    if not _stays_below(frame_name) or not key.is_place:
        raise AnnotationError(
            f"The image {frame_name!r} is annotated: expected a relative path of plain names with "
            "'/' between them."
        )
    return key


def _stays_below(path: str) -> bool:
    """Whether a path leads below the folder that it is joined to, on any system."""
    is_rooted = path.startswith("/") or path[1:2] == ":"  # a drive, as in `C:x`
    return not (is_rooted or ".." in path.split("/") or "\\" in path or "\0" in path)


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


class Writable(Protocol):
    """Where records go; what is put is kept whatever happens next."""

    def put(self, records: Iterable[Record]) -> None: ...


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
