"""The command `fspose`: the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from data.errors import FsposeError
from fspose_app import __version__
from fspose_app.cli.lazy import Later, LazyGroup

if TYPE_CHECKING:
    from fspose_app.console import Console

COMMANDS = {
    "track": "Follow the people of SOURCE by their skeletons.",
    "detect": "Find the people of IMAGES (files, folders, globs) and write them as COCO results.",
    "webcam": "Follow the people before a camera, always on the newest frame.",
    "serve": "Show a page in the browser: people live, and videos that are dropped on it.",
    "heatmaps": "The database of heatmaps, one record per annotated person and frame.",
    "evaluate": "Score predictions against annotations.",
    "bench": "Measure what every scheme costs on CLIP, how quick it is, and what it keeps.",
    "export": "Write NETWORK for another runtime, and say how far it drifts from torch.",
    "train": "Train a network of the scheme on annotated people.",
    "convert": "Write RESULT, the result.jsonl of a finished run, in other formats.",
    "data": "Annotation files of the published data sets.",
    "synth": "Draw people who walk, wave and dance, and write clip.mp4 with its truth, clip.json.",
    "backends": "List the backends that find people, with their options.",
    "models": "The networks that come with fspose, and published checkpoints.",
}
"""Every command, the most used first, and the first sentence of its help."""

BESIDE = ("track", "webcam", "serve", "bench")
"""Commands in which decoding, drawing and encoding go on beside the networks."""

SWITCH = 0.0005  # seconds for which a thread may keep Python's lock while another one waits

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells count


class Commands(LazyGroup):
    """A group that tells what the person can mend in one line, and lets bugs show themselves."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added, the most used first."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FsposeError as error:
            if ctx.params["debug"]:
                _console().trace(error)
            raise click.ClickException(" ".join(str(error).split())) from error
        except KeyboardInterrupt:
            _console().note("Stopped.")
            ctx.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    later={name: Later(f"{__name__}.{name}", text) for name, text in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="fspose", help="Show the version and exit.")
@click.option("--debug", is_flag=True, help="Show where an error came from, and the log.")
@click.pass_context
def main(ctx: click.Context, /, debug: bool) -> None:
    """Follow people through a video by their skeletons: a slow network on keyframes, a fast one
    between."""
    if ctx.invoked_subcommand in BESIDE:
        _share_cores()
    if debug:
        from fspose_app.console import log_everything

        log_everything()


def _share_cores() -> None:
    """Let idle threads of the networks sleep; torch reads the wish when it is loaded.

    Else they spin for milliseconds after every layer, on the cores that decode and draw. Where
    nothing is beside the networks, as in training, spinning is the quicker way. And whoever comes
    back from a network waits half a millisecond for Python's lock at most, not its usual five.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.setswitchinterval(SWITCH)


def _console() -> Console:
    """What brings in rich, which --help and --version do without."""
    from fspose_app.console import Console

    return Console()
