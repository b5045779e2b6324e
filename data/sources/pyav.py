"""Reading through PyAV: open a file without touching the network, skip what is damaged, set
pictures upright, and turn time stamps into seconds."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from data.errors import SourceError
from data.frame import Frame, Image
from data.reformat import Reformatter
from data.sources.turn import Turn, Turns

logger = logging.getLogger(__name__)

# A title in a foreign encoding is no reason to stop. PyAV 19 takes any without being told.
_TITLES: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
)

UPRIGHT = Turn()
_PLAYLISTS = (b"#EXTM3U", b"ffconcat")
_PATIENCE = 32
"""Unreadable stretches in a row after which a damaged file counts as ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright RGB image, its time stamp in ticks of the stream (None where it has none), and how
    it was turned."""

    pts: int | None
    image: Image
    turn: Turn = UPRIGHT


def open_file(path: Path) -> InputContainer:
    """The opened file. Raises SourceError where it is no video that FFmpeg knows.

    Only the `file` protocol is allowed, so that a playlist in disguise cannot make us connect.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise SourceError(f"{path}: cannot be opened ({error.strerror}).") from error
    if not head:
        raise SourceError(f"{path}: the file is empty. Copy or record it again.")
    if head.startswith(_PLAYLISTS):
        raise SourceError(f"{path}: a playlist, not a video. Name the video or the stream itself.")
    try:
        return open_quietly(f"file:{path}", protocols="file")
    except av.FFmpegError as error:
        failure = "cut short or not a video"
        raise explained(str(path), failure, error, "Copy it again or convert it.") from error


def open_quietly(
    url: str, protocols: str, *, timeout: float | None = None, options: dict[str, str] | None = None
) -> InputContainer:
    """The opened container, which may use only the named protocols. Raises av.FFmpegError.

    FFmpeg writes to standard error, past every handler of ours, and PyAV's own way into Python
    logging can lock up when several threads decode. So it is told to be quiet; what fails is raised
    as well.
    """
    av.logging.set_level(None)
    opened: InputContainer = av.open(
        url,
        options={"protocol_whitelist": protocols, **(options or {})},
        timeout=timeout,
        **_TITLES,
    )
    return opened


def explained(name: str, failure: str, error: av.FFmpegError, advice: str) -> SourceError:
    """FFmpeg's error as ours: what failed, FFmpeg's reason, and what to do."""
    # What FFmpeg says of a time limit explains nothing.
    reason = "nothing arrived in time" if isinstance(error, av.ExitError) else error.strerror
    return SourceError(f"{name}: {failure} ({reason}). {advice}")


def picture_stream(container: InputContainer, name: str) -> VideoStream:
    """The video stream that a player would show. Raises SourceError where none can be decoded."""
    stream = container.streams.best("video")
    if stream is None:
        raise SourceError(f"{name}: holds no pictures, only sound or data.")
    assert isinstance(stream, VideoStream)
    if stream.codec_context is None:
        raise SourceError(
            f"{name}: its codec is not known here. Convert it to H.264, for instance with ffmpeg."
        )
    return stream


def mean_rate(stream: VideoStream) -> float:
    """Frames per second over the whole stream; 0.0 where the header tells none."""
    return float(stream.average_rate or stream.guessed_rate or 0)


class Unreliable(Exception):
    """A quick reader is not to be trusted with the rest of the file."""


def quick_pictures(path: Path, after: int | None) -> Iterator[Picture]:
    """The pictures after the one of time stamp `after`, decoded on all processors; all, if None.

    With a thread per frame, what the decoder loses around damage depends on the machine, and goes
    unsaid. So each packet must make the one frame that it announces. Raises Unreliable at the first
    that does not.
    """
    with open_file(path) as container:
        stream = picture_stream(container, str(path))
        stream.thread_type = "AUTO"
        # Any doubt of the decoder's is an error, not a picture patched together.
        stream.codec_context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
        announced: list[int] = []
        is_new, picture_of = _Handover(after), _Pictures()
        try:
            for packet in container.demux(stream):
                if packet.is_corrupt or (packet.pts is None and packet.size):
                    raise Unreliable("a packet is damaged or has no time stamp")
                if packet.pts is not None and not packet.is_discard:
                    heapq.heappush(announced, packet.pts)
                for frame in stream.decode(packet):
                    if not announced or frame.pts != heapq.heappop(announced):
                        raise Unreliable(f"the frame of time stamp {frame.pts} is out of order")
                    if is_new(frame.pts):
                        yield picture_of(frame)
        except av.FFmpegError as error:
            raise Unreliable("a packet cannot be read or decoded") from error
        if announced:
            raise Unreliable(f"{len(announced)} frames are missing")


class Decoder:
    """One patient pass over an open container: pictures in the order of presentation.

    What is damaged is skipped; `damaged` counts the packets of which that is true so far.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, name: str) -> None:
        self.damaged = 0
        stream.thread_type = "SLICE"
        self._container = container
        self._stream = stream
        self._name = name

    def pictures(self, after: int | None = None) -> Iterator[Picture]:
        """The pictures after the one of time stamp `after`; all, if None.

        Raises SourceError when reading fails for another reason than damage: a lost connection, a
        failing disk.
        """
        is_new, picture_of = _Handover(after), _Pictures()
        for packet in self._packets():
            try:
                frames = self._stream.decode(packet)
            except av.FFmpegError as error:
                self._skip(error)
                continue
            if packet is not None and packet.is_corrupt:
                self._skip("a packet that is cut short")
            for frame in frames:
                if is_new(frame.pts):
                    yield picture_of(frame)

    def _packets(self) -> Iterator[av.Packet[VideoStream] | None]:
        """The packets and then an empty one or None, at which the decoder gives its last frames."""
        unreadable = 0
        while unreadable < _PATIENCE:
            try:
                for packet in self._container.demux(self._stream):
                    unreadable = 0
                    yield packet
                return
            except av.InvalidDataError as error:
                unreadable += 1
                self._skip(error)
            except av.FFmpegError as error:
                advice = "Check the disk or the connection."
                raise explained(self._name, "reading failed", error, advice) from error
        yield None

    def _skip(self, reason: object) -> None:
        self.damaged += 1
        logger.debug("%s: skipped: %s", self._name, reason)


class _Handover:
    """Tells of one frame after the other whether it comes after the last one that another reader
    delivered, which had the time stamp `after`. Later frames are new whatever their stamps."""

    def __init__(self, after: int | None) -> None:
        self._after = after

    def __call__(self, pts: int | None) -> bool:
        if self._after is None:
            return True
        if pts is None or pts < self._after:
            return False
        is_new = pts > self._after
        self._after = None
        return is_new


class _Pictures:
    """Decoded frames of one video as pictures."""

    def __init__(self) -> None:
        self._reformat, self._turns = Reformatter(), Turns()

    def __call__(self, frame: av.VideoFrame) -> Picture:
        turn = self._turns.of(frame)
        image = self._reformat(frame, "rgb24").to_ndarray().astype(np.uint8, copy=False)
        return Picture(frame.pts, turn.apply(image), turn)


def number(pictures: Iterable[Picture], *, tick: Fraction, fps: float) -> Iterator[Frame]:
    """Frames with their index and seconds since the first; `tick` is one time stamp in seconds.

    Seconds only grow: a picture without a time stamp, or with one that does not move on, comes one
    mean frame after the last, and the clock goes on from there.
    """
    step = 1 / fps if fps > 0 else 1 / 25
    seconds = -step
    origin: Fraction | None = None
    for index, picture in enumerate(pictures):
        stamp = None if picture.pts is None else picture.pts * tick
        if stamp is not None and origin is not None and float(stamp - origin) > seconds:
            seconds = float(stamp - origin)
        else:
            seconds += step
            if stamp is not None:
                origin = stamp - Fraction(seconds)
        yield Frame(index, seconds, picture.image, str(index))
