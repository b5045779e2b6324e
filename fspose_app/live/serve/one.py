"""serve_one: the page with one live run, and nothing else."""

from __future__ import annotations

import signal

from fspose_app.live.serve.app import make_app
from fspose_app.live.serve.desk import OVER, Desk, Run
from fspose_app.live.serve.server import Server, listen, run_until_stopped, tell_address
from fspose_app.live.serve.sources import Address, Sources


def serve_one(run: Run, host: str, port: int, token: str | None) -> None:
    """As `fspose_app.live.serve.serve` has it."""
    with listen(host, port, token) as listening:
        desk = Desk(None, Sources((), is_open=False))
        app = make_app(desk, token=token, shown=(run, Address("", "live")))
        tell_address(listening, token)
        server = Server(app, listening, let_go=desk.let_go)
        code = run_until_stopped(server, lambda: run.state in OVER)
    if code:  # 128 and the signal's number
        signal.raise_signal(code - 128)
