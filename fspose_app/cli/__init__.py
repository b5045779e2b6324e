"""The command `fspose`: the one place where an error becomes a message and an exit code."""

from __future__ import annotations

from typing import Any

import click

from data.errors import FsposeError
from fspose_app import __version__
from fspose_app.cli.backends import command as backends
from fspose_app.cli.convert import command as convert
from fspose_app.cli.data import command as data
from fspose_app.cli.detect import command as detect
from fspose_app.cli.evaluate import command as evaluate
from fspose_app.cli.heatmaps import command as heatmaps
from fspose_app.cli.models import command as models
from fspose_app.cli.synth import command as synth
from fspose_app.cli.track import command as track
from fspose_app.cli.train import command as train
from fspose_app.console import Console, log_everything

INTERRUPTED = 130  # 128 and the number of SIGINT, as shells count


class Commands(click.Group):
    """A group that tells what the person can mend in one line, and lets bugs show themselves."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added, the most used first."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FsposeError as error:
            if ctx.params["debug"]:
                Console().trace(error)
            raise click.ClickException(" ".join(str(error).split())) from error
        except KeyboardInterrupt:
            Console().note("Stopped.")
            ctx.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="fspose", help="Show the version and exit.")
@click.option("--debug", is_flag=True, help="Show where an error came from, and the log.")
def main(debug: bool) -> None:
    """Follow people through a video by their skeletons: a slow network on keyframes, a fast one
    between."""
    if debug:
        log_everything()


for command in (track, detect, heatmaps, evaluate, train, convert, data, synth, backends, models):
    main.add_command(command)
