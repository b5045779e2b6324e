"""Whether a heatmap database is whole: every record sound, nobody missing, nobody too many."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from data.errors import StoreError
from data.heatmap_file import HeatmapFile
from data.heatmap_store import Key


@dataclass(frozen=True, slots=True)
class Check:
    """What was found: `flaws` of the file's structure, and of its `records` the damaged ones, each
    in a sentence; who is `missing`, and who is there although not annotated (`strangers`)."""

    records: int
    flaws: tuple[str, ...]
    damaged: tuple[str, ...]
    missing: tuple[Key, ...]
    strangers: tuple[Key, ...]


def check(store: HeatmapFile, wanted: Collection[Key] | None, tell: Callable[[int], None]) -> Check:
    """Read every record once and compare with who is `wanted`, where that is known.

    `tell` is called with the number of records done. Raises StoreError where the file is so damaged
    that its records cannot be listed.
    """
    flaws = tuple(store.flaws())
    keys, damaged = store.keys(), []
    for done, key in enumerate(keys, 1):
        try:
            store.record(key)
        except StoreError as error:
            damaged.append(str(error))
        tell(done)
    there = set(keys)
    missing = () if wanted is None else tuple(sorted(set(wanted) - there))
    strangers = () if wanted is None else tuple(sorted(there - set(wanted)))
    return Check(len(keys), flaws, tuple(damaged), missing, strangers)
