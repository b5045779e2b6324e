"""The API's live part: start, stop, numbers, the newest picture, and pictures without an end."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, get_args

import anyio.to_thread
from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response, StreamingResponse

from data.errors import FsposeError
from fspose_app.config import Scheme
from fspose_app.live.serve.answers import (
    FrameNumbers,
    LiveAnswer,
    PictureQuery,
    StartLive,
    problems,
)
from fspose_app.live.serve.desk import Desk, Shown

PATIENCE = 5.0  # seconds that a request waits for a newer picture
BETWEEN = b"--frame"
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)


def live_routes(desk: Desk, default: Scheme | None) -> APIRouter:
    """Routes under /v1/live; `default` is the scheme where a request names none.

    Without it nothing can be started and stopped: the desk shows one run.
    """
    fixed = HTTPException(409, "This server shows one run, which is started and stopped elsewhere.")
    routes = APIRouter(prefix="/v1/live", tags=["live"])

    @routes.get("")
    async def live() -> LiveAnswer:
        """The live run's state and the numbers of its newest frame."""
        return _answer(desk)

    @routes.post("/start", responses=problems(400, 409, 422))
    async def start(wanted: StartLive) -> LiveAnswer:
        """Follow a source live; what was followed before ends."""
        if default is None:
            raise fixed
        try:
            address = desk.sources.find(wanted.source)
            await desk.start(address, wanted.scheme or default)
        except FsposeError as error:
            raise HTTPException(422, str(error)) from error
        return _answer(desk)

    @routes.post("/stop", responses=problems(409))
    async def stop() -> LiveAnswer:
        """End the live run, also while it starts; nothing where there is none."""
        if default is None:
            raise fixed
        await desk.stop()
        return _answer(desk)

    @routes.get(
        "/picture",
        response_class=Response,
        responses={
            200: {
                "description": "A JPEG. The header X-Fspose-Frame holds the frame's numbers.",
                "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}},
            },
            204: {"description": f"No newer picture came in {PATIENCE:g} seconds."},
            **problems(422),
        },
    )
    async def picture(query: Annotated[PictureQuery, Query()]) -> Response:
        """The newest picture that is newer than `after`, waited for a while.

        Who asks again with the sequence it got has always the newest picture, however slow it is.
        """
        asked = time.monotonic()
        shown = await desk.newer(query.after, PATIENCE)
        if shown is None:
            return Response(status_code=204)
        waited = round(time.monotonic() - asked, 4)
        content = await anyio.to_thread.run_sync(shown.jpeg)
        numbers = _numbers(shown).model_dump() | {"waited": waited}
        headers = {"X-Fspose-Frame": json.dumps(numbers)}
        return Response(content, media_type="image/jpeg", headers=headers)

    @routes.get("/stream", include_in_schema=False)  # has no end, which OpenAPI cannot say
    async def stream() -> StreamingResponse:
        """Pictures without an end as MJPEG, for programs that read that."""
        kind = f"multipart/x-mixed-replace; boundary={BETWEEN[2:].decode()}"
        return StreamingResponse(_parts(desk), media_type=kind)

    return routes


async def _parts(desk: Desk) -> AsyncIterator[bytes]:
    """The newest picture, again and again; sending one waits until the one before is on its way."""
    last = 0
    while not desk.is_closing:
        shown = await desk.newer(last, PATIENCE)
        if shown is None:
            continue
        last = shown.sequence
        content = await anyio.to_thread.run_sync(shown.jpeg)
        head = f"\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}\r\n\r\n"
        yield BETWEEN + head.encode() + content + b"\r\n"


def _answer(desk: Desk) -> LiveAnswer:
    watched = desk.watched
    return LiveAnswer(
        state=watched.state,
        message=watched.message,
        source=watched.source,
        scheme=watched.scheme,
        frame=None if watched.newest is None else _numbers(watched.newest),
    )


def _numbers(shown: Shown) -> FrameNumbers:
    frame = shown.frame
    return FrameNumbers(
        sequence=shown.sequence,
        index=frame.index,
        people=frame.people,
        keyframe=frame.keyframe,
        dropped=frame.dropped,
        rate=round(frame.rate, 2),
        latency=round(frame.latency, 4),
        age=round(shown.age(), 4),
        times={stage: round(seconds, 5) for stage, seconds in frame.times.items()},
    )
