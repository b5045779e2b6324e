"""The page in the browser, and the HTTP API under the same process.

What both need beside fspose itself comes with `pip install 'fspose[serve]'`, and is imported when
somebody serves.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from data.errors import ConfigError

if TYPE_CHECKING:
    from fspose_app.live.serve.desk import Run

NEEDED = ("fastapi", "python_multipart", "uvicorn")


def serve(run: Run, host: str, port: int, token: str | None) -> None:
    """Show `run`, which is started and stopped elsewhere, on a page until it is over or a signal
    comes, which is handed on to whoever handled it before.

    Raises ConfigError where nobody can be served at `host` and `port`, or where `host` is reachable
    from elsewhere and there is no token.
    """
    need_packages()
    from fspose_app.live.serve.one import serve_one

    serve_one(run, host, port, token)


def is_installed() -> bool:
    """Whether what the page needs is there."""
    return all(find_spec(name) is not None for name in NEEDED)


def need_packages(names: Sequence[str] = NEEDED) -> None:
    """Raises ConfigError where what the page needs is not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"The page needs the package {missing[0]}. Install it: pip install 'fspose[serve]'."
        )
