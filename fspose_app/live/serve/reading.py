"""What an upload is, found out by opening it: its name and its type by the sender tell nothing."""

from __future__ import annotations

import io
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image as Pillow

from data.errors import SourceError
from data.frame import Image
from data.jpeg import is_cut_short
from data.sources import pyav

MOST_PIXELS = 40_000_000  # of a picture or a video's frame: 8K has 33 million
# Containers that hold their pictures themselves. Others (playlists, manifests, scripts) name files
# to read, and FFmpeg would read ours.
CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,asf"
PICTURES = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")


def check_video(path: Path, name: str) -> None:
    """Raises SourceError where a file, called `name`, is not a video whose pictures can be read."""
    try:
        container = pyav.open_quietly(
            f"file:{path}", "file", options={"format_whitelist": CONTAINERS}
        )
    except av.FFmpegError as error:
        advice = "Send a video file, such as MP4, WebM or AVI."
        raise pyav.explained(name, "not a video, or cut short", error, advice) from error
    with container:
        stream = pyav.picture_stream(container, name)
        if stream.width * stream.height > MOST_PIXELS:
            raise _too_many_pixels(f"A frame of {name}")
        if next(pyav.Decoder(container, stream, name).pictures(), None) is None:
            raise SourceError(f"{name}: no picture in it can be decoded.")


def picture_of(content: bytes) -> Image:
    """The upright RGB image (h, w, 3) of a picture's bytes. Raises SourceError."""
    try:
        with Pillow.open(io.BytesIO(content), formats=PICTURES) as header:
            width, height = header.size
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise _too_many_pixels("The picture") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise SourceError(f"The file is no picture: expected {', '.join(PICTURES)}.") from error
    if width * height > MOST_PIXELS:
        raise _too_many_pixels("The picture")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise SourceError(f"The picture cannot be read ({error.err}).") from error
    if image is None or is_cut_short(content):
        raise SourceError("The picture cannot be read: it is damaged or cut short.")
    rgb: Image = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    return rgb


def _too_many_pixels(what: str) -> SourceError:
    return SourceError(
        f"{what} has more than the {MOST_PIXELS / 1e6:g} million pixels that are read here."
    )
