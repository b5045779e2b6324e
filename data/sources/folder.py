"""Images: still pictures as a source, in name order: a folder, a glob, or one image."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from data.errors import SourceError
from data.frame import Frame, Image
from data.jpeg import is_cut_short
from data.sources.info import SourceInfo

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def images_among(paths: Iterable[Path]) -> list[Path]:
    """The images, known by their suffix, in natural name order: img2 stands before img10.

    Hidden files are left out: copied folders hold `._img1.jpg` that are no images.
    """
    images = [path for path in paths if is_image(path) and not path.name.startswith(".")]
    return sorted(images, key=_name_order)


def is_image(path: Path) -> bool:
    """Whether the path is a file with an image's suffix."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _name_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    pieces = re.findall(r"\d+|\D+", str(path))
    natural = [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in pieces]
    return natural, str(path)


class Images:
    """Still pictures, one frame each; a Source that can be read again.

    Each frame keeps its own size, `info` has the first one's. Pictures carry no time: the rate is
    0 and every frame stands at second 0. EXIF orientation is applied; grey, 16-bit and transparent
    images become RGB, 8 bits.
    """

    def __init__(self, name: str, paths: Sequence[Path]) -> None:
        """`paths` in the order of delivery, at least one. Raises SourceError if the first cannot
        be read."""
        if not paths:
            raise ValueError("a source of images needs at least one path")
        height, width = read_image(paths[0]).shape[:2]
        self._paths = tuple(paths)
        self._info = SourceInfo(name, width, height, fps=0.0, count=len(paths))

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            yield Frame(index, 0.0, read_image(path), str(path))

    def __enter__(self) -> Images:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing is held open between two frames."""


def read_image(path: Path) -> Image:
    """The upright image, RGB, height x width x 3. Raises SourceError."""
    return _read(path, cv2.IMREAD_COLOR)


def read_as_stored(path: Path) -> Image:
    """The image as its cells lie in the file, not turned by its EXIF orientation. SourceError.

    Annotations were made, and are read by the published code, without that turn.
    """
    return _read(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)


def _read(path: Path, flags: int) -> Image:
    try:
        whole = not is_cut_short(path.read_bytes())
    except OSError as error:
        raise SourceError(f"{path}: cannot be read as an image ({error.strerror}).") from error
    if not whole:
        raise SourceError(f"{path}: cannot be read as an image, it is cut short. Copy it again.")
    try:
        image = cv2.imread(str(path), flags)
    except cv2.error as error:  # more pixels than OpenCV allows
        raise SourceError(f"{path}: cannot be read as an image ({error.err}).") from error
    if image is None:
        raise SourceError(f"{path}: cannot be read as an image. Mend it or take it away.")
    rgb: Image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    return rgb
