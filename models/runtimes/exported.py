"""A torch network as an ONNX graph or a TorchScript program: the batch's size open, all else set.

Written by torch's tracing exporter, which needs no package beside `onnx`. Sides of the input are
constants in the graph, for half of the networks make grids and masks of them; the finder works its
places out from the sides, and its graph can leave them open.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from data.errors import ConfigError

OPSET = 17  # every operator of the family is in it, and runtimes since 2022 read it
BATCH = 2  # of the example: with 1, tracing could take the batch for a constant


def graph_of(
    network: nn.Module,
    shapes: Sequence[tuple[int, ...]],
    inputs: Sequence[str] = (),
    *,
    open_sides: bool = False,
) -> tuple[bytes, int]:
    """An ONNX graph and the number of its outputs, for inputs of these shapes without the batch.

    Inputs are named `inputs`, else input0 and so on; outputs output0 and so on. With `open_sides`
    the shapes are an example: images may have any sides that the network itself takes. Raises
    ConfigError for a network that has no such graph.
    """
    example = examples(shapes, BATCH)
    with torch.no_grad():
        count = len(answers(network(*example)))
    names = list(inputs) or [f"input{place}" for place in range(len(shapes))]
    outputs = [f"output{place}" for place in range(count)]
    axes = {name: {0: "batch"} for name in (*names, *outputs)}
    if open_sides:
        axes |= {name: {0: "batch", 2: "height", 3: "width"} for name in names}
        axes |= {name: {0: "batch", 1: "places"} for name in outputs}
    file = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tracing: sides become constants, as they should
            torch.onnx.export(
                network,
                example,
                file,  # type: ignore[arg-type]  # a buffer will do
                input_names=names,
                output_names=outputs,
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
        told = str(error).strip().splitlines()[0]
        raise ConfigError(
            f"{type(network).__name__} cannot be written as an ONNX graph ({told}). "
            "Run it with --runtime torch."
        ) from error
    return file.getvalue(), count


def script_of(network: nn.Module, shapes: Sequence[tuple[int, ...]]) -> torch.jit.ScriptModule:
    """The traced program of a network, for inputs of these shapes without the batch."""
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(network, examples(shapes, BATCH))  # type: ignore[no-untyped-call]
    assert isinstance(traced, torch.jit.ScriptModule)
    return traced


def examples(shapes: Sequence[tuple[int, ...]], batch: int) -> tuple[Tensor, ...]:
    """Inputs of a batch, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(batch, *shape, generator=generator) for shape in shapes)


def answers(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a network returned, one or several tensors."""
    return (output,) if isinstance(output, Tensor) else tuple(output)
