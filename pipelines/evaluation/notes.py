"""What a person should know of files that were scored all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_SHOWN = 3  # names in a sentence


class Note(NamedTuple):
    """Something about a file or sequence, `place`; `what` is the same for all that it befell."""

    place: str
    what: str


def told(notes: Iterable[Note]) -> tuple[str, ...]:
    """A sentence per kind of note, with the first places and how many more there are."""
    places: dict[str, list[str]] = {}
    for note in notes:
        places.setdefault(note.what, []).append(note.place)
    return tuple(f"{few(where)}: {what}." for what, where in places.items())


def few(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
