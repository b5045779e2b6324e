"""Pictures of frames for a report: small, with the people in question framed, inside the page."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import cv2
import numpy as np

from data.errors import SourceError
from data.flat_sequence import FlatSequence
from data.frame import Image
from data.json_fields import Doubles
from data.sources.folder import is_image, read_as_stored

WIDTH, HEIGHT = 360, 270  # that a picture fits into, in pixels
QUALITY = 82  # of its JPEG, per cent
MARGIN = 0.12  # of a person's keypoints' extent, around them

_LINE, _EDGE = (240, 228, 66), (20, 20, 20)  # yellow on black is seen on anything
_FONT = cv2.FONT_HERSHEY_SIMPLEX


def picture_path(root: Path, frame_name: str) -> Path:
    """The image of a frame, below `root`, from which its name starts; `root` may also be the
    folder that the name starts with.

    Raises SourceError, whose message is only the reason, where there is none. Names come out of
    files that anybody may have made: whatever leads out of `root` is refused, links too.
    """
    parts = PurePosixPath(frame_name).parts
    windows = PureWindowsPath(frame_name)
    if not parts or ".." in (*parts, *windows.parts) or parts[0] == "/" or windows.anchor:
        raise SourceError("the annotation's file name leads out of --images")
    inside = Path(os.path.realpath(root))
    below = [root.joinpath(*parts)]
    if parts[0] in (inside.name, Path(os.path.abspath(root)).name):
        below.append(root.joinpath(*parts[1:]))
    for path in below:
        try:
            real = Path(os.path.realpath(path))
            is_there = is_image(path)
        except (OSError, ValueError):  # names that no file can have
            continue
        if is_there and not real.is_relative_to(inside):
            raise SourceError("the annotation's file name leads out of --images")
        if is_there:
            return real
    raise SourceError("no such image below --images")


def picture(root: Path, truth: FlatSequence, frame: int, tracks: Sequence[int]) -> str:
    """The frame as a data URI, the annotated people of these tracks framed and numbered.

    Raises SourceError, whose message is only the reason, where it cannot be shown.
    """
    path = picture_path(root, truth.frame_names[frame])
    try:
        image = read_as_stored(path)
    except SourceError as error:
        raise SourceError("cannot be read as an image") from error
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0], 1.0)
    size = [max(1, round(scale * side)) for side in (image.shape[1], image.shape[0])]
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    for track in tracks:
        for person in np.flatnonzero((truth.frame == frame) & (truth.track == track)):
            points = truth.points[person][truth.present[person]]
            _frame(small, scale * points, f"{track}")
    shown = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode()}"


def _frame(image: Image, points: Doubles, words: str) -> None:
    """A rectangle around points (n, 2), with words at its upper left corner."""
    if not len(points):
        return
    margin = MARGIN * np.ptp(points, axis=0) + 3
    corners = np.array([points.min(0) - margin, points.max(0) + margin])
    edge = np.array([image.shape[1], image.shape[0]])
    low, high = np.clip(corners, 0, edge - 1).round().astype(int).tolist()
    for tone, width in ((_EDGE, 3), (_LINE, 1)):
        cv2.rectangle(image, low, high, tone, width)
    (wide, tall), _ = cv2.getTextSize(words, _FONT, 0.42, 1)
    left = min(low[0], int(edge[0]) - wide - 4)
    top = low[1] - tall - 5 if low[1] > tall + 5 else low[1]
    cv2.rectangle(image, (left, top), (left + wide + 3, top + tall + 5), _EDGE, cv2.FILLED)
    cv2.putText(image, words, (left + 2, top + tall + 2), _FONT, 0.42, _LINE, 1, cv2.LINE_AA)
