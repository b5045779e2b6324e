"""fspose webcam [SOURCE]: a camera, stream or file followed as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import ConfigError
from fspose_app.config import LiveSettings, settings
from fspose_app.console import Console
from fspose_app.live.watch import has_picture, watch_by_lines, watch_in_window
from fspose_app.options import (
    NETWORK_NAMES,
    SCHEME_NAMES,
    default,
    given,
    network_options,
    scheme_options,
)
from fspose_app.page_options import page_options
from fspose_app.stopping import StopRequest
from fspose_app.window import Window, why_no_window

if TYPE_CHECKING:
    from fspose_app.live.run import LiveRun

NAMES = (
    *(*NETWORK_NAMES, *SCHEME_NAMES),
    *("realtime", "loop", "keep", "patience", "record_size"),
)
HINT = "A line says now and then how it goes; --serve shows a page."
HINT_TO_INSTALL = "A line says now and then how it goes; pip install 'fspose[serve]' brings a page."
LAST_WAIT = 60.0  # seconds for libraries that are just being loaded: they abort when left alone


@click.command("webcam")
@click.argument("source", default="0")
@click.option(
    "--realtime/--no-realtime",
    default=default(LiveSettings, "realtime"),
    show_default=True,
    help="Whether a file is played at its own speed, and frames that come too soon are dropped, "
    "as before a camera; else each frame is answered, however long it takes.",
)
@click.option(
    "--loop/--no-loop",
    default=default(LiveSettings, "loop"),
    show_default=True,
    help="Whether a file begins again at its end.",
)
@click.option(
    "--keep",
    type=click.FloatRange(0, 3600),
    metavar="SECONDS",
    default=default(LiveSettings, "keep"),
    show_default=True,
    help="For how long without a picture people keep their track numbers.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0.1, 3600),
    metavar="SECONDS",
    default=default(LiveSettings, "patience"),
    show_default=True,
    help="After how long without a picture a camera or stream counts as lost.",
)
@click.option(
    "--record",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    show_default="none",
    help="A folder for results and overlays; it is made if it is not there.",
)
@click.option(
    "--record-size",
    type=click.IntRange(1, 1_000_000),
    metavar="MB",
    default=default(LiveSettings, "record_size"),
    show_default=True,
    help="The megabytes at which recorded files are closed and the next ones begun.",
)
@click.option(
    "--window/--no-window",
    default=None,
    show_default="where there is a display",
    help="Whether to show the pictures in a window, in which q ends the run; without a display "
    "they are shown on a page, and with --no-window lines say how it goes.",
)
@click.option("--serve", is_flag=True, help="Show the pictures on a page for the browser.")
@page_options
@scheme_options
@network_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str,
    record: Path | None,
    window: bool | None,
    serve: bool,
    host: str,
    port: int,
    token: str | None,
    config: Path | None,
    **_: Any,
) -> None:
    """Follow the people before a camera, always on the newest frame.

    SOURCE is a camera (0 or webcam:0; 0 if none is given), the address of a stream (rtsp://,
    rtmp://, http:// with MJPEG) or a video file. Frames that come while one is being answered are
    dropped and counted. A stream that is lost is opened again until it is back. Ctrl-C ends, and
    recorded files are whole then.
    """
    from fspose_app.live.run import LiveRun  # brings in scipy

    chosen, console = settings(LiveSettings, config, given(ctx, NAMES)), Console()
    if serve and window:
        raise click.UsageError("--serve and --window exclude each other.")
    reason = "" if serve or window is False else why_no_window()
    if reason and window:
        raise ConfigError(f"{reason} Leave --window out, or show a page with --serve.")
    run = LiveRun(
        source,
        chosen,
        keep=chosen.keep,
        record=record,
        realtime=chosen.realtime,
        loop=chosen.loop,
        patience=chosen.patience,
        record_size=chosen.record_size,
        say=console.note,
    )
    with StopRequest() as stop:
        try:
            run.start()
            if serve:
                _serve(run, host, port, token)
            elif reason:
                _page_or_lines(run, stop, console, reason, (host, port, token))
            elif window is False:
                watch_by_lines(run, stop, console.note)
            elif not watch_in_window(run, stop, Window()):
                watch_by_lines(run, stop, console.note, first=f"The window broke. {HINT}")
        finally:
            run.stop(LAST_WAIT)
    if run.failure is not None:
        raise run.failure
    _report(run, record, console)
    ctx.exit(stop.exit_code)


def _page_or_lines(
    run: LiveRun,
    stop: StopRequest,
    console: Console,
    reason: str,
    address: tuple[str, int, str | None],
) -> None:
    """A page once there is a picture, where there is no window; lines where it is not installed."""
    from fspose_app.live.serve import is_installed

    if not is_installed():
        watch_by_lines(run, stop, console.note, first=f"{reason} {HINT_TO_INSTALL}")
    elif has_picture(run, stop):
        console.note(f"{reason} The pictures are on a page instead.")
        _serve(run, *address)


def _serve(run: LiveRun, host: str, port: int, token: str | None) -> None:
    """The page, until it is told to stop."""
    from fspose_app.live.serve import serve  # brings in the web server

    serve(run, host, port, token)


def _report(run: LiveRun, record: Path | None, console: Console) -> None:
    last = run.newer(-1, 0.0)
    if last is None:
        console.note("No frame was answered.")
        return
    lost = f", lost {run.reconnects} times" if run.reconnects else ""
    console.note(f"{last.index + 1} frames, {last.dropped} dropped{lost}.")
    if record is not None:
        console.say(str(record))
