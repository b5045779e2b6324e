"""Guard: who may ask, and which headers every answer carries. An ASGI middleware.

A page of another site may send requests to this machine, loopback or not, and the browser adds our
cookie. So what changes something is refused unless it comes from our own page or from a program
that is no browser; and where there is no token, only this machine's own names are answered to, so
that a foreign name which is pointed at it (DNS rebinding) opens nothing.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fspose_app.live.serve.settings import is_loopback

OPEN = "/health"  # answered without a token: it tells nothing
SAFE = ("GET", "HEAD", "OPTIONS")
COOKIE_SECONDS = 30 * 24 * 3600
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
ASK = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>fspose</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<h1>fspose</h1><p>{told}</p>
<form><label>Token <input type="password" name="token" autocomplete="off" autofocus></label>
<button>Open</button></form></html>
"""


class Guard:
    """Lets a request through to `app`, or answers it itself: 401, or 403.

    `token` None means that no token is asked for, which is for loopback alone.
    """

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self._app = app
        self._token = None if token is None else token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        request = HTTPConnection(scope)
        answer = self._answer(request, scope["method"])
        await (answer or self._app)(scope, receive, send_with_headers)

    def _answer(self, request: HTTPConnection, method: str) -> Response | None:
        """The answer where the app is not to be asked."""
        path = request.url.path
        if self._token is None and not is_loopback(request.url.hostname or ""):
            return _refused(403, "This server answers to the names of its own machine only.")
        if method not in SAFE and not _is_from_us(request):
            return _refused(403, "The request comes from the page of another site.")
        if self._token is None or path == OPEN:
            return None
        if path == "/" and method == "GET" and "token" in request.query_params:
            return self._let_in(request, self._token)
        if self._is_known(request, self._token):
            return None
        if path == "/" and method == "GET":
            return _asked("Type the token that fspose was started with.")
        challenge = {"www-authenticate": "Bearer"}
        told = "A token is needed: send the header `Authorization: Bearer TOKEN`."
        return _refused(401, told, challenge)

    def _is_known(self, request: HTTPConnection, token: bytes) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and _same(given.strip(), token):
            return True
        return _same(request.cookies.get(_cookie(request), ""), _session(token))

    def _let_in(self, request: HTTPConnection, token: bytes) -> Response:
        """The page with a cookie and without the token in its address."""
        if not _same(request.query_params["token"], token):
            return _asked("That is not the token.")
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(
            _cookie(request),
            _session(token).decode(),
            max_age=COOKIE_SECONDS,
            httponly=True,
            # Not strict: a link to the page, in a message for instance, is to open it.
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer


def _is_from_us(request: HTTPConnection) -> bool:
    """Whether our own page asks, or what is no browser: that tells neither of the headers."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _same(given: str, expected: bytes) -> bool:
    """Compared in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected)


def _session(token: bytes) -> bytes:
    """What the cookie holds: made from the token, but not the token itself."""
    return hmac.new(token, b"fspose session", "sha256").hexdigest().encode()


def _cookie(request: HTTPConnection) -> str:
    """Its name; browsers share the cookies of all ports of a host."""
    return f"fspose-{request.url.port or 'web'}"


def _asked(told: str) -> Response:
    return HTMLResponse(ASK.format(told=told), 401, {"www-authenticate": "Bearer"})


def _refused(status: int, told: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"detail": told}, status, headers)
