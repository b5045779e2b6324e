"""Uploads: a request's body taken in piece by piece, bounded in size and in patience."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import anyio
import anyio.to_thread
from fastapi import HTTPException
from starlette.requests import ClientDisconnect, Request

from fspose_app.live.serve.forms import BrokenForm, Form, form_of

PIECE = 1 << 20  # bytes that are written at once
ROOM = 64 * 1024  # bytes that a form may take beside its file
LONGEST_NAME = 120
LONG = 1 << 20  # bytes of a body from which on the rest of a refused one is not read
SHORTLY = 1.0  # seconds in which the rest of one is to come
CLOSE = {"connection": "close"}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most bytes of an upload, and the seconds without one after which it is given up."""

    most_bytes: int
    silence: float = 30.0


async def upload_to(path: Path, request: Request, bounds: Bounds) -> str:
    """Write the file of a request to `path`; the name to show for it.

    The body is the file itself, named by `?name=`, or a form (multipart/form-data) with a file in
    it. Raises HTTPException, and then `path` is gone: 400 where there is no file, 408 after a
    silence, 413 where it is too large, 507 where the disk is full.
    """
    is_whole = False
    try:
        with path.open("wb") as file:
            name = await _take(request, file.write, bounds)
        is_whole = True
    except OSError as error:
        told = f"The file cannot be kept: {error.strerror or error}."
        raise HTTPException(507, told, CLOSE) from error
    finally:
        if not is_whole:
            path.unlink(missing_ok=True)
    return name


async def upload_in_memory(request: Request, bounds: Bounds) -> bytes:
    """The file of a request. Raises HTTPException as `upload_to` does."""
    content = bytearray()
    await _take(request, content.extend, bounds)
    return bytes(content)


async def turned_away(request: Request, bounds: Bounds) -> HTTPException:
    """The answer to an upload for which there is no place: 503, as `_Body.refusal` gives it."""
    body = _Body(request, bounds.silence)
    return await body.refusal(503, "Too much is waiting already.", {"retry-after": "10"})


def shown_name(given: str) -> str:
    """A file's name as it may be shown: its last part, without control characters, not long."""
    last = given.replace("\\", "/").rpartition("/")[2]
    plain = "".join(sign for sign in last if sign.isprintable()).strip()
    return plain[-LONGEST_NAME:].lstrip(".") or "video"


async def _take(request: Request, write: Callable[[bytes], object], bounds: Bounds) -> str:
    """Hand the file's bytes to `write`, which may take its time; the name to show for it."""
    body = _Body(request, bounds.silence)
    try:
        form = form_of(request)
        await _read(body, form, write, bounds.most_bytes)
    except BrokenForm as error:
        raise await body.refusal(400, "The form in the request is broken.") from error
    except TimeoutError as error:
        told = f"Nothing arrived for {bounds.silence:g} seconds."
        raise HTTPException(408, told, CLOSE) from error
    except ClientDisconnect as error:
        raise HTTPException(400, "The connection was lost.", CLOSE) from error
    return shown_name(form.name if form else request.query_params.get("name", ""))


async def _read(
    body: _Body, form: Form | None, write: Callable[[bytes], object], limit: int
) -> None:
    room = 0 if form is None else ROOM
    too_large = f"The file is larger than {limit / 1e6:g} MB, the most that this server takes."
    if body.declared > limit + room:
        raise await body.refusal(413, too_large)
    size, arrived, waiting = 0, 0, bytearray()
    while chunk := await body.next():
        taken = chunk if form is None else form.file_in(chunk)
        size, arrived = size + len(taken), arrived + len(chunk)
        if size > limit or arrived > limit + room:
            raise await body.refusal(413, too_large)
        waiting += taken
        if len(waiting) >= PIECE:
            await anyio.to_thread.run_sync(write, bytes(waiting))
            waiting.clear()
    if form is not None and not form.is_whole:
        raise BrokenForm
    if not size:
        raise HTTPException(400, "The request holds no file, or an empty one.")
    await anyio.to_thread.run_sync(write, bytes(waiting))


class _Body:
    """A request's body as it arrives."""

    def __init__(self, request: Request, silence: float) -> None:
        declared = request.headers.get("content-length", "")
        self.declared = int(declared) if declared.isdecimal() else 0
        self._stream = request.stream()
        self._silence = silence

    async def next(self) -> bytes:
        """The next bytes; none at the end. Raises TimeoutError, ClientDisconnect."""
        chunk: bytes | None = b""
        while chunk == b"":
            with anyio.fail_after(self._silence):
                chunk = await anext(self._stream, None)
        return chunk or b""

    async def refusal(
        self, status: int, told: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> HTTPException:
        """An answer before the end of the body.

        A short rest is read, so that the answer is not lost: closing a connection with bytes
        unread resets it. A long one is cut off.
        """
        if self.declared <= LONG:
            rest = LONG
            with suppress(TimeoutError, ClientDisconnect), anyio.move_on_after(SHORTLY):
                while rest > 0 and (chunk := await self.next()):
                    rest -= len(chunk)
                if rest > 0:
                    return HTTPException(status, told, {**headers})
        return HTTPException(status, told, {**headers, **CLOSE})
