"""Click options of the commands that show a page: where it is, and who may open it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fspose_app.live.serve.settings import ServeSettings
from fspose_app.options import default

Command = TypeVar("Command", bound=Callable[..., Any])


def page_options(command: Command) -> Command:
    """--host, --port and --token."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--host",
        metavar="ADDRESS",
        default=default(ServeSettings, "host"),
        show_default=True,
        help="Where the page is served; every address but this machine's own needs --token.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        metavar="N",
        default=default(ServeSettings, "port"),
        show_default=True,
        help="The page's port; 0 takes a free one and tells it.",
    ),
    click.option(
        "--token",
        metavar="TEXT",
        show_default="none",
        help="What everyone must know who opens the page or uses its API.",
    ),
)
