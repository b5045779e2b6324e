"""Images by the names that annotations give them: in a folder, or in tar shards."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from data.errors import SourceError
from data.frame import Image
from data.sources.folder import read_as_stored

SUFFIX = ".tar"


class ImageStore(Protocol):
    """Where annotated images lie; several threads may read at a time."""

    def read(self, name: str) -> Image:
        """The image as its cells lie in the file, RGB, height x width x 3. Raises SourceError."""

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""

    def place(self, name: str) -> str:
        """Where the file is, or would be, in words."""


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """Names are paths below `folder`."""

    folder: Path

    def read(self, name: str) -> Image:
        return read_as_stored(self.folder / name)

    def has(self, name: str) -> bool:
        return (self.folder / name).is_file()

    def place(self, name: str) -> str:
        return str(self.folder / name)


@dataclass(frozen=True, slots=True, eq=False)
class Shards:
    """Names are those of members of uncompressed tar files: the file, and the bytes' place."""

    path: Path
    members: dict[str, tuple[Path, int, int]]

    @classmethod
    def of(cls, path: Path, files: Iterable[Path]) -> Shards:
        """SourceError for a file that is no such archive, and for a name that occurs twice."""
        members: dict[str, tuple[Path, int, int]] = {}
        for file in files:
            for member in _listed(file):
                if member.name in members:
                    raise SourceError(
                        f"{file}: {member.name} is also in {members[member.name][0].name}. "
                        "Each image needs a name of its own."
                    )
                members[member.name] = file, member.offset_data, member.size
        return cls(path, members)

    def read(self, name: str) -> Image:
        if name not in self.members:
            raise SourceError(f"{self.place(name)} is missing.")
        file, start, size = self.members[name]
        try:
            with file.open("rb") as opened:
                opened.seek(start)
                content = opened.read(size)
        except OSError as error:
            raise SourceError(f"{file}: cannot be read ({error.strerror or error}).") from error
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION  # as annotated
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
        except cv2.error as error:  # more pixels than OpenCV allows
            raise SourceError(f"{self.place(name)} cannot be read as an image.") from error
        if image is None:
            raise SourceError(f"{self.place(name)} cannot be read as an image.")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def has(self, name: str) -> bool:
        return name in self.members

    def place(self, name: str) -> str:
        return f"{name} in the shards of {self.path}"


def open_images(path: Path) -> ImageStore:
    """The images below a folder; of a tar file, or of a folder of tar files, those in them.

    Raises SourceError for a path that is neither, and for a shard that cannot be read.
    """
    if path.is_file():
        return Shards.of(path, [path])
    if not path.is_dir():
        raise SourceError(f"{path}: no such folder or tar file of images.")
    shards = sorted(path.glob(f"*{SUFFIX}"))
    return Shards.of(path, shards) if shards else ImageFolder(path)


def require(images: ImageStore, names: Iterable[str]) -> None:
    """SourceError unless every image is there; else training would break off far in."""
    wanted = list(dict.fromkeys(names))
    missing = [name for name in wanted if not images.has(name)]
    if missing:
        raise SourceError(
            f"{len(missing)} of {len(wanted)} images are missing, the first is "
            f"{images.place(missing[0])}. Name the folder that the annotations' image paths start "
            "from, or take these images out of the annotations."
        )


def _listed(file: Path) -> list[tarfile.TarInfo]:
    """The files of an uncompressed archive; SourceError.

    Links and devices are none. Nothing is unpacked, so that names with `..` lead nowhere.
    """
    found: list[tarfile.TarInfo] = []
    try:
        with tarfile.open(file, "r:") as archive:
            end = 0
            while (member := archive.next()) is not None:
                if member.size < 0 or member.offset < end:
                    raise tarfile.ReadError("it leads back into itself")
                end = member.offset_data
                if member.isfile() and not member.issparse():
                    found.append(member)
    # tarfile itself lets the last three through, of headers with absurd sizes and chains of them
    except (tarfile.TarError, OSError, ValueError, MemoryError, RecursionError) as error:
        raise SourceError(f"{file}: cannot be read as an uncompressed tar file.") from error
    return found
