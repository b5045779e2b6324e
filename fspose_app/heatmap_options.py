"""Click arguments and options that several commands of `fspose heatmaps` share."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from data.packing import Precision
from fspose_app.config import HeatmapSettings, NetName
from fspose_app.options import default

SOME_FAILED = 5  # of several inputs: the exit code

annotations_argument = click.argument("annotations", type=click.Path(path_type=Path, exists=True))
database_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
images_option = click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    required=True,
    help="The folder that the annotations' image paths start from.",
)
out_option = click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    required=True,
    help="The database, such as slow.fsh; an unfinished one is gone on with.",
)
precision_option = click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    default=default(HeatmapSettings, "precision"),
    show_default=True,
    help="How exact the maps are kept: every bit, half precision, or one byte per cell and fewer, "
    "below 8 KB per person, with the same positions.",
)
net_option = click.option(
    "--net",
    type=click.Choice(get_args(NetName)),
    required=True,
    help="Which network's maps they are.",
)
