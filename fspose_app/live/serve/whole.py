"""serve_all: the page with all it can do, wired from settings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from data.sources import open_source
from fspose_app import build
from fspose_app.config import Scheme
from fspose_app.live.run import LiveRun
from fspose_app.live.serve.app import Uploads, make_app
from fspose_app.live.serve.desk import Desk, Run
from fspose_app.live.serve.folder import job_folder
from fspose_app.live.serve.jobs import Jobs
from fspose_app.live.serve.server import Server, listen, run_until_stopped, tell_address
from fspose_app.live.serve.settings import ServeSettings
from fspose_app.live.serve.sources import Address, Sources
from fspose_app.live.serve.uploads import Bounds
from fspose_app.live.serve.work import Follow
from models import device

MEGA = 1_000_000


def serve_all(settings: ServeSettings, sources: Sequence[str]) -> int:
    """The page and the API until Ctrl-C; the exit code. Raises FsposeError where nothing can be
    served: a port that is taken, a file that is no video, weights that do not fit."""
    named = Sources(sources, is_open=not settings.named_only)
    for file in named.files:
        with open_source(file):
            pass
    with listen(settings.host, settings.port, settings.token) as listening:
        want = build.wanted(settings)
        with device.one_thread():
            backend, _ = build.single_images(want)
        follow = Follow(settings)
        follow.prepare(settings.scheme)
        with job_folder() as folder:
            jobs = Jobs(folder, follow, keep=60.0 * settings.keep_files)
            uploads = Uploads(jobs, backend, Bounds(MEGA * settings.max_upload))
            desk = Desk(partial(_live, settings), named)
            app = make_app(desk, token=settings.token, scheme=settings.scheme, uploads=uploads)
            tell_address(listening, settings.token)
            try:
                return run_until_stopped(Server(app, listening, let_go=desk.let_go))
            finally:
                jobs.close()


def _live(settings: ServeSettings, address: Address, scheme: Scheme) -> Run:
    return LiveRun(address.address, settings.following(scheme), realtime=True, loop=True)
