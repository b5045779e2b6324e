"""The options of `fspose train` as a table: name, type, and what they say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import click

from fspose_app.size import Size
from fspose_app.train_config import CROPS, MILESTONES_FORM, read_milestones


class Milestones(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """`5,7`: epochs from 1, rising; an empty text is none."""

    name = "milestones"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        try:
            return read_milestones(value)
        except ValueError:
            self.fail(f"{value!r} {MILESTONES_FORM}.", param, ctx)


FILE = click.Path(path_type=Path, dir_okay=False)
THERE = click.Path(path_type=Path, exists=True)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_NEW_FOLDER = click.Path(path_type=Path, file_okay=False)
_ANY = click.Path(path_type=Path)


class Row(NamedTuple):
    """An option under its setting's name; `type` bool is a pair of --name and --no-name."""

    name: str
    type: Any
    metavar: str | None
    help: str
    shown: str | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        flag = f"--{self.name.replace('_', '-')}"
        if self.type is bool:
            return (f"{flag}/--no-{flag[2:]}",)
        return (flag, "-o") if self.name == "out" else (flag,)


# fmt: off
ROWS = (
    Row(
        "annotations", THERE, "PATH",
        "What to learn from: PoseTrack annotations, a folder of files, one per video, or one "
        "merged file; of the family also COCO keypoint JSON. May be given again."
    ),
    Row(
        "images", THERE, "PATH",
        "The folder that the annotations' image paths start from; of the family also a tar file "
        "or a folder of them. One for all annotations, or one for each."
    ),
    Row(
        "val", THERE, "PATH",
        "Annotations to measure each epoch on, with images in the first --images."
    ),
    Row(
        "hold_out", click.FloatRange(0, 1, max_open=True), "SHARE",
        "Without --val: the share of images, or whole videos, to measure on."
    ),
    Row(
        "packs", _FOLDER, "FOLDER",
        "The family's training packs; their own held-out people are measured on."
    ),
    Row(
        "cache", _NEW_FOLDER, "FOLDER",
        "Where the packs' decoded pictures are kept.",
        shown="cache in the run's folder"
    ),
    Row(
        "drawn", click.IntRange(0), "N",
        "Synthetic people to learn from in each epoch, drawn anew each time; of the finder "
        "pictures of them, of the transfer network clips, drawn at the beginning."
    ),
    Row(
        "network", click.Choice(["w32", "w48", "hrnet", "plain", "mobilenet"]), None,
        "The published HRNet of width 32 or 48; of the family a small HRNet, a U of plain "
        "convolutions, or MobileNet."
    ),
    Row(
        "width", click.IntRange(4), "N",
        "The width of a narrower (published HRNet and transfer network: also shallower) network, "
        "to try things out on a CPU.",
        shown="the recipe's own"
    ),
    Row(
        "size", Size(CROPS), "WxH",
        "The crops' width and height in pixels, multiples of 32."
    ),
    Row(
        "sigma", click.FloatRange(0.5, 20), "CELLS",
        "The standard deviation of the taught Gaussians, in cells of the maps.",
        shown="2 as published, of crops from 288x384 on 3; the family's own"
    ),
    Row(
        "half_body", bool, None,
        "Whether three in ten crops show the upper or the lower body only."
    ),
    Row(
        "augment", bool, None,
        "Whether crops vary at all: half bodies, scale, rotation and mirroring."
    ),
    Row(
        "teacher", FILE, "FILE",
        "A trained slow network of the family, whose maps are learned as well."
    ),
    Row(
        "trunk", FILE, "FILE",
        "A trained slow network of the family, which lends the finder its trunk."
    ),
    Row(
        "heatmaps_slow", FILE, "FILE",
        "The slow network's database for these annotations, of `fspose heatmaps create`."
    ),
    Row(
        "heatmaps_fast", FILE, "FILE",
        "The fast network's database for these annotations."
    ),
    Row(
        "pairs", click.Choice(["fast-slow", "fast", "slow"]), None,
        "Whose maps: the fast network's on the current frame, re-drawn in the slow one's space, "
        "and the slow one's as support (published --use_both_heatmap); the fast one's on both "
        "frames, in its own space, for --weights light-transfer (--is_light); or the slow one's "
        "on both."
    ),
    Row(
        "support_range", click.IntRange(1), "N",
        "How many annotated frames of the track the support lies back at most; 1 is what the "
        "published programs come to by an error."
    ),
    Row(
        "family", _FOLDER, "FOLDER",
        "Without databases: whose slow and fast network read the clips.",
        shown="the embedded one"
    ),
    Row(
        "pool", click.IntRange(1), "N",
        "Without databases: how many of the packs' people are read as stills."
    ),
    Row(
        "epochs", click.IntRange(0), "N",
        "How often everybody is seen; 0 only writes the network as it begins."
    ),
    Row(
        "minutes", click.FloatRange(0, min_open=True), "N",
        "In place of --epochs: how long to learn, over all resumes."
    ),
    Row(
        "batch_size", click.IntRange(1), "N",
        "How many people one step learns from, in all processes together."
    ),
    Row(
        "lr", click.FloatRange(0, min_open=True), "RATE",
        "The learning rate at the beginning."
    ),
    Row(
        "schedule", click.Choice(["step", "cosine"]), None,
        "How the rate falls: at milestones, or along a cosine."
    ),
    Row(
        "milestones", Milestones(), "EPOCHS",
        "Epochs, counted from 1, at whose start the rate drops to a tenth."
    ),
    Row(
        "warmup", click.IntRange(0), "STEPS",
        "Steps in which the rate rises."
    ),
    Row(
        "optimizer", click.Choice(["adam", "adamw", "sgd"]), None,
        "Adam, AdamW with its own decay, or SGD with a momentum of 0.9."
    ),
    Row(
        "weight_decay", click.FloatRange(0), "DECAY",
        "How strongly weights are drawn towards 0."
    ),
    Row(
        "average", click.FloatRange(0, 1, max_open=True), "SHARE",
        "How much of the weights' running average stays at each step; the average is measured and "
        "kept. With 0 there is none."
    ),
    Row(
        "clip", click.FloatRange(0), "LENGTH",
        "Gradients are shortened to this length; 0 leaves them."
    ),
    Row(
        "precision", click.Choice(["float32", "bfloat16"]), None,
        "What the networks compute in; weights are float32 always."
    ),
    Row(
        "start", _ANY, "FILE",
        "A checkpoint to begin with. Its last layer is left out where it is for other keypoints.",
        shown="random numbers"
    ),
    Row(
        "seed", click.IntRange(0), "N",
        "The same seed draws the same run again, with however many workers."
    ),
    Row(
        "workers", click.IntRange(0, 64), "N",
        "Threads that prepare batches ahead; 0 prepares them in between."
    ),
    Row(
        "device", str, "NAME",
        "Where the network learns: cpu, cuda, cuda:1 or mps. With auto, the best there is."
    ),
    Row(
        "threads", click.IntRange(1, 512), "N",
        "Threads that the network uses on a CPU.",
        shown="one per core"
    ),
    Row(
        "tensorboard", bool, None,
        "Whether to write the log for TensorBoard too."
    ),
    Row(
        "out", _NEW_FOLDER, "FOLDER",
        "Where weights, the log and the last state are written.",
        shown="none; needed but with --dry-run"
    ),
)
# fmt: on
