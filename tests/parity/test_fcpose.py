"""FCPose, whole, against recorded activations of the published network."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch

from models import detectron
from models.networks import fcpose
from models.networks.fcos import Places, boxes_around, level_points
from models.networks.fcpose import FCPose
from models.networks.fcpose_head import Keypoints, surroundings
from models.preprocess import padded_bgr

FAMILY = "fcpose_r"
LEVELS = ("p3", "p4", "p5", "p6", "p7")


@pytest.fixture
def network(case: Any) -> FCPose:
    variant = re.match(r"fcpose_(r50|r101)", case.folder.name)
    assert variant is not None
    with torch.device("meta"):
        return fcpose.VARIANTS[variant[1]](17).eval()


def test_the_entries_are_the_published_ones(case: Any, network: FCPose) -> None:
    shapes = {name: list(entry.shape) for name, entry in network.state_dict().items()}

    assert case.manifest == shapes


@pytest.fixture
def filled(case: Any, network: FCPose) -> FCPose:
    """With the case's numbers; what published files may hold besides is there too."""
    if "expected" not in {path.stem for path in case.folder.glob("*.npz")}:
        pytest.skip("a list of entries only")
    network = network.to_empty(device="cpu")
    entries = case.entries()
    for name, shape in case.text["optional_entries"].items():
        entries[name] = torch.zeros(shape)
    detectron.fit(network, entries, {}, case.folder, fcpose.RENAMES)
    return network.eval()


def test_the_activations_and_keypoints_are_the_recorded_ones(
    case: Any, filled: FCPose, fill: Any
) -> None:
    height, width = map(int, re.findall(r"\d+", case.text["input"]["image"])[:2])
    images = padded_bgr([fill.image(height, width, case.seed)], "cpu")
    with torch.inference_mode():
        feats = filled.backbone(images)
        answer, auxiliary = filled.with_auxiliary(images)
        places = _places(case, answer)
        bases, offsets = filled.bases_of(answer, 0)
        towers = [level.tower for level in answer.levels]
        written = filled.head.atten_producer(surroundings(towers, places))
        maps = filled.head.maps(written, places, bases)
        keypoints = filled.keypoints_of(answer, 0, places)
        top = [torch.nn.functional.unfold(tower, 3, padding=1) for tower in towers]
    top = [one.unflatten(2, tower.shape[2:]) for one, tower in zip(top, towers, strict=True)]

    found = {"bases": answer.bases, "p3_logits": auxiliary.p3, "p1_logits": auxiliary.p1}
    found |= {"dynamic_params": written, "heatmap_logits": maps}
    for name, feat, level, features in zip(LEVELS, feats, answer.levels, top, strict=True):
        found[f"feat_{name}"], found[f"top_feat_{name}"] = feat, features
        found[f"logits_{name}"], found[f"reg_{name}"] = level.logits, level.sides
        found[f"ctrness_{name}"] = level.centerness
    for name, tensor in found.items():
        _assert_close(case, name, _stored(case, name, tensor.numpy()))
    _assert_picked(case, answer, places)
    _assert_keypoints(case, keypoints)
    np.testing.assert_array_equal(maps.flatten(2).argmax(2), keypoints.cells)
    assert offsets.shape[:2] == (17, 2)


def _places(case: Any, answer: fcpose.FCPoseAnswer) -> Places:
    picked = torch.tensor(case.text["input"]["picked"])
    widths = torch.tensor([level.logits.shape[3] for level in answer.levels])
    cells = picked[:, 1] * widths[picked[:, 0]] + picked[:, 2]
    grids = [level_points(level, 8 * 2**i) for i, level in enumerate(answer.levels)]
    points = [grids[level][cell] for level, cell in zip(picked[:, 0], cells, strict=True)]
    return Places(torch.zeros_like(cells), picked[:, 0], cells, torch.stack(points))


def _stored(case: Any, name: str, values: np.ndarray) -> np.ndarray:
    """The recorded part, by words like 'subsampled [:, ::16, ::s, ::s], s = 2 for p3, 1 for'."""
    generic = re.sub(r"_p\d$", "_pK", name) if name not in ("p3_logits", "p1_logits") else name
    words = case.text["outputs"][generic]
    found = re.search(r"subsampled \[(.*?)\]", words)
    if not found:
        return values
    level = re.search(rf"s = (?:.*, )?(\d) for {name[-2:]}", words)
    step = level[1] if level else (re.search(r"(\d) for the others", words) or ["", "1"])[1]
    parts = found[1].replace("::s", f"::{step}").split(", ")
    return values[tuple(slice(None, None, int(part[2:] or 1)) for part in parts)]


def _assert_close(case: Any, name: str, found: np.ndarray) -> None:
    expected = case.expected[name]
    words = case.text["tolerance"]["activations"]
    relative, absolute = case.numbers(r"rtol (\S+), atol (\S+) x max", words)
    assert expected.shape == found.shape, name
    atol = absolute * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=relative, atol=atol, err_msg=name)


def _assert_picked(case: Any, answer: fcpose.FCPoseAnswer, places: Places) -> None:
    boxes, scores = [], []
    for level, cell, point in zip(places.levels, places.cells, places.points, strict=True):
        one = answer.levels[level]
        sides = one.sides[0].flatten(1)[:, cell] * 8 * 2**level
        boxes.append(boxes_around(point[None], sides[None])[0])
        class_and_center = one.logits.flatten()[cell], one.centerness.flatten()[cell]
        scores.append(torch.stack(class_and_center).sigmoid().prod().sqrt())
    _assert_close(case, "picked_boxes", torch.stack(boxes).numpy())
    _assert_close(case, "picked_scores", torch.stack(scores).numpy())
    np.testing.assert_array_equal(case.expected["picked_locations"], places.points)


def _assert_keypoints(case: Any, keypoints: Keypoints) -> None:
    words = case.text["tolerance"]["keypoints"]
    within, share, margin, score = case.numbers(
        r"within (\S+) \+ (\S+)\*\|expected\| where argmax_margin > (\S+); score rtol (\S+)", words
    )
    sure = case.expected["argmax_margin"] > margin
    assert sure.mean() > 0.5
    np.testing.assert_array_equal(
        keypoints.cells.numpy()[sure], case.expected["argmax_index"][sure]
    )
    expected = case.expected["keypoints"][sure]
    np.testing.assert_allclose(
        keypoints.points.numpy()[sure], expected[:, :2], rtol=share, atol=within
    )
    np.testing.assert_allclose(keypoints.peaks.numpy()[sure], expected[:, 2], rtol=score)
