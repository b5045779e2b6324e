"""Graphs in int8: what is brought to it, what stays, and how near it answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from data.errors import ConfigError
from models.networks.plain import PlainNet
from models.networks.slim_transfer import SlimTransfer
from models.runtimes import base
from models.runtimes.exported import graph_of
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.quantized import _inner, quantized

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SAMPLES = np.random.default_rng(0).random((6, 3, 32, 32), np.float32)


@pytest.fixture(scope="module")
def graph() -> bytes:
    torch.manual_seed(0)
    return graph_of(PlainNet(keypoints=5, widths=(8, 16), blocks=1).eval(), ((3, 32, 32),))[0]


def test_the_graph_answers_nearly_as_before_for_any_batch(graph):
    before = OnnxRuntime(1).session(graph)
    after = OnnxRuntime(1).session(quantized(graph, ("input0",), (SAMPLES,)))

    for batch in (1, 3):
        (expected,), (found,) = before([SAMPLES[:batch]]), after([SAMPLES[:batch]])
        error = np.abs(found - expected).max() / np.abs(expected).max()
        assert found.shape == expected.shape
        assert 0 < error < 0.1


def test_first_and_last_convolution_stay_and_residual_sums_do_not(graph):
    nodes = onnx.load_model_from_string(graph).graph.node
    convs = [node.name for node in nodes if node.op_type == "Conv"]

    inner = _inner(nodes)

    assert [name for name in inner if name in convs] == convs[1:-1]
    assert {node.name for node in nodes if node.op_type == "Add"} <= set(inner)


def test_a_flow_keeps_its_fractions():
    network = SlimTransfer(keypoints=5, channels=8, blocks=1).eval()
    content, _ = graph_of(network, ((5, 16, 12), (5, 16, 12)))
    nodes = onnx.load_model_from_string(content).graph.node
    kinds = {node.name: node.op_type for node in nodes}

    inner = _inner(nodes)

    assert [kinds[name] for name in inner].count("Add") == 1  # the residual block's
    assert "Resize" not in {kinds[name] for name in inner}


def test_garbage_is_told():
    with pytest.raises(ConfigError, match="cannot be brought to int8"):
        quantized(b"", ("input0",), (SAMPLES,))


def test_what_is_not_installed_is_told(monkeypatch, graph):
    monkeypatch.setitem(base.PACKAGES, "onnx", ("a_package_that_nobody_has",))

    with pytest.raises(ConfigError, match=r"pip install 'fspose\[onnx"):
        quantized(graph, ("input0",), (SAMPLES,))
