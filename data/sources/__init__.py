"""open_source: what a person names on the command line becomes a Source."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from data.errors import SourceError
from data.sources.camera import Camera
from data.sources.folder import SUFFIXES, Images, images_among, is_image
from data.sources.info import Source
from data.sources.stream import Stream
from data.sources.video import VideoFile


def open_source(address: str, *, patience: float | None = None) -> Source:
    """The source behind `address`: a video file, a folder or glob of images, an image, a camera
    number (`0`, `webcam:0`) or a stream address (`rtsp://…`).

    A file whose name looks like a camera number is named with its folder: `./0`. `patience` is how
    many seconds a camera or stream may be silent, where it is not to be their own. Raises
    SourceError where nothing can be opened or read.
    """
    camera = re.fullmatch(r"(?:webcam:)?(\d{1,4})", address)
    if camera:
        number = int(camera[1])
        return Camera(number) if patience is None else Camera(number, patience=patience)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address):
        return Stream(address) if patience is None else Stream(address, patience=patience)
    if not address:
        raise SourceError(
            "The source's name is empty. Name a video, a folder, a camera or a stream."
        )
    path = Path(address)
    if path.is_dir():
        return _open_folder(path, address)
    if path.exists():
        return Images(address, [path]) if is_image(path) else VideoFile(path)
    if glob.has_magic(address):
        return _open_glob(address)
    raise SourceError(f"{address}: no such file or folder. Check the name and the working folder.")


def _open_folder(folder: Path, address: str) -> Images:
    try:
        images = images_among(folder.iterdir())
    except OSError as error:
        raise SourceError(f"{address}: cannot be listed ({error.strerror}).") from error
    if not images:
        raise SourceError(
            f"{address}: a folder without images. Expected files that end in {', '.join(SUFFIXES)}."
        )
    return Images(address, images)


def _open_glob(pattern: str) -> Images:
    images = images_among(Path(match) for match in glob.iglob(pattern, recursive=True))
    if not images:
        raise SourceError(
            f"{pattern}: matches no image. Expected files that end in {', '.join(SUFFIXES)}."
        )
    return Images(pattern, images)
