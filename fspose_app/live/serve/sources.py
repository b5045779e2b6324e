"""Sources: what may be followed live from the page: what was named at the start, and cameras and
addresses. Never a path that comes from a page: it would show any film of this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from data.errors import ConfigError
from data.sources.stream import without_password


@dataclass(frozen=True, slots=True)
class Address:
    """What `open_source` takes, and what a page may see of it."""

    address: str
    label: str
    is_file: bool = False

    def hide_in(self, told: str) -> str:
        """A message without the address where that holds a folder or a password."""
        return told.replace(self.address, self.label) if "/" in self.address else told


def address_of(source: str) -> Address:
    """A source under its label: a file's name, an address without password, `Camera 0`."""
    camera = re.fullmatch(r"(?:webcam:)?(\d{1,4})", source)
    if camera:
        return Address(source, f"Camera {int(camera[1])}")
    if "://" in source:
        return Address(source, without_password(source))
    return Address(source, Path(source).name or "folder", is_file=True)


class Sources:
    """The sources named at the start; with `is_open` any camera and any stream address too."""

    def __init__(self, named: Sequence[str], *, is_open: bool) -> None:
        self.is_open = is_open
        self._named: dict[str, Address] = {}
        for source in named:
            plain = address_of(source)
            label, count = plain.label, 1
            while label in self._named:
                count += 1
                label = f"{plain.label} ({count})"
            self._named[label] = replace(plain, label=label)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self._named)

    @property
    def files(self) -> tuple[str, ...]:
        """Those that are files or folders of this machine."""
        return tuple(one.address for one in self._named.values() if one.is_file)

    def find(self, asked: str) -> Address:
        """The source that a page asks for. Raises ConfigError."""
        if asked in self._named:
            return self._named[asked]
        if not self.is_open:
            raise ConfigError("Only the sources that were named at the start may be followed.")
        if re.fullmatch(r"(?:webcam:)?[0-9]{1,4}", asked) or re.match(
            r"[A-Za-z][A-Za-z0-9+.-]*://.", asked
        ):
            return address_of(asked)
        raise ConfigError(
            "The source is no camera number, no stream address and none of those named at the "
            "start."
        )
