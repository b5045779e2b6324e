"""make_app: the page and the HTTP API as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import anyio
import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.responses import JSONResponse, Response

from fspose_app import __version__
from fspose_app.config import Scheme
from fspose_app.live.serve.answers import About, Health, LiveAbout, UploadsAbout, problems
from fspose_app.live.serve.desk import Desk, Run
from fspose_app.live.serve.file_routes import detect_routes, job_routes
from fspose_app.live.serve.guard import OPEN, Guard
from fspose_app.live.serve.jobs import Jobs
from fspose_app.live.serve.live_routes import SCHEMES, live_routes
from fspose_app.live.serve.sources import Address
from fspose_app.live.serve.uploads import Bounds
from models.backends.base import PoseBackend

SWEEP = 5.0  # seconds between two looks for files whose time is over
PAGE = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/live.js": ("live.js", "text/javascript"),
    "/plot.js": ("plot.js", "text/javascript"),
    "/jobs.js": ("jobs.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""What can be asked for of the page's folder, and nothing else can."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """What takes pictures and videos, and within which bounds."""

    jobs: Jobs
    backend: PoseBackend
    bounds: Bounds


def make_app(
    desk: Desk,
    *,
    token: str | None,
    scheme: Scheme | None = None,
    uploads: Uploads | None = None,
    shown: tuple[Run, Address] | None = None,
) -> FastAPI:
    """The application. `scheme` is the default one of what the page starts; without it the page
    only shows the run `shown`, which others start and stop. `token` None asks for none."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            if shown is not None:
                await desk.show(*shown)
            if uploads is not None:
                tasks.start_soon(_sweep, uploads.jobs)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await desk.stop()

    app = FastAPI(
        title="fspose",
        version=__version__,
        summary="People and their skeletons: live, in pictures and in videos.",
        docs_url=None,  # FastAPI's pages of documentation load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    api = APIRouter(
        responses=problems(401, 403),
        # The guard has checked it; here it only gets into the description.
        dependencies=[] if token is None else [Depends(HTTPBearer(auto_error=False))],
    )
    app.add_middleware(Guard, token=token)
    app.add_exception_handler(RequestValidationError, _told)
    api.include_router(live_routes(desk, scheme))
    if uploads is not None:
        api.include_router(detect_routes(uploads.backend, uploads.bounds))
        api.include_router(job_routes(uploads.jobs, uploads.bounds, scheme or SCHEMES[0]))
    about = _about(desk, scheme, uploads)

    @api.get("/v1/about", tags=["server"])
    async def tell() -> About:
        """What this server does, and within which bounds."""
        return about

    @app.get(OPEN, tags=["server"])
    async def health() -> Health:
        """That the server answers; needs no token."""
        return Health()

    app.include_router(api)
    for address, (name, kind) in PAGE.items():
        app.add_api_route(address, _file(name, kind), include_in_schema=False)
    return app


async def _sweep(jobs: Jobs) -> None:
    while True:
        await anyio.to_thread.run_sync(jobs.sweep)
        await anyio.sleep(SWEEP)


def _about(desk: Desk, scheme: Scheme | None, uploads: Uploads | None) -> About:
    live = LiveAbout(
        sources=list(desk.sources.labels),
        addresses=desk.sources.is_open,
        schemes=[] if scheme is None else list(SCHEMES),
        scheme=scheme,
    )
    bounds = None
    if uploads is not None:
        bounds = UploadsAbout(max_bytes=uploads.bounds.most_bytes, keep_seconds=uploads.jobs.keep)
    return About(version=__version__, live=live, uploads=bounds)


def _file(name: str, kind: str) -> Callable[[], Any]:
    """A route that answers with a file of the page, read once."""
    content = (files("fspose_app.live.serve") / "static" / name).read_bytes()

    async def answer() -> Response:
        return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

    return answer


async def _told(_: Request, error: Exception) -> Response:
    """The first thing that is wrong with a request, in a sentence."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = " ".join(str(part) for part in first["loc"])
    return JSONResponse({"detail": f"{place}: {first['msg']}."}, 422)
