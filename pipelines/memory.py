"""Memory: what is kept of each track's maps between two frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.heatmaps import Heatmaps
from pipelines.snapshot import Arrays, pack, part, prefixed, unpack


@dataclass(frozen=True, slots=True, eq=False)
class Remembered:
    """The maps of one track: of its last keyframe, and of the last frame on which it was seen.

    `key` are the slow net's maps of frame `key_index`. `fused` are the maps that were the answer
    on frame `index`; their crop is that frame's crop in the slow net's space. `previous` are the
    fast net's own maps of frame `index`, kept only where the fusion needs them.
    """

    key: Heatmaps
    key_index: int
    fused: Heatmaps
    index: int
    previous: Heatmaps | None = None


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
        for row, (track, key_index, index, has_previous) in enumerate(indices):
            before = next(previous) if has_previous else None
            memory.remember(track, Remembered(keys[row], key_index, fused[row], index, before))
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
        """Everything, as arrays: `indices` (N, 4) and the packed maps."""
        kept = list(self._tracks.items())
        indices = [(n, r.key_index, r.index, r.previous is not None) for n, r in kept]
        previous = [r.previous for _, r in kept if r.previous is not None]
        return {
            "indices": np.array(indices, np.int64).reshape(-1, 4),
            **prefixed("key", pack([r.key for _, r in kept])),
            **prefixed("fused", pack([r.fused for _, r in kept])),
            **prefixed("previous", pack(previous)),
        }
