"""A network's graph in int8, after its training, by the ranges of its tensors.

Weights become int8 for every channel of their own, activations uint8, both by ONNX Runtime's
quantizer; pairs of QuantizeLinear and DequantizeLinear (QDQ) say it in the graph, which OpenVINO
reads as well. Convolutions calculate in int8, and with them the sums of what they give, so that a
residual block never leaves it. The first and the last convolutions stay as they are: their few
channels cost nothing, and 256 steps are few for a picture, and for logits and flows. Without them
the fast network's maps drift by 0.033 at most, with them by 0.055 (24 people of COCO).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import ConfigError
from data.pose import Floats
from models.runtimes.base import cores, require
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.ranges import Range

KINDS = ("Conv", "Relu", "Resize", "Add")


def quantized(graph: bytes, ranges: Mapping[str, Range]) -> bytes:
    """The graph in int8, by the ranges of its tensors; those of other tensors are not asked for.

    Raises ConfigError where ONNX Runtime is not installed, cannot quantize the graph, or where a
    tensor has no range.
    """
    require("onnx")
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    model = _model(graph)
    inner = inner_nodes(model.graph.node)
    if not inner:  # of no names the quantizer would make all
        return graph
    lacking = [name for name in _activations(model.graph, inner) if name not in ranges]
    if lacking:
        raise ConfigError(
            f"There is no range for {len(lacking)} tensors of the network, '{lacking[0]}' among "
            "them. Choose --precision bfloat16 or float32, or learn the ranges again."
        )
    known = {name: tuple(map(np.float32, ends)) for name, ends in ranges.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own use of older names
            quantizer = QDQQuantizer(
                model,
                True,  # weights by channel
                False,  # weights of eight bits, not seven
                QuantType.QInt8,
                QuantType.QUInt8,
                TensorsData(CalibrationMethod.MinMax, known),
                inner,
                [],
                list(KINDS),
                {},
            )
            quantizer.quantize_model()
    except (RuntimeError, ValueError) as error:
        told = (str(error).strip().splitlines() or ["no reason given"])[0]
        raise ConfigError(f"The network cannot be brought to int8: {told}") from error
    content: bytes = quantizer.model.model.SerializeToString()
    return content


def learnt(graph: bytes, samples: Sequence[Floats]) -> dict[str, Range]:
    """The least and the largest value of every tensor that int8 needs to know.

    `samples` is an array (N, ...) for each of the graph's inputs. Raises ConfigError where ONNX
    Runtime is not installed or cannot run the graph.
    """
    require("onnx")
    from onnx import ValueInfoProto

    model = _model(graph)
    names = _activations(model.graph, inner_nodes(model.graph.node))
    if not names:
        return {}
    del model.graph.output[:]
    model.graph.output.extend(ValueInfoProto(name=name) for name in names)
    run = OnnxRuntime(cores()).session(model.SerializeToString())
    found: dict[str, Range] = {}
    for inputs in _one_by_one(samples):
        answers = zip(names, run(inputs), strict=True)
        widen(found, ((name, (float(each.min()), float(each.max()))) for name, each in answers))
    return found


def widen(ranges: dict[str, Range], others: Iterable[tuple[str, Range]]) -> None:
    """Each range reaches over another of its name as well."""
    for name, (least, largest) in others:
        before = ranges.get(name, (least, largest))
        ranges[name] = min(before[0], least), max(before[1], largest)


def form() -> str:
    """What decides, beside graph and ranges, how a graph in int8 looks: versions and this file."""
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    return f"{importlib.metadata.version('onnxruntime')} {own}"


def inner_nodes(nodes: Sequence[Any]) -> list[str]:
    """Names of the convolutions that have others before and after them, and of what lies between.

    A sum belongs to them where one of its parts comes of a convolution or of what lies between: a
    residual block's does; a place plus a flow, and what a head sums, do not.
    """
    late: set[str] = set()  # tensors that some convolution lies before
    between: dict[str, str] = {}  # those made of a convolution's answers alone, and by which node
    for node in nodes:  # parts stand before what is made of them
        is_conv, parts = node.op_type == "Conv", set(node.input)
        if node.op_type in KINDS and parts & (late if is_conv else between.keys()):
            between |= dict.fromkeys(node.output, node.name)
        elif is_conv:
            between |= dict.fromkeys(node.output, "")  # a first one, which stays as it is
        if is_conv or parts & late:
            late |= set(node.output)
    early: set[str] = set()  # tensors that lead to a convolution by what lies between
    for node in reversed(nodes):
        if node.op_type == "Conv" or (node.op_type in KINDS and early & set(node.output)):
            early |= set(node.input)
    return [
        node.name
        for node in nodes
        if any(between.get(output) and output in early for output in node.output)
    ]


def _model(graph: bytes) -> Any:
    """The graph with the kind of every tensor noted, and weights where the quantizer looks for
    them. ConfigError for what is none."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph))
    except (DecodeError, RuntimeError) as error:
        raise ConfigError("The network cannot be brought to int8: it is no graph.") from error
    _own_biases(model.graph)
    return model


def _own_biases(graph: Any) -> None:
    """Give every convolution a bias of its own, which the steps of its input scale.

    Layers that are used again share theirs; equal ones torch writes once, and the others as their
    Identity, where the quantizer does not find them.
    """
    weights = {entry.name: entry for entry in graph.initializer}
    aliases = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    taken = set()
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        for place, name in enumerate(node.input):
            node.input[place] = aliases[name] if aliases.get(name) in weights else name
        if len(node.input) > 2 and node.input[2] in taken:
            copied = graph.initializer.add()
            copied.CopyFrom(weights[node.input[2]])
            copied.name = node.input[2] = f"{node.output[0]}_bias"
        taken |= set(node.input[2:])


def _activations(graph: Any, inner: Sequence[str]) -> list[str]:
    """What the inner nodes take and give, in the graph's order, less their weights."""
    constants = {entry.name for entry in graph.initializer} | {""}
    constants |= {name for node in graph.node if node.op_type == "Constant" for name in node.output}
    chosen = set(inner)
    nodes = [node for node in graph.node if node.name in chosen]
    taken = (name for n in nodes for name in (*_data_of(n), *n.output))
    return [name for name in dict.fromkeys(taken) if name not in constants]


def _data_of(node: Any) -> Sequence[str]:
    """A node's inputs that hold maps: of an Add both, of others the first."""
    inputs: Sequence[str] = node.input
    return inputs if node.op_type == "Add" else inputs[:1]


def _one_by_one(samples: Sequence[Floats]) -> Iterator[list[Floats]]:
    for place in range(len(samples[0])):
        yield [np.ascontiguousarray(sample[place : place + 1]) for sample in samples]
