"""ONNX Runtime and OpenVINO on what they cannot run."""

from __future__ import annotations

import pytest

from data.errors import ConfigError
from models.runtimes import base
from models.runtimes.exported import graph_of
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.openvino import OpenVino
from models.runtimes.passes import create


@pytest.mark.parametrize("graph", [b"no graph at all", b""])
def test_garbage_is_told_in_one_line(name, graph):
    with pytest.raises(ConfigError, match="cannot run this network") as told:
        create(name, 1).session(graph)

    assert "\n" not in str(told.value)


def test_an_operator_of_the_future_is_told(name, whole):
    onnx = pytest.importorskip("onnx")
    model = onnx.load_model_from_string(graph_of(whole.network, whole.shapes)[0])
    model.graph.node[0].op_type = "Telepathy"

    with pytest.raises(ConfigError, match="cannot run this network"):
        create(name, 1).session(model.SerializeToString())


@pytest.mark.parametrize(("kind", "wanted"), [(OnnxRuntime, "onnx"), (OpenVino, "openvino")])
def test_a_runtime_that_is_not_installed_is_told(kind, wanted, monkeypatch):
    monkeypatch.setitem(base.PACKAGES, wanted, ("a_package_that_nobody_has",))

    with pytest.raises(ConfigError, match="pip install"):
        kind(1)
