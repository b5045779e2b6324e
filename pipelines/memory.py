"""Memory: what is kept of each track's maps between two frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.heatmaps import Heatmaps
from pipelines.snapshot import Arrays, pack, part, prefixed, unpack

_PREVIOUS, _CARRIED = 1, 2  # bits


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """The maps of one track: of its last keyframe, and of the last frame on which it was seen.

    `key` are the slow net's maps of frame `key_index`. `fused` are the maps that were the answer
    on frame `index`; their crop is that frame's crop in the slow net's space. `previous` are the
    fast net's own maps of frame `index`, and `carried` the keyframe's as the transfer net carried
    them to it, each kept only where the fusion needs it.
    """

    key: Heatmaps
    key_index: int
    fused: Heatmaps
    index: int
    previous: Heatmaps | None = None
    carried: Heatmaps | None = None


class Memory:
    """Remembered maps by track number. Its owner forgets the tracks that are lost."""

    def __init__(self) -> None:
        self._tracks: dict[int, Remembered] = {}

    @classmethod
    def restored(cls, snapshot: Mapping[str, NDArray[Any]]) -> Memory:
        """The memory that `snapshot()` described."""
        memory = cls()
        indices = snapshot["indices"].tolist()
        keys, fused = unpack(part(snapshot, "key")), unpack(part(snapshot, "fused"))
        previous = iter(unpack(part(snapshot, "previous")))
        carried = iter(unpack(part(snapshot, "carried")))
        for row, (track, key_index, index, kept) in enumerate(indices):
            before = next(previous) if kept & _PREVIOUS else None
            moved = next(carried) if kept & _CARRIED else None
            known = Remembered(keys[row], key_index, fused[row], index, before, moved)
            memory.remember(track, known)
        return memory

    @property
    def tracks(self) -> frozenset[int]:
        """The numbers of all remembered tracks."""
        return frozenset(self._tracks)

    def recall(self, track: int) -> Remembered:
        """What is remembered of a track; KeyError if nothing is."""
        return self._tracks[track]

    def remember(self, track: int, remembered: Remembered) -> None:
        """Replaces what was remembered of the track."""
        self._tracks[track] = remembered

    def forget(self, tracks: Iterable[int]) -> None:
        """Drops the maps of these tracks, where there are any."""
        for track in tracks:
            self._tracks.pop(track, None)

    def snapshot(self) -> Arrays:
        """Everything, as arrays: `indices` (N, 4) and the packed maps.

        A row of indices is track, key_index, index, and which of the optional maps there are.
        """
        kept = list(self._tracks.items())
        indices = [(n, r.key_index, r.index, _optional(r)) for n, r in kept]
        previous = [r.previous for _, r in kept if r.previous is not None]
        carried = [r.carried for _, r in kept if r.carried is not None]
        return {
            "indices": np.array(indices, np.int64).reshape(-1, 4),
            **prefixed("key", pack([r.key for _, r in kept])),
            **prefixed("fused", pack([r.fused for _, r in kept])),
            **prefixed("previous", pack(previous)),
            **prefixed("carried", pack(carried)),
        }


def _optional(remembered: Remembered) -> int:
    """Bits that say which of the optional maps are there."""
    has_previous, has_carried = remembered.previous is not None, remembered.carried is not None
    return has_previous * _PREVIOUS | has_carried * _CARRIED
