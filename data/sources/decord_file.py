"""Reading through Decord, the quicker reader of short and sound H.264, HEVC and MPEG-4 files.

Decord 0.6 has three habits that bound its use. It numbers frames by the packets of the file, and
repeats or shifts frames where the decoder makes fewer. It decodes ahead without limit, so that a
slow consumer ends up with the whole film in memory. It turns pictures upright, but not mirrored
ones. So the packets are read beforehand, without decoding, and Decord is given only files whose
packets are all sound and whose pictures would all fit in memory; PyAV reads the others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from data.sources import pyav
from data.sources.info import SourceInfo

try:
    import decord
except ImportError:  # no wheel for this processor: PyAV reads everything
    decord = None

# Containers that hold their pictures themselves: Decord's FFmpeg is an old one, and nothing that
# could name another address may reach it.
_CONTAINERS = ("mov,mp4", "matroska,webm", "avi")
# One packet is one frame in these; VP9 and its like hide frames in packets.
_CODECS = ("h264", "hevc", "mpeg4")
_ROOM = 512 * 2**20
"""Bytes that all pictures of a file may take, decoded."""


def suits(container: str, codec: str) -> bool:
    """Whether Decord is here and reads such files well; the names are FFmpeg's."""
    return decord is not None and container.startswith(_CONTAINERS) and codec in _CODECS


def pictures(path: Path, info: SourceInfo, tick: Fraction) -> Iterator[pyav.Picture]:
    """The pictures in order, of the size that `info` gives; `tick` is a time stamp in seconds.

    Raises pyav.Unreliable at the first one that Decord does not deliver or cannot be trusted with.
    """
    shape = (info.height, info.width, 3)
    stamps = sound_time_stamps(path, most=_ROOM // (info.height * info.width * 3))
    # FFmpeg inside it writes to standard error; what fails is raised as well.
    decord.logging.set_level(decord.logging.QUIET)
    failures = (
        decord.DECORDError,
        decord.DECORDLimitReachedError,
        RuntimeError,
        AssertionError,
        UnicodeError,
        StopIteration,
    )
    try:
        # The smallest tolerance there is: the first frame that is made up for raises.
        with _standard_error_silenced():
            reader = decord.VideoReader(str(path), ctx=decord.cpu(0), fault_tol=1e-9)
        times = reader.get_frame_timestamp(range(len(reader)))[:, 0]
    except failures as error:
        raise pyav.Unreliable("Decord cannot open it") from error
    expected = [float((pts - stamps[0]) * tick) for pts in stamps]
    # Decord's times are 32-bit floats.
    if len(times) != len(stamps) or not np.allclose(times - times[0], expected, 1e-6, 1e-3):
        raise pyav.Unreliable("Decord tells other times than the packets")
    for index, pts in enumerate(stamps):
        try:
            image = np.asarray(reader.next().asnumpy(), np.uint8)
        except failures as error:
            raise pyav.Unreliable(f"Decord fails at frame {index}") from error
        if image.shape != shape:
            raise pyav.Unreliable(f"frame {index} has the shape {image.shape}")
        yield pyav.Picture(pts, image)


def sound_time_stamps(path: Path, most: int) -> list[int]:
    """The time stamps of all frames, rising; at least one.

    Raises pyav.Unreliable where a packet is not sound, or there are more than `most`.
    """
    stamps: list[int] = []
    with pyav.open_file(path) as container:
        try:
            for packet in container.demux(pyav.picture_stream(container, str(path))):
                if packet.dts is None and packet.size == 0:
                    break  # the empty packet at the end
                if packet.pts is None or packet.is_corrupt or packet.is_discard:
                    raise pyav.Unreliable(
                        "a packet is damaged, not to be shown, or has no time stamp"
                    )
                stamps.append(packet.pts)
                if len(stamps) > most:
                    raise pyav.Unreliable("decoded, it might not fit in memory")
        except av.FFmpegError as error:
            raise pyav.Unreliable("a packet cannot be read") from error
    stamps.sort()
    if not stamps or any(later <= sooner for sooner, later in pairwise(stamps)):
        raise pyav.Unreliable("two frames have the same time")
    return stamps


@contextmanager
def _standard_error_silenced() -> Iterator[None]:
    """Drops what C++ writes to standard error; Decord's own words on opening know no level."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
