"""The options of `fspose train` that only detectors have, or have in other words, as a table."""

from __future__ import annotations

import click

from fspose_app.train_rows import FILE, THERE, Milestones, Row

# fmt: off
ROWS = (
    Row(
        "annotations", THERE, "PATH",
        "What to learn from: COCO or CrowdPose keypoint JSON, or PoseTrack annotations (a folder "
        "of files, one per video, or one merged file)."
    ),
    Row(
        "images", THERE, "PATH",
        "The folder that the annotations' image paths start from, a tar file, or a folder of them."
    ),
    Row(
        "val", THERE, "PATH",
        "Annotations to measure each epoch on (keypoint AP), with images in the same --images."
    ),
    Row(
        "network", click.Choice([]), None,
        "The published variant."
    ),
    Row(
        "keypoint_set", click.Choice(["coco", "crowdpose"]), None,
        "Whose keypoints: COCO's 17, or CrowdPose's 14 (and an abdomen that is made of them)."
    ),
    Row(
        "width", click.IntRange(4), "N",
        "The width of the first layer of a narrower network, to try things out on a CPU.",
        shown="the variant's own"
    ),
    Row(
        "trunk", FILE, "FILE",
        "A backbone trained on ImageNet, with which the network begins.",
        shown="random numbers"
    ),
    Row(
        "patch", click.IntRange(64, 2048), "PIXELS",
        "The side of the squares that are learned from, a multiple of 32."
    ),
    Row(
        "least_side", click.IntRange(64, 4096), "PIXELS",
        "The least that an image's shorter side is brought to.",
        shown="320, of dla34 256"
    ),
    Row(
        "most_side", click.IntRange(64, 4096), "PIXELS",
        "The most that it is brought to; with --no-augment it always is.",
        shown="800, of dla34 608"
    ),
    Row(
        "longest", click.IntRange(64, 4096), "PIXELS",
        "What the longer side may have.",
        shown="1333, of dla34 900"
    ),
    Row(
        "regions", click.IntRange(4, 4096), "N",
        "How many regions of an image the heads learn from, a quarter of them people's at most."
    ),
    Row(
        "augment", bool, None,
        "Whether images vary at all: by part, scale and mirroring."
    ),
    Row(
        "keypoint_share", click.FloatRange(0, 1, min_open=True), "SHARE",
        "What the two keypoint losses are multiplied by: an eighth is what the published code "
        "comes to on eight GPUs."
    ),
    Row(
        "crop", click.IntRange(0, 2048), "PIXELS",
        "The side of the squares around people that are learned from, a multiple of 32; 0 takes "
        "whole images."
    ),
    Row(
        "heatmaps_weight", click.FloatRange(0), "WEIGHT",
        "What the loss of everybody's heatmaps is multiplied by."
    ),
    Row(
        "head_rate", click.FloatRange(0, min_open=True), "FACTOR",
        "How many times the learning rate the heads have."
    ),
    Row(
        "schedule", click.Choice(["step", "cosine", "polynomial"]), None,
        "How the rate falls: at milestones, along a cosine, or as a power of what is left."
    ),
    Row(
        "power", click.FloatRange(0, min_open=True), "POWER",
        "That power."
    ),
    Row(
        "epochs", click.IntRange(0), "N",
        "How often every image is seen; 0 only writes the network as it begins."
    ),
    Row(
        "steps", click.IntRange(0), "N",
        "How many steps are learned, if --epochs do not end before."
    ),
    Row(
        "batch_size", click.IntRange(1), "N",
        "How many images one step learns from, in all processes together."
    ),
    Row(
        "milestones", Milestones(), "EPOCHS",
        "Epochs, counted from 1, at whose start the rate drops to a tenth; with --steps, steps."
    ),
    Row(
        "warmup_from", click.FloatRange(0, 1, max_open=True), "SHARE",
        "The share of the rate that the first step has; with 0 it is one step's of the warm-up."
    ),
    Row(
        "clip_value", click.FloatRange(0), "VALUE",
        "Each number of a gradient is cut at this one; 0 leaves them."
    ),
    Row(
        "sync_norm", bool, None,
        "Whether batch normalisations look at the batch's parts in all processes; on CUDA only."
    ),
    Row(
        "precision", click.Choice(["float32"]), None,
        "What the network computes in."
    ),
    Row(
        "start", FILE, "FILE",
        "A whole checkpoint of the same network to begin with.",
        shown="random numbers"
    ),
)
# fmt: on
