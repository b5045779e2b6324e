"""DirectPose, the original and GluonCV's, whole, against recorded activations."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models import layouts
from models.backends.directpose import trained
from models.networks import directpose
from models.networks.directpose import DirectPose, is_gluoncvs
from models.networks.fcos import level_points
from models.preprocess import CAFFE_BGR_MEAN, padded_bgr, padded_rgb
from models.weights import renamed

FAMILY = ("directpose_raw", "directpose_gluon_raw")
LEVELS = ("p3", "p4", "p5", "p6", "p7")
COLOURS = {"pixel_mean": (0.485, 0.456, 0.406), "pixel_std": (0.229, 0.224, 0.225)}


def published(case: Any) -> dict[str, Tensor]:
    """The case's entries, those that are always the same with them, under the published names."""
    entries: dict[str, Tensor] = case.entries()
    line = torch.tensor([1.0, 2, 1])
    for name in case.text["constant_entries"]:
        if name in COLOURS:
            entries[name] = torch.tensor(COLOURS[name]).view(3, 1, 1)
            continue
        width = (
            entries[re.sub(r"(0|1)\.filt$", "1.weight", name)].shape[1] if "layer" in name else 64
        )
        entries[name] = (line[:, None] * line / 16).expand(width, 1, 3, 3)
    return entries


@pytest.fixture
def variant(case: Any) -> str:
    return "gluoncv" if "gluon" in case.folder.name else "original"


@pytest.fixture
def network(case: Any, variant: str, tmp_path: Any) -> DirectPose:
    """From a checkpoint as it is published: the original's has the training's words beside."""
    path = tmp_path / "checkpoint.pth"
    entries = published(case)
    if variant == "original":
        wrapped = {f"module.{name}": tensor for name, tensor in entries.items()}
        torch.save({"model": wrapped, "optimizer": {}, "iteration": 180000}, path)
    else:
        torch.save(entries, path)
    network = trained(path)
    assert is_gluoncvs(network) == (variant == "gluoncv")
    return network.eval()


def test_the_entries_are_the_published_ones(case: Any, variant: str) -> None:
    with torch.device("meta"):
        own = directpose.VARIANTS[variant]().state_dict()
        theirs = {name: torch.empty(shape) for name, shape in case.manifest.items()}
    found = renamed(theirs, directpose.RENAMES, case.folder)

    shapes = {name: entry.shape for name, entry in found.items()}
    assert shapes == {n: e.shape for n, e in own.items() if not n.endswith(".filt")}
    blurs = [name for name in case.text["constant_entries"] if name.endswith(".filt")]
    assert len(blurs) == sum(name.endswith(".filt") for name in own)
    assert (
        len(theirs) + len(case.text["constant_entries"])
        == {"original": 415, "gluoncv": 403}[variant]
    )


def test_the_entries_say_what_to_build(case: Any, variant: str) -> None:
    with torch.device("meta"):
        own = directpose.VARIANTS[variant]().state_dict()

        found = layouts.directpose_arguments(own)

        assert found is not None
        again = directpose.of_arguments(**found).state_dict()
    assert {n: e.shape for n, e in own.items()} == {n: e.shape for n, e in again.items()}


def test_the_activations_are_the_recorded_ones(case: Any, network: DirectPose, fill: Any) -> None:
    height, width = map(int, re.findall(r"\d+", case.text["input"])[:2])
    image = fill.image(height, width, case.seed)
    images = (
        padded_rgb([image], "cpu")
        if is_gluoncvs(network)
        else padded_bgr([image], "cpu", CAFFE_BGR_MEAN)
    )

    with torch.inference_mode():
        found = activations(network, images)

    relative, share = case.numbers(r"rtol (\S+), atol (\S+) x max")
    assert set(case.expected) <= set(found)
    for name, expected in case.expected.items():
        actual = found[name].numpy()[stored(case, name)]
        assert expected.shape == actual.shape, name
        atol = share * np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=relative, atol=atol, err_msg=name)


def activations(network: DirectPose, images: Tensor) -> dict[str, Tensor]:
    """All that is recorded, under its names."""
    trunk = network.backbone.bottom_up(images)
    maps = network.backbone(images)
    found = {f"c{stage}": x for stage, x in enumerate(trunk, 2)}
    head = network.head
    for name, x, level, stride in zip(LEVELS, maps, network(images), network.strides, strict=True):
        tower = head.kpt_tower(x)
        found[name], found[f"locator_{name}"] = x, head.locator(tower)
        found[f"logits_{name}"], found[f"centerness_{name}"] = level.logits, level.centerness
        if head.values == 3:
            pairs = level.vectors.unflatten(1, (-1, 2))
            found[f"kps_{name}"] = torch.cat([pairs, level.visible[:, :, None]], 2).flatten(1, 2)
        else:
            found[f"kps_{name}"] = level.vectors * stride
        if name == "p3":
            found["sampled_features_p3"] = head.sampler(tower)
            found["locations_p3_first_last"] = level_points(level, stride)[[0, -1]]
    if network.heatmaps is not None:
        found["heatmaps"] = network.heatmaps(maps[0])
    return found


def stored(case: Any, name: str) -> tuple[slice, ...]:
    """Which numbers of an output were recorded."""
    if name == "locations_p3_first_last":
        return (slice(None),)
    kind = re.sub(r"_p\d$", "_pK", name)
    outputs = case.text["outputs"]
    covers = (key for key in outputs if {kind, name} & {*key.split(", ")} or _in(key, name))
    words = outputs[next(covers)]
    inside = re.search(r"\[(:[^\]]*)\]", words)
    steps = [int(part.strip(":") or 1) for part in inside[1].split(", ")] if inside else []
    if channels := re.search(r"channels ::(\d+)", words):
        steps = [1, int(channels[1])]
    if spatial := re.search(r"spatial stride ([\d,]+)", words):
        steps += [int(spatial[1].split(",")[int(name[1]) - 2])] * 2
    steps += [1] * (4 - len(steps))
    if name.endswith("p3") and "p3 spatially ::2" in words:
        steps[2:] = [2, 2]
    return tuple(slice(None, None, step) for step in steps)


def _in(key: str, name: str) -> bool:
    """Whether a key like 'p3..p7' covers a name like 'p5'."""
    ends = re.fullmatch(r"([a-z])(\d)\.\.\1(\d)", key)
    own = re.fullmatch(r"([a-z])(\d)", name)
    return bool(ends and own and ends[1] == own[1] and ends[2] <= own[2] <= ends[3])
