"""fspose serve: a page in the browser, and an HTTP API, in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fspose_app.config import settings
from fspose_app.live.serve import need_packages
from fspose_app.live.serve.settings import ServeSettings, check_token
from fspose_app.options import (
    NETWORK_NAMES,
    SCHEME_NAMES,
    default,
    given,
    network_options,
    passes_option,
    scheme_options,
)
from fspose_app.page_options import page_options

NAMES = (
    *NETWORK_NAMES,
    *SCHEME_NAMES,
    *("two_pass", "host", "port", "token", "max_upload", "keep_files", "named_only"),
)


@click.command("serve")
@click.argument("sources", nargs=-1)
@page_options
@click.option(
    "--max-upload",
    type=click.IntRange(1, 1_000_000),
    metavar="MB",
    default=default(ServeSettings, "max_upload"),
    show_default=True,
    help="The largest file that is taken, in megabytes.",
)
@click.option(
    "--keep-files",
    type=click.IntRange(1, 1_000_000),
    metavar="MINUTES",
    default=default(ServeSettings, "keep_files"),
    show_default=True,
    help="How long the results of an uploaded video are kept after it is done.",
)
@click.option(
    "--named-only",
    is_flag=True,
    default=default(ServeSettings, "named_only"),
    show_default=True,
    help="Refuse to follow any camera or address but SOURCES.",
)
@scheme_options
@passes_option("an uploaded video")
@network_options
@click.pass_context
def command(ctx: click.Context, /, sources: tuple[str, ...], config: Path | None, **_: Any) -> None:
    """Show a page in the browser: people live, and videos that are dropped on it.

    SOURCES (cameras, stream addresses, video files) can be chosen on the page. It is at
    http://127.0.0.1:8000/ until Ctrl-C. The HTTP API under the same address takes pictures and
    videos too.
    """
    chosen = settings(ServeSettings, config, given(ctx, NAMES))
    check_token(chosen.host, chosen.token)
    need_packages()
    from fspose_app.live.serve.whole import serve_all  # brings in torch

    ctx.exit(serve_all(chosen, sources))
