"""What tests of the page share: a live run, a backend and a worker that are made up, served."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from data.errors import ConfigError
from data.frame import Image
from data.pose import Box, Pose
from data.skeleton import COCO_17
from data.video_writer import VideoWriter
from fspose_app.config import Scheme
from fspose_app.live.frame import LiveFrame
from fspose_app.live.serve.app import Uploads, make_app
from fspose_app.live.serve.desk import OVER, Desk, RunState
from fspose_app.live.serve.jobs import Cancel, Jobs
from fspose_app.live.serve.server import Server, listen
from fspose_app.live.serve.sources import Address, Sources
from fspose_app.live.serve.uploads import Bounds


class FakeRun:
    """A live run with `rate` frames per second as soon as it is let run; an easy one to stop."""

    def __init__(self, address: str = "", *, rate: float = 50.0, starts: bool = True) -> None:
        self.address, self.rate = address, rate
        self.state: RunState = "starting"
        self.message = f"Opening {address}."
        self.asked = 0
        self._starts = starts
        self._begun = time.monotonic()
        self._over = threading.Event()

    def start(self) -> None:
        self._begun = time.monotonic()
        if self._starts:
            self.state, self.message = "running", ""

    def stop(self, timeout: float = 10.0) -> None:
        self.state = "stopped"
        self._over.set()

    def fail(self, message: str) -> None:
        self.message, self.state = message, "failed"
        self._over.set()

    def newer(self, than: int, timeout: float) -> LiveFrame | None:
        self.asked += 1
        if self.state != "running":
            self._over.wait(timeout)
            return None
        wait = self._begun + (than + 1) / self.rate - time.monotonic()
        if self._over.wait(min(max(wait, 0.0), timeout)) or wait > timeout:
            return None
        index = max(than + 1, int((time.monotonic() - self._begun) * self.rate))
        picture = np.full((48, 64, 3), index % 256, np.uint8)
        return LiveFrame(
            index=index,
            captured=time.monotonic() - 0.05,
            latency=0.05,
            picture=picture,
            people=2,
            keyframe=index % 16 == 0,
            dropped=index // 2,
            rate=self.rate,
            times={"find": 0.002, "fast": 0.011},
        )


class FakeBackend:
    """Finds one person in every picture, as large as the picture."""

    skeleton = COCO_17

    def poses(self, image: Image) -> list[Pose]:
        height, width = image.shape[:2]
        points = np.tile(np.float32([width / 2, height / 3]), (17, 1))
        scores = np.linspace(0, 1.2, 17, dtype=np.float32)
        return [Pose(points, scores, Box(0, 0, width, height), 0.9)]


@dataclass
class FakeWork:
    """Follows nobody: three frames, an overlay and a result, as quickly as `gate` lets it."""

    gate: threading.Event = field(default_factory=threading.Event)
    seen: list[str] = field(default_factory=list)
    error: Callable[[Path], Exception] | None = None

    def __call__(
        self,
        upload: Path,
        out: Path,
        *,
        name: str,
        scheme: Scheme,
        tell: Callable[[int, int | None], None],
        stop: Cancel,
    ) -> None:
        self.seen.append(name)
        tell(0, 3)
        tell(1, 3)
        while not (self.gate.wait(0.02) or stop.wanted):
            pass
        if self.error is not None:
            raise self.error(upload)
        with VideoWriter(out / "overlay.mp4", (64, 48), 10.0) as video:
            for _ in range(3):
                video.write(np.zeros((48, 64, 3), np.uint8))
        (out / "result.jsonl").write_text('{"schema":"fspose.result/1"}\n')
        tell(3, 3)


@dataclass
class Served:
    """A served application, and what stands behind it."""

    url: str
    client: httpx.Client
    desk: Desk
    runs: list[FakeRun]
    work: FakeWork
    jobs: Jobs
    folder: Path

    def job(self, number: str, *states: str) -> dict[str, object]:
        """A job's answer, as soon as it has one of the states."""
        return until(
            lambda: self.client.get(f"/v1/jobs/{number}").json(),
            lambda answer: answer["state"] in (states or ("done", "failed")),
        )

    def left(self) -> list[str]:
        """The files of all jobs."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


def until(look: Callable[[], object], good: Callable[[object], bool], patience: float = 10.0):
    """What `look` finds, as soon as it is `good`."""
    end = time.monotonic() + patience
    while not good(found := look()):
        assert time.monotonic() < end, f"still {found}"
        time.sleep(0.01)
    return found


@pytest.fixture(name="until", scope="session")
def until_fixture() -> Callable[..., object]:
    return until


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Serves the application at a free port of loopback; all of it ends with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(served(tmp_path, **options))


TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="session")
def kept_plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("plain"), named=("/films/secret/other.mp4",)) as one:
        yield one


@pytest.fixture(scope="session")
def kept_locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("locked"), token=TOKEN) as one:
        yield one


@pytest.fixture
def plain(kept_plain: Served) -> Served:
    """A server without token that many tests share; nothing is followed, no job is there."""
    kept_plain.client.post("/v1/live/stop")
    kept_plain.runs.clear()
    assert kept_plain.left() == [], "a test left files of its jobs"
    return kept_plain


@pytest.fixture
def locked(kept_locked: Served) -> Served:
    """A server with the token TOKEN that many tests share; the client does not know it."""
    kept_locked.client.cookies.clear()
    return kept_locked


@pytest.fixture(scope="session")
def token() -> str:
    return TOKEN


@contextmanager
def served(
    folder: Path,
    *,
    named: tuple[str, ...] = (),
    is_open: bool = True,
    token: str | None = None,
    bounds: Bounds | None = None,
    keep: float = 3600.0,
    run: Callable[[str], FakeRun] = FakeRun,
    shown: FakeRun | None = None,
    silence: int = 120_000,
) -> Iterator[Served]:
    runs: list[FakeRun] = []

    def make(address: Address, scheme: Scheme) -> FakeRun:
        if address.label == "broken.mp4":
            raise ConfigError("The settings do not fit.")
        runs.append(run(address.address))
        return runs[-1]

    jobs_folder = folder / "jobs"
    jobs_folder.mkdir()
    work = FakeWork()
    work.gate.set()
    jobs = Jobs(jobs_folder, work, keep=keep)
    desk = Desk(None if shown else make, Sources(named, is_open=is_open))
    uploads = Uploads(jobs, FakeBackend(), bounds or Bounds(1_000_000))
    app = make_app(
        desk,
        token=token,
        scheme=None if shown else "fast-slow",
        uploads=None if shown else uploads,
        shown=None if shown is None else (shown, Address("", "live")),
    )
    with listen("127.0.0.1", 0, token) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = Server(app, listening, let_go=desk.let_go, silence=silence)
        server.start()
        with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
            until(lambda: client.get("/health").status_code, lambda status: status == 200)
            try:
                yield Served(url, client, desk, runs, work, jobs, jobs_folder)
            finally:
                client.close()
                work.gate.set()
                server.stop()
                jobs.close()
    assert all(run.state in OVER for run in runs), "a run outlives its server"


@pytest.fixture
def a_run() -> FakeRun:
    return FakeRun()


@pytest.fixture
def run_that_never_starts() -> Callable[[str], FakeRun]:
    return partial(FakeRun, starts=False)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A video of three frames."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, (64, 48), 10.0) as video:
        for level in (0, 100, 200):
            video.write(np.full((48, 64, 3), level, np.uint8))
    return path.read_bytes()


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A JPEG of 64 x 48 pixels."""
    image = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()
