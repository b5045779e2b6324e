"""run_app: an application behind an address of this machine, until Ctrl-C."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from data.errors import ConfigError
from fspose_app.console import Console
from fspose_app.live.serve.settings import check_token
from fspose_app.stopping import StopRequest

MOST_CONNECTIONS = 100
SILENCE = 120_000  # milliseconds after which a client that does not read is hung up on
LOOK = 0.2  # seconds between two looks whether a stop is wanted


def listen(host: str, port: int, token: str | None) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises ConfigError where that cannot be."""
    check_token(host, token)
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        return socket.create_server((_number(bare), port), family=family, backlog=MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{host}, port {port} cannot be listened at: {reason}. Choose others with --host "
            "and --port."
        ) from error


def tell_address(server: socket.socket, token: str | None) -> None:
    """Say where the page is, once it can be reached."""
    host, port = server.getsockname()[:2]
    number = ipaddress.ip_address(host)
    shown = socket.gethostname() if number.is_unspecified else host
    shown = f"[{shown}]" if ":" in shown else shown
    hint = "" if token is None else "; it asks for the token"
    Console().note(f"The page: http://{shown}:{port}/ (Ctrl-C ends{hint}).")


class Server:
    """An application that is served by a thread of its own, so that signals stay ours."""

    def __init__(
        self,
        app: FastAPI,
        listening: socket.socket,
        *,
        let_go: Callable[[], None],
        silence: int = SILENCE,
    ) -> None:
        """`let_go` is called in the event loop when the end begins: who waits is to go."""
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # accepted connections inherit it
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, silence)
        self._server = _Ending(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=2,
            ),
            let_go,
        )
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="fspose-serve"
        )

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the answers and the application; nothing where it has ended."""
        self._server.should_exit = True
        self._thread.join()


class _Ending(uvicorn.Server):
    """Tells those who wait for pictures before it waits for them."""

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], None]) -> None:
        super().__init__(config)
        self._let_go = let_go

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._let_go()
        await super().shutdown(sockets)


def run_until_stopped(server: Server, is_over: Callable[[], bool] = lambda: False) -> int:
    """Serve until Ctrl-C or SIGTERM, or until `is_over`; the exit code, as `StopRequest` has it.

    Raises RuntimeError where the server ends by itself: what happened is logged.
    """
    with StopRequest() as stop:
        server.start()
        try:
            while server.is_running and not (stop.wanted or is_over()):
                time.sleep(LOOK)
            was_running = server.is_running
        finally:
            server.stop()
    if not was_running:
        raise RuntimeError("the server ended by itself")
    return stop.exit_code


def _number(host: str) -> str:
    """`localhost` without asking anyone; other names are looked up by the system."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host
