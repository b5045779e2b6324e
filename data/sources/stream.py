"""Stream: a network address that the user gave, read through PyAV."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import TracebackType
from urllib.parse import urlsplit

import av

from data.errors import SourceError
from data.frame import Frame
from data.sources import pyav
from data.sources.info import SourceInfo

_PROTOCOLS = {
    "http": "http,https,httpproxy,tls,tcp,crypto",
    "https": "http,https,httpproxy,tls,tcp,crypto",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
    "rtp": "rtp,udp",
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtp,udp,tls,tcp",
    "srt": "srt,udp",
    "tcp": "tcp",
    "udp": "udp",
}
"""What an address of each kind may lead to: a stream's playlist never opens a local file."""


class Stream:
    """A network stream; a live Source, so it is read once. Every frame is delivered."""

    def __init__(self, address: str, *, patience: float = 10.0) -> None:
        """Connects and reads one picture. `patience` is how many seconds the other side may be
        silent. Raises SourceError."""
        self._name = without_password(address)
        scheme = urlsplit(address).scheme.lower()
        if scheme not in _PROTOCOLS:
            known = ", ".join(sorted(_PROTOCOLS))
            raise SourceError(
                f"{self._name}: streams of the kind {scheme!r} are not read. Known are {known}."
            )
        # Over UDP, which FFmpeg would try first, pictures arrive torn.
        options = {"rtsp_flags": "prefer_tcp"} if scheme.startswith("rtsp") else {}
        try:
            self._container = pyav.open_quietly(
                address, _PROTOCOLS[scheme], timeout=patience, options=options
            )
        except av.FFmpegError as error:
            advice = "Check the address, and that the stream is being sent."
            raise pyav.explained(self._name, "cannot be opened", error, advice) from error
        self._lock = threading.Lock()
        self._is_open = True
        try:
            stream = pyav.picture_stream(self._container, self._name)
            self._pictures = pyav.Decoder(self._container, stream, self._name).pictures()
            first = next(self._pictures, None)
            if first is None or stream.time_base is None:
                raise SourceError(f"{self._name}: sends no picture that can be decoded.")
        except SourceError:
            self._container.close()
            raise
        self._first: pyav.Picture | None = first
        self._tick = stream.time_base
        height, width = first.image.shape[:2]
        self._info = SourceInfo(
            self._name, width, height, pyav.mean_rate(stream), count=None, live=True
        )

    @property
    def info(self) -> SourceInfo:
        return self._info

    def __iter__(self) -> Iterator[Frame]:
        """The frames from here on. Raises SourceError when the connection is lost."""
        return pyav.number(self._upcoming(), tick=self._tick, fps=self._info.fps)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._is_open = False
            self._container.close()

    def _upcoming(self) -> Iterator[pyav.Picture]:
        if self._first is not None:
            first, self._first = self._first, None
            yield first
        while (picture := self._next()) is not None:
            yield picture

    def _next(self) -> pyav.Picture | None:
        # The lock: FFmpeg crashes when a container is closed while a thread reads from it.
        with self._lock:
            return next(self._pictures, None) if self._is_open else None


def without_password(address: str) -> str:
    """The address as it may be shown and stored: without user name and password."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
