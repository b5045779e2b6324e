"""A stream of pictures over HTTP (MJPEG) that misbehaves when it is told to.

In a test, in this process:  `with MjpegServer() as server: Stream(server.address)`, then
`server.stall(2)`. In a process of its own, told through HTTP:

    python tests/live/mjpeg_server.py --people 2 --size 640x360 --rate 25
    curl 'http://127.0.0.1:PORT/fault/stall?seconds=5'

It prints its address and runs until its standard input ends.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
BOUNDARY = "frame"
FAULTS = ("stall", "drop", "refuse", "garbage", "resize", "steady")


def square(index: int) -> Image:
    """RGB (64, 96, 3): a bright square on grey that goes to and fro, as the tests' videos show."""
    left = 5 + 2 * abs(index % 60 - 30)
    image = np.full((64, 96, 3), 40, np.uint8)
    image[20:44, left : left + 24] = 220
    return image


class MjpegServer:
    """Serves pictures at `rate` per second at `address`, the same to all clients; a context
    manager.

    `stall(seconds)`: nothing is sent, connections stay. `drop()`: all connections end now.
    `refuse(seconds)`: they end, and new ones are turned away. `garbage(seconds)`: random bytes in
    and between the parts, and JPEGs cut short. `resize(width, height)`: pictures of another size
    from now on. `steady()`: all is as in the beginning.
    """

    def __init__(
        self, pictures: Sequence[Image] | None = None, *, rate: float = 25.0, port: int = 0
    ) -> None:
        self.rate, self.sent, self.clients, self.connections = rate, 0, 0, 0
        self._pictures = [square(i) for i in range(60)] if pictures is None else list(pictures)
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._closed = threading.Event()
        self._encoded: list[bytes] = []
        self.steady()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/stream.mjpg"

    def stall(self, seconds: float) -> None:
        self._silent_until = time.monotonic() + seconds

    def drop(self) -> None:
        self._generation += 1

    def refuse(self, seconds: float) -> None:
        self._refusing_until = time.monotonic() + seconds
        self.drop()

    def garbage(self, seconds: float) -> None:
        self._garbage_until = time.monotonic() + seconds

    def resize(self, width: int, height: int) -> None:
        # Encoded once: at 25 frames per second the encoder would be a load of its own.
        pictures = [cv2.resize(image, (width, height)) for image in self._pictures]
        self._encoded = [_jpeg(image) for image in pictures]

    def steady(self) -> None:
        self._silent_until = self._refusing_until = self._garbage_until = 0.0
        self._generation = 0
        height, width = self._pictures[0].shape[:2]
        self.resize(width, height)

    def __enter__(self) -> MjpegServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closed.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def refuses(self) -> bool:
        return time.monotonic() < self._refusing_until

    def feed(self, send: Callable[[bytes], object]) -> None:
        """Send pictures until the connection is to end."""
        with self._lock:
            self.clients += 1
            self.connections += 1
            random = np.random.default_rng(self.connections)
        generation, index = self._generation, self._now()
        try:
            while not self._closed.is_set() and generation == self._generation:
                now = time.monotonic()
                if now >= self._silent_until:
                    picture = self._encoded[index % len(self._encoded)]
                    send(_spoilt(picture, random) if now < self._garbage_until else _part(picture))
                    with self._lock:
                        self.sent += 1
                # The next picture's time by the clock: who is slow skips, as before a camera.
                index = max(index + 1, self._now())
                self._closed.wait(max(0.0, self._start + index / self.rate - time.monotonic()))
        except OSError:
            pass  # the other side has gone
        finally:
            with self._lock:
                self.clients -= 1

    def command(self, fault: str, seconds: float, size: tuple[int, int]) -> None:
        """A fault by its name, as the HTTP address and a script have it."""
        if fault in ("stall", "refuse", "garbage"):
            getattr(self, fault)(seconds)
        elif fault == "resize":
            self.resize(*size)
        elif fault == "drop":
            self.drop()
        else:
            self.steady()

    def _now(self) -> int:
        return int((time.monotonic() - self._start) * self.rate)


def _handler(feed: MjpegServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            fault = parts.path.removeprefix("/fault/")
            if fault in FAULTS:
                given = parse_qs(parts.query)
                width, _, height = given.get("size", ["96x64"])[0].partition("x")
                feed.command(
                    fault, float(given.get("seconds", ["3"])[0]), (int(width), int(height))
                )
                self._answer(204)
            elif parts.path != "/stream.mjpg":
                self._answer(404)
            elif feed.refuses:
                self._answer(503)
            else:
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                feed.feed(self.wfile.write)
            self.close_connection = True

        def _answer(self, code: int) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    return Handler


def _jpeg(image: Image) -> bytes:
    return bytes(cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1])


def _part(body: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n"


def _spoilt(picture: bytes, random: np.random.Generator) -> bytes:
    """A part of random bytes, a JPEG cut short, one with wrong bytes, or noise between parts."""
    noise = random.bytes(int(random.integers(1, 4000)))
    half = len(picture) // 2
    wrong = picture[:half] + noise[:200] + picture[half + 200 :]
    choices = (_part(noise), _part(picture[:half]), _part(wrong), noise + _part(picture))
    return choices[int(random.integers(len(choices)))]


def drawn_people(count: int, size: tuple[int, int], seconds: float, rate: float) -> list[Image]:
    """A drawn scene there and back again, so that it loops without a jump."""
    from data.synthetic.presets import scene

    images = [f.image for f, _ in scene(3, size=size, people=count, seconds=seconds, fps=rate)]
    return [*images, *images[-2:0:-1]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--rate", type=float, default=25.0)
    parser.add_argument("--people", type=int, default=0, help="0 shows a square")
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--seconds", type=float, default=8.0, help="of the drawn scene")
    options = parser.parse_args()
    pictures = None
    if options.people:
        width, height = map(int, options.size.split("x"))
        pictures = drawn_people(options.people, (width, height), options.seconds, options.rate)
    with MjpegServer(pictures, rate=options.rate, port=options.port) as server:
        print(server.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
