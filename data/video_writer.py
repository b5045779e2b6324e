"""VideoWriter: frames to an H.264 file that browsers play, under its final name only when whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Literal

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from data.draft import output_error
from data.frame import Image
from data.reformat import Reformatter

TICKS = 90_000
"""Ticks per second of the file's clock: MPEG's own, in which 23.976, 25, 29.97 and 60 are whole."""

Effort = Literal["veryfast", "superfast"]
"""A preset of x264: how much it tries to make the file small."""

QUALITY: dict[Effort, str] = {"veryfast": "21", "superfast": "22"}
"""CRF: thin coloured lines on real footage stay clean; at veryfast, 23 smears them. On overlays of
real clips superfast took 0.6 of the time, with no more noise (PSNR), for half as many bytes again.
"""
BT709 = 1  # the number of ITU-R BT.709 in H.264's tables of matrices, primaries and curves
STUDIO_RANGE = 1  # 16..235, what players expect of yuv420p


class VideoWriter:
    """An .mp4 file under way: H.264, yuv420p, its index in front of the pictures.

    While it is written it is called `<name>.partial`; `close` renames it. A `with` block that ends
    with an exception calls `abandon`, which removes the partial file and leaves whatever stood
    under the final name as it was. Closed without a single frame it leaves no file either: a video
    without pictures is one that players refuse.

    `size` is (width, height); odd sizes are padded to even ones, as yuv420p needs. `fps` is the
    announced rate and the pace of frames that come without a time. Raises OutputError when the
    file cannot be made or written.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], fps: float, *, effort: Effort = "veryfast"
    ) -> None:
        if min(size) < 1:
            raise ValueError(f"a video of {size[0]}x{size[1]} pixels")
        if not 0 < fps < float("inf"):
            raise ValueError(f"a video of {fps} frames per second")
        self.path = path
        self._size = size
        self._fps, self._effort = fps, effort
        self._length = max(1, round(TICKS / fps))
        self._partial = path.with_name(path.name + ".partial")
        self._last = -1
        self._reformat = Reformatter()
        self._container: OutputContainer | None = None
        try:
            # FFmpeg opens the file only with the first frame: find out now whether it can be made.
            self._partial.open("wb").close()
            self._container, self._stream = self._open()
        except (OSError, FFmpegError) as error:
            with contextlib.suppress(OSError):
                self._partial.unlink(missing_ok=True)
            raise output_error(self.path, error) from error

    def write(self, image: Image, seconds: float | None = None) -> None:
        """Append an RGB image (height, width, 3), shown from `seconds` on.

        Without `seconds` it is shown one frame's length after its predecessor. Times that do not
        increase are moved to the next tick, as the format needs. An image of another size than the
        video's is scaled to fit and centred on black.
        """
        if self._container is None:
            raise ValueError(f"{self.path} is closed")
        if seconds is None:
            ticks = self._last + self._length if self._last >= 0 else 0
        else:
            ticks = round(seconds * TICKS)
        self._last = max(ticks, self._last + 1)
        frame = av.VideoFrame.from_ndarray(_even(_fitted(image, self._size)), "rgb24")
        # Without the matrix of the tags below, players shift the colours of HD video.
        frame = self._reformat(frame, "yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
        frame.time_base = Fraction(1, TICKS)
        frame.pts = self._last
        try:
            self._mux(self._stream.encode(frame))
        except (OSError, FFmpegError) as error:
            raise output_error(self.path, error) from error

    def close(self) -> None:
        """Finish the file and give it its name; nothing where it is closed already."""
        if self._container is None:
            return
        if self._last < 0:
            return self.abandon()
        try:
            self._mux(self._stream.encode(None))
            self._container.close()
            os.replace(self._partial, self.path)
        except (OSError, FFmpegError) as error:
            raise output_error(self.path, error) from error
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Give up: release the file and remove the partial one; nothing where it is closed."""
        container, self._container = self._container, None
        if container is None:
            return
        # Whatever else goes wrong now, the error that led here is the one to tell.
        with contextlib.suppress(OSError, FFmpegError):
            container.close()
        with contextlib.suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _mux(self, packets: Iterable[Packet[VideoStream]]) -> None:
        assert self._container is not None
        for packet in packets:
            packet.duration = self._length  # counts for the last one; else the next time does
            self._container.mux(packet)

    def _open(self) -> tuple[OutputContainer, VideoStream]:
        container = av.open(
            str(self._partial), "w", format="mp4", options={"movflags": "faststart"}
        )
        rate = Fraction(self._fps).limit_denominator(1001)
        # With its macroblock tree, x264's answer to the same frames differed from run to run
        # (seen in 14 runs of 40 small frames); an interrupted run is to end like any other.
        crf = QUALITY[self._effort]
        options = {"crf": crf, "preset": self._effort, "x264-params": "mbtree=0"}
        stream = container.add_stream("libx264", rate=rate or 1, options=options)
        stream.width, stream.height = (side + side % 2 for side in self._size)
        stream.pix_fmt = "yuv420p"
        coder = stream.codec_context
        coder.time_base = Fraction(1, TICKS)
        coder.gop_size = max(1, round(2 * self._fps))  # a player can jump to every other second
        # x264 would start one and a half threads per core and fight the networks for them; and
        # with one thread the bytes do not depend on the machine's number of cores.
        coder.thread_count = 1
        coder.colorspace = coder.color_primaries = coder.color_trc = BT709
        coder.color_range = STUDIO_RANGE
        return container, stream


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    """The image itself where it has `size`, else scaled to fit and centred on black."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    zoom = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * zoom)), max(1, round(height * zoom))
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    canvas[top : top + inner[1], left : left + inner[0]] = cv2.resize(
        image, inner, interpolation=method
    )
    return canvas


def _even(image: Image) -> Image:
    """The image with its last column and row doubled where their number is odd."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(image)
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
