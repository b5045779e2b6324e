"""Graphs in int8: what is brought to it, what stays, and how near it answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from data.errors import ConfigError
from models.networks.plain import PlainNet
from models.networks.slim_transfer import SlimTransfer
from models.runtimes import base
from models.runtimes.exported import graph_of
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.quantized import inner_nodes, learnt, quantized, widen

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SAMPLES = np.random.default_rng(0).random((6, 3, 32, 32), np.float32)


def nodes_of(graph: bytes) -> list[onnx.NodeProto]:
    return list(onnx.load_model_from_string(graph).graph.node)


@pytest.fixture(scope="module")
def graph() -> bytes:
    torch.manual_seed(0)
    return graph_of(PlainNet(keypoints=5, widths=(8, 16), blocks=1).eval(), ((3, 32, 32),))[0]


def test_the_graph_answers_nearly_as_before_for_any_batch(graph):
    before = OnnxRuntime(1).session(graph)
    after = OnnxRuntime(1).session(quantized(graph, learnt(graph, (SAMPLES,))))

    for batch in (1, 3):
        (expected,), (found,) = before([SAMPLES[:batch]]), after([SAMPLES[:batch]])
        error = np.abs(found - expected).max() / np.abs(expected).max()
        assert found.shape == expected.shape
        assert 0 < error < 0.1


def test_ranges_are_the_least_and_the_largest_value_of_what_int8_calculates_with(graph):
    found = learnt(graph, (SAMPLES,))

    nodes = {name: node for node in nodes_of(graph) for name in node.output}
    inner = inner_nodes(list(nodes.values()))
    assert {name for name in nodes if nodes[name].name in inner} <= set(found)
    relus = [name for name in found if nodes[name].op_type == "Relu"]
    assert relus
    assert all(found[name][0] >= 0 < found[name][1] for name in relus)
    halves = learnt(graph, (SAMPLES[:3],))
    widen(halves, learnt(graph, (SAMPLES[3:],)).items())
    assert halves == found


def test_narrower_ranges_make_another_graph(graph):
    wide = learnt(graph, (SAMPLES,))
    narrow = {name: (least / 9, largest / 9) for name, (least, largest) in wide.items()}

    answers = [
        OnnxRuntime(1).session(quantized(graph, ranges))([SAMPLES])[0] for ranges in (wide, narrow)
    ]

    assert np.abs(answers[1] - answers[0]).max() > 0.1 * np.abs(answers[0]).max()


def test_equal_weights_that_are_written_once_become_int8_everywhere(caplog):
    """What else the quantizer would warn of, and leave in float32."""
    network = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(4))).eval()
    for layer in network:
        layer.bias.data.fill_(0.5)
    graph, _ = graph_of(network, ((3, 32, 32),))
    assert any(node.op_type == "Identity" for node in nodes_of(graph))

    coarse = nodes_of(quantized(graph, learnt(graph, (SAMPLES,))))

    kinds = {name: node.op_type for node in coarse for name in node.output}
    biases = [kinds.get(node.input[2]) for node in coarse if node.op_type == "Conv"]
    assert biases == [None, "DequantizeLinear", "DequantizeLinear", None]
    assert caplog.records == []


def test_a_tensor_without_a_range_is_told(graph):
    ranges = learnt(graph, (SAMPLES,))
    gone = next(iter(ranges))
    del ranges[gone]

    with pytest.raises(ConfigError, match=f"no range for 1 tensors of the network, '{gone}'"):
        quantized(graph, ranges)


def test_first_and_last_convolution_stay_and_residual_sums_do_not(graph):
    nodes = nodes_of(graph)
    convs = [node.name for node in nodes if node.op_type == "Conv"]

    inner = inner_nodes(nodes)

    assert [name for name in inner if name in convs] == convs[1:-1]
    assert {node.name for node in nodes if node.op_type == "Add"} <= set(inner)


def test_a_graph_without_inner_convolutions_stays_as_it_is():
    content, _ = graph_of(nn.Conv2d(3, 3, 3).eval(), ((3, 32, 32),))

    assert learnt(content, (SAMPLES,)) == {}
    assert quantized(content, {}) == content


def test_a_flow_keeps_its_fractions():
    network = SlimTransfer(keypoints=5, channels=8, blocks=1).eval()
    content, _ = graph_of(network, ((5, 16, 12), (5, 16, 12)))
    nodes = nodes_of(content)
    kinds = {node.name: node.op_type for node in nodes}

    inner = inner_nodes(nodes)

    assert [kinds[name] for name in inner].count("Add") == 1  # the residual block's
    assert "Resize" not in {kinds[name] for name in inner}


def test_garbage_is_told():
    with pytest.raises(ConfigError, match="cannot be brought to int8"):
        quantized(b"garbage", {})
    with pytest.raises(ConfigError, match="cannot be brought to int8"):
        learnt(b"garbage", (SAMPLES,))


def test_what_is_not_installed_is_told(monkeypatch, graph):
    monkeypatch.setitem(base.PACKAGES, "onnx", ("a_package_that_nobody_has",))

    with pytest.raises(ConfigError, match=r"pip install 'fspose\[onnx"):
        quantized(graph, {})
