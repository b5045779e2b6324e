"""ONNX Runtime and OpenVINO on what they cannot run."""

from __future__ import annotations

import numpy as np
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


def test_openvino_answers_a_crowd_in_parts(whole, monkeypatch):
    pytest.importorskip("openvino")
    graph, count = graph_of(whole.network, whole.shapes)
    crowd = [np.concatenate([entry] * 5)[:5] for entry in whole.samples]
    numbers = sum(entry[0].size for entry in crowd)
    together = OpenVino(1).session(graph)(crowd)
    assert len(together) == count

    for at_once in (2 * numbers, 1):
        monkeypatch.setattr("models.runtimes.openvino.NUMBERS_AT_ONCE", at_once)
        session = OpenVino(1).session(graph)

        for one, other in zip(session(crowd), together, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
            assert one.dtype == other.dtype
