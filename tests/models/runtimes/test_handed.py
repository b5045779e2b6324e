"""Exported files in place of the family's networks."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest
import torch

from data.errors import ConfigError, WeightsError
from data.skeleton import COCO_17, FSPOSE_19
from models.networks.slim_transfer import SlimTransfer
from models.runtimes import drift, files, stamp
from models.runtimes.base import installed
from models.runtimes.handed import finder as handed_finder
from models.runtimes.handed import is_exported, opener, topdown, warp
from models.runtimes.passes import create
from models.runtimes.whole import of_warp
from models.warp import Warp

pytestmark = pytest.mark.skipif(
    not (installed("onnx") and installed("openvino")), reason="onnx and openvino are not installed"
)


@pytest.fixture
def path(whole, tmp_path) -> Path:
    """The small network, exported."""
    files.write(tmp_path / "slow.onnx", "onnx", "slow", whole, 1)
    return tmp_path / "slow.onnx"


def altered(path: Path, **changes: object) -> Path:
    """The file with something else in its stamp."""
    import onnx

    model = onnx.load(path)
    said = json.loads(model.metadata_props[0].value) | changes
    onnx.helper.set_model_props(model, {stamp.STAMP: json.dumps(said)})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("file", "is_one"), [("a.onnx", True), ("a.xml", True), ("a.pth", False), (None, False)]
)
def test_exported_files_are_known_by_their_names(file, is_one):
    assert is_exported(None if file is None else Path(file)) is is_one


def test_people_are_read_as_the_network_itself_reads_them(name, net, picture, path):
    handed = topdown(path, opener(name, 1, "float32"))

    found, expected = handed.heatmaps(*picture), net.heatmaps(*picture)

    assert (handed.skeleton, handed.padding, handed.peak) == (FSPOSE_19, 1.25, 1.0)
    for one, other in zip(found, expected, strict=True):
        assert one.crop == other.crop
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-4)


def test_maps_are_carried_as_the_network_itself_carries_them(name, net, picture, tmp_path):
    torch.manual_seed(0)
    own = Warp(SlimTransfer(keypoints=19, channels=8, blocks=1).eval(), "cpu")
    own.network.motion.weight.data.normal_(0, 0.1)
    files.write(tmp_path / "t.onnx", "onnx", "transfer", of_warp(own, net, [picture]), 1)
    maps = net.heatmaps(*picture)

    handed = warp(tmp_path / "t.onnx", opener(name, 1, "float32"), FSPOSE_19)

    for one, other in zip(handed(maps, maps[::-1]), own(maps, maps[::-1]), strict=True):
        np.testing.assert_allclose(one.maps, other.maps, atol=1e-4)
    with pytest.raises(WeightsError, match=r"carries 19 maps, coco-17 has 17"):
        warp(tmp_path / "t.onnx", opener(name, 1, "float32"), COCO_17)


@pytest.mark.parametrize("size", [(60, 100), (100, 60), (200, 200)])
def test_people_are_found_as_the_finder_itself_finds_them(
    name, finder, whole_finder, net, tmp_path, size
):
    path = tmp_path / "finder.onnx"
    files.write(path, "onnx", "finder", whole_finder, 1)
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)

    found = handed_finder(path, opener(name, 1, "float32"), net, least_score=None, most=5)

    boxes, expected = found.find(image), finder.find(image)
    assert len(boxes) == len(expected) > 0
    for one, other in zip(boxes, expected, strict=True):
        np.testing.assert_allclose(astuple(one), astuple(other), atol=0.01)
    strict = handed_finder(path, opener(name, 1, "float32"), net, least_score=1.0, most=5)
    assert strict.find(image) == []


def test_a_finder_of_pictures_of_one_size_is_told(name, finder, whole_finder, net, tmp_path):
    """As it was exported before."""
    path = tmp_path / "finder.onnx"
    files.write(path, "onnx", "finder", whole_finder, 1)

    with pytest.raises(WeightsError, match=r"finder\.onnx does not say its .*Export it again"):
        handed_finder(
            altered(path, notes={}), opener(name, 1, "float32"), net, least_score=None, most=5
        )


def test_int8_is_asked_for_or_told(name, whole, tmp_path, monkeypatch):
    monkeypatch.setitem(drift.BOUNDS, "int8", drift.Bounds(0.1, 5))
    files.write(tmp_path / "slow.onnx", "onnx", "slow", whole, 1, "int8")

    with pytest.raises(ConfigError, match=r"slow\.onnx calculates in int8.*--precision int8"):
        topdown(tmp_path / "slow.onnx", opener(name, 1, "float32"))
    assert topdown(tmp_path / "slow.onnx", opener(name, 1, "int8")).padding == 1.25


def test_torch_runs_no_exported_file(path):
    with pytest.raises(ConfigError, match=r"which torch does not run.*--runtime openvino or onnx"):
        topdown(path, opener("torch", 1, "float32"))


def test_another_kind_of_network_is_told(name, path):
    with pytest.raises(WeightsError, match="holds a topdown network, expected a transfer one"):
        warp(path, opener(name, 1, "float32"), FSPOSE_19)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": 1}, "by another version of fspose"),
        ({"notes": {}}, "does not say its"),
        ({"notes": {"skeleton": "a-dog", "padding": 1, "peak": 1}}, "'a-dog', which is unknown"),
    ],
)
def test_a_file_that_says_something_else_is_told(path, changes, told):
    with pytest.raises(WeightsError, match=f"slow.onnx.*{told}"):
        topdown(altered(path, **changes), opener("onnx", 1, "float32"))


def test_a_file_of_the_other_form_is_told(whole, tmp_path):
    files.write(tmp_path / "slow.xml", "openvino", "slow", whole, 1)

    assert files.opened(tmp_path / "slow.xml", create("openvino", 1))[0].kind == "topdown"
    with pytest.raises(ConfigError, match=r"slow\.xml does not run in 'onnx'"):
        topdown(tmp_path / "slow.xml", opener("onnx", 1, "float32"))
