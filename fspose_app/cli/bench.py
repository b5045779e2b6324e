"""fspose bench [CLIP]: every scheme's cost, speed and agreement, from one run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click

from data.draft_folder import draft_folder
from fspose_app.bench.growth import GROWTHS, Growth
from fspose_app.bench.report import write_growth, write_report
from fspose_app.bench.schemes import NAMES, REFERENCES, named, usual
from fspose_app.bench.tables import show_growth, show_machine, show_rows
from fspose_app.config import BenchSettings, settings
from fspose_app.console import Console
from fspose_app.finite import Finite
from fspose_app.options import BENCH_NAMES, bench_options, given

FRAMES, GROWN_FRAMES, MINUTES = 96, 48, 5.0
GROWN = ("fast-slow",)


class Schemes(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """Names of schemes with commas between."""

    name = "schemes"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if not isinstance(value, str):
            return tuple(value)
        try:
            return named([name.strip() for name in value.split(",")])
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command("bench")
@click.argument("clip", required=False)
@click.option(
    "--schemes",
    type=Schemes(),
    metavar="NAMES",
    show_default="all that have networks; with --grow fast-slow",
    help=f"What is measured, with commas between: {', '.join(NAMES)}. The slow network on every "
    "frame and HRNet-W32 are always among them, for all others are compared with these.",
)
@click.option(
    "--frames",
    type=click.IntRange(2, 1_000_000),
    metavar="N",
    show_default=f"{FRAMES}, with --grow {GROWN_FRAMES}",
    help="How many frames are measured, from the clip's first.",
)
@click.option(
    "--grow",
    type=click.Choice(GROWTHS),
    show_default="none",
    help="Measure on drawn clips with more and more people (1 to 50), larger and larger pictures "
    "(240p to 2160p) or greater and greater length.",
)
@click.option(
    "--minutes",
    type=Finite(0.01, 1440),
    metavar="M",
    show_default=f"{MINUTES:g}",
    help="With --grow length: how long the longest clip is; before it come those of 1, 2, 5, "
    "15 and 30 minutes that are shorter.",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    default=Path("fspose-out", "bench"),
    show_default=True,
    help="A new folder for bench.csv, bench.json and pareto.png; with --grow for growth.csv and "
    "growth.json.",
)
@bench_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    clip: str | None,
    schemes: tuple[str, ...] | None,
    frames: int | None,
    grow: Growth | None,
    minutes: float | None,
    out: Path,
    config: Path | None,
    **_: Any,
) -> None:
    """Measure what every scheme costs on CLIP, how quick it is, and what it keeps.

    CLIP is a video file or a folder of images; without one, a clip with four people is drawn. Every
    scheme runs in a process of its own, from the clip to the result file. Agreement is with the
    slow network on every frame, not with any truth.
    """
    if grow is not None and clip is not None:
        raise click.UsageError("--grow draws its clips; CLIP and it exclude each other.")
    if minutes is not None and grow != "length":
        raise click.UsageError("--minutes is of --grow length only.")
    if grow is not None and set(schemes or ()) & set(REFERENCES):
        raise click.UsageError(f"--grow has no {', '.join(REFERENCES)}.")
    chosen, console = settings(BenchSettings, config, given(ctx, BENCH_NAMES)), Console()
    with draft_folder(out) as folder, tempfile.TemporaryDirectory() as meanwhile:
        from fspose_app.bench.run import Bench  # brings in torch

        usually = FRAMES if grow is None else GROWN_FRAMES
        bench = Bench(chosen, frames or usually, Path(meanwhile), console)
        if grow is None:
            report = bench.schemes(schemes or usual(chosen), clip)
            write_report(report, folder)
            show_machine(console, report.machine)
            show_rows(console, report.rows)
        else:
            machine, rows = bench.growth(grow, schemes or GROWN, minutes or MINUTES)
            write_growth(grow, machine, bench.settings, rows, folder)
            show_machine(console, machine)
            show_growth(console, rows, grow)
    console.say(str(out))
