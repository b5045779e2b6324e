"""A network's graph in int8, after its training: each tensor's range is read off real inputs.

Weights become int8 for every channel of their own, activations uint8, both by ONNX Runtime's
quantizer; pairs of QuantizeLinear and DequantizeLinear (QDQ) say it in the graph, which OpenVINO
reads as well. Convolutions calculate in int8, and with them the sums of what they give, so that a
residual block never leaves it. The first and the last convolutions stay as they are: their few
channels cost nothing, and 256 steps are few for a picture, and for logits and flows. Without them
the fast network's maps drift by 0.033 at most, with them by 0.055 (24 people of COCO).
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from data.errors import ConfigError
from data.pose import Floats
from models.runtimes.base import require

KINDS = ("Conv", "Relu", "Resize", "Add")


def quantized(graph: bytes, inputs: Sequence[str], samples: Sequence[Floats]) -> bytes:
    """The graph in int8, its ranges the least and largest values that the `samples` give.

    A sample array (N, ...) for each of the named inputs. Raises ConfigError where ONNX Runtime is
    not installed or cannot quantize the graph.
    """
    require("onnx")
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own use of older names
        plain, fresh = Path(folder, "plain.onnx"), Path(folder, "int8.onnx")
        try:
            quant_pre_process(onnx.load_model_from_string(graph), plain, skip_symbolic_shape=True)
            model = onnx.load_model(plain)
            quantize_static(
                model,
                fresh,
                _Reader(_rows(inputs, samples)),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=KINDS,
                nodes_to_quantize=_inner(model.graph.node),
            )
        except (RuntimeError, ValueError) as error:
            told = (str(error).strip().splitlines() or ["no reason given"])[0]
            raise ConfigError(f"The network cannot be brought to int8: {told}") from error
        return fresh.read_bytes()


class _Reader:
    """What the quantizer asks for inputs, one after the other."""

    def __init__(self, rows: Iterator[dict[str, Floats]]) -> None:
        self._rows = rows

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._rows, None)


def _rows(inputs: Sequence[str], samples: Sequence[Floats]) -> Iterator[dict[str, Floats]]:
    for place in range(len(samples[0])):
        rows = (sample[place : place + 1] for sample in samples)
        yield dict(zip(inputs, rows, strict=True))


def _inner(nodes: Sequence[Any]) -> list[str]:
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
