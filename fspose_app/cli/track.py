"""fspose track SOURCE: a video in, tracked skeletons out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from data.errors import FsposeError, SourceError
from data.result import header_of
from data.sources import open_source
from data.sources.info import Source
from fspose_app import __version__
from fspose_app.config import TrackSettings, settings
from fspose_app.console import Console
from fspose_app.finite import Finite
from fspose_app.options import (
    FORMATS,
    NETWORK_NAMES,
    SCHEME_NAMES,
    default,
    given,
    network_options,
    passes_option,
    scheme_options,
)
from fspose_app.out_folder import OutFolder
from fspose_app.rate import IMAGES_FPS, timed
from fspose_app.recording import Past, Recording
from fspose_app.several import Several
from fspose_app.sinks.jsonl import partial_of
from fspose_app.stopping import StopRequest
from fspose_app.summary import show_summary
from pipelines.timing import Stopwatch

NAMES = (*NETWORK_NAMES, *SCHEME_NAMES, "two_pass", "fps", "overlay", "format")


@click.command("track")
@click.argument("source")
@click.option(
    "--out",
    "-o",
    "out_dir",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    show_default="fspose-out/ and the name of SOURCE",
    help="The folder for the files; it is made if it is not there.",
)
@scheme_options
@passes_option("a file")
@click.option(
    "--fps",
    type=Finite(0.1, 1000),
    metavar="RATE",
    show_default=f"{IMAGES_FPS:g}",
    help="Frames per second of a folder of images, which carry no time.",
)
@click.option(
    "--overlay/--no-overlay",
    default=default(TrackSettings, "overlay"),
    show_default=True,
    help="Whether to write overlay.mp4, the video with its skeletons drawn.",
)
@click.option(
    "--format",
    type=Several(FORMATS),
    metavar="NAMES",
    default=",".join(default(TrackSettings, "format")),
    show_default=True,
    help=f"Result files, with commas between: {', '.join(FORMATS)}. The first is always written.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run in the folder, if any.")
@click.option("--overwrite", is_flag=True, help="Replace a result that is in the folder already.")
@network_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    source: str,
    out_dir: Path | None,
    resume: bool,
    overwrite: bool,
    config: Path | None,
    **_: Any,
) -> None:
    """Follow the people of SOURCE by their skeletons.

    SOURCE is a video file, a folder or glob of images, one image, a camera (0 or webcam:0) or a
    stream address. Ctrl-C leaves a partial result, from which --resume goes on.
    """
    if resume and overwrite:
        raise click.UsageError("--resume and --overwrite exclude each other.")
    chosen = settings(TrackSettings, config, given(ctx, NAMES))
    folder = OutFolder.named_after(source) if out_dir is None else OutFolder(out_dir)
    console = Console()
    with timed(open_source(source), chosen.fps) as opened:
        if resume and opened.info.live:
            raise SourceError(f"{source} is live and cannot be read again, as --resume needs.")
        is_new = not folder.path.exists()
        folder.make(resume=resume, overwrite=overwrite)
        if resume and folder.is_whole:
            console.say(f"{folder.result} is whole already; there is nothing to go on with.")
            return
        past = folder.past() if resume else None
        try:
            code = _track(opened, chosen, folder, past, console)
        except FsposeError:
            if is_new:
                folder.drop_if_empty()
            raise
    ctx.exit(code)


def _track(
    source: Source, chosen: TrackSettings, folder: OutFolder, past: Past | None, console: Console
) -> int:
    """Build, follow, report; the exit code."""
    from fspose_app import build, passes  # bring in torch
    from fspose_app.overlap import overlapped  # and scipy

    chosen = passes.settled(chosen, live=source.info.live)
    want, watch, beside = build.wanted(chosen), Stopwatch(), Stopwatch()
    pipeline, models = passes.pipeline(chosen, want, watch, live=source.info.live)
    effective = {**chosen.model_dump(mode="json"), **want.effective}
    header = header_of(
        source.info, pipeline.skeleton, models=models, settings=effective, version=__version__
    )
    result, others = folder.open(header, chosen, past, beside)
    done = 0 if past is None else past.state.frames
    with (
        StopRequest() as stop,
        overlapped(pipeline, source, first=done, device=want.device, clock=beside) as (
            at_work,
            frames,
        ),
        console.progress("track", done=done, total=source.info.count) as tell,
    ):
        recording = Recording(
            result=result,
            others=others,
            state=None if source.info.live else folder.state,
            stop=stop,
            clock=watch,
            tell=tell,
        )
        tally = recording.run(frames, at_work, past)
    show_summary(console, tally, watch, beside, models)
    if tally.whole:
        console.say("\n".join(str(path) for path in folder.files(chosen)))
    else:
        console.note(
            f"Stopped after {tally.frames} frames, which {partial_of(folder.result)} holds. "
            "The same command with --resume goes on."
        )
    return 0 if tally.whole and not source.info.live else stop.exit_code
