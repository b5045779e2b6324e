"""Tiny videos, written anew for each test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from data.frame import Frame, Image

WriteVideo = Callable[..., Path]


@pytest.fixture
def write_video(tmp_path: Path) -> WriteVideo:
    """Writes images as a video; `times` are milliseconds, else 10 frames stand in a second."""

    def write(
        images: Sequence[Image],
        name: str = "clip.mp4",
        *,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        times: Sequence[int] | None = None,
        faststart: bool = False,
        **codec_options: str,
    ) -> Path:
        path = tmp_path / name
        options = {"movflags": "faststart"} if faststart else {}
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream(codec, rate=10, options=codec_options)
            stream.height, stream.width = images[0].shape[:2]
            stream.pix_fmt = pixels
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            for index, image in enumerate(images):
                frame = av.VideoFrame.from_ndarray(image, "rgb24")
                if times is not None:
                    frame.pts, frame.time_base = times[index], Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return write


@pytest.fixture
def greys() -> Callable[..., list[Image]]:
    """Images that tell their number by their brightness: 5 grey levels from one to the next."""

    def make(count: int, *, width: int = 64, height: int = 48) -> list[Image]:
        return [np.full((height, width, 3), 20 + 5 * i, np.uint8) for i in range(count)]

    return make


@pytest.fixture
def numbers_of() -> Callable[[Sequence[Frame]], list[int]]:
    """Which of the grey images each frame shows."""
    return lambda frames: [round((float(frame.image.mean()) - 20) / 5) for frame in frames]


@pytest.fixture
def packet_places() -> Callable[[Path], list[tuple[int, int]]]:
    """Where each packet of a video begins and ends in its file."""

    def places(path: Path) -> list[tuple[int, int]]:
        with av.open(str(path)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            return [(packet.pos, packet.pos + packet.size) for packet in packets]

    return places


@pytest.fixture
def spoil(
    packet_places: Callable[[Path], list[tuple[int, int]]],
) -> Callable[[Path, Sequence[int]], None]:
    """Overwrites what the packets of the given numbers hold."""

    def overwrite(path: Path, packets: Sequence[int]) -> None:
        places = packet_places(path)
        content = bytearray(path.read_bytes())
        for start, end in (places[number] for number in packets):
            content[start:end] = b"\xff" * (end - start)
        path.write_bytes(content)

    return overwrite
