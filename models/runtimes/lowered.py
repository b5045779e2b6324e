"""Lowered: a network's passes in torch with half as many bits, float32 tensors in and out."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from data.errors import ConfigError
from models.runtimes.base import Precision


class Autocast(nn.Module):
    """bfloat16 where torch holds it to be safe.

    Raises ConfigError on a processor that would have to imitate it, which is slower than float32.
    """

    def __init__(self, network: nn.Module, device: str) -> None:
        super().__init__()
        self._network, self._kind = network, torch.device(device).type
        if self._kind == "cpu" and not _knows_bfloat16():
            raise ConfigError(
                "This processor does not calculate in bfloat16. Choose --precision float32."
            )

    def forward(self, *inputs: Tensor) -> Any:
        with torch.autocast(self._kind, dtype=torch.bfloat16):
            return mapped(self._network(*inputs), Tensor.float)


def lowered(network: nn.Module, device: str, precision: Precision) -> nn.Module:
    """The network's passes in torch in that precision; int8 leaves a network as it is.

    Raises ConfigError for a precision that the processor does not know.
    """
    if precision == "bfloat16":
        return Autocast(network, device)
    if precision == "half":
        return Captured(copy.deepcopy(network).half(), captured_on_cuda)
    return network


def _knows_bfloat16() -> bool:
    """Whether oneDNN, which runs torch's convolutions on a CPU, has instructions for it."""
    known = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return known and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def mapped(output: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """What a network returned, a tensor or a named tuple of such, each one changed."""
    if isinstance(output, Tensor):
        return change(output)
    return type(output)(*(change(tensor) for tensor in output))


BATCHES = (1, 2, 4, 8, 16, 32)
"""Sizes for which a graph is captured: few people fill up to the next one."""

Replay = Callable[[Sequence[Tensor]], Any]
"""Runs what was captured on inputs of its shapes; the next run writes over what it returned."""

Capture = Callable[[nn.Module, Sequence[Tensor]], Replay]


class Captured(nn.Module):
    """A half-precision network whose passes are captured once for each size and then replayed.

    A small network's pass is over before Python has asked for all of its kernels; a captured graph
    asks once. It has one size of batch: a batch is filled up to the next of BATCHES, and one larger
    than all goes through in parts.
    """

    def __init__(self, network: nn.Module, capture: Capture) -> None:
        super().__init__()
        self._network, self._capture = network, capture
        self._kept: dict[tuple[torch.Size, ...], Replay] = {}
        self._lock = threading.Lock()

    def forward(self, *inputs: Tensor) -> Any:
        split = zip(*(torch.split(entry, BATCHES[-1]) for entry in inputs), strict=True)
        parts = [self._part(part) for part in split]
        if isinstance(parts[0], Tensor):
            return torch.cat(parts)
        return type(parts[0])(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))

    def _part(self, inputs: Sequence[Tensor]) -> Any:
        count = len(inputs[0])
        full = [filled(entry.half(), batch_for(count)) for entry in inputs]
        shapes = tuple(entry.shape for entry in full)
        with self._lock:  # a replay serves one caller at a time
            if shapes not in self._kept:
                self._kept[shapes] = self._capture(self._network, full)
            # A copy, in float32: the next replay writes over the captured answer.
            return mapped(self._kept[shapes](full), lambda tensor: tensor[:count].float().clone())


def batch_for(count: int) -> int:
    """The least of BATCHES that holds so many, which are no more than the largest does."""
    return next(size for size in BATCHES if size >= count)


def filled(entry: Tensor, size: int) -> Tensor:
    """(N, ...) as (size, ...): zeros after the N."""
    return torch.cat([entry, entry.new_zeros(size - len(entry), *entry.shape[1:])])


def captured_on_cuda(network: nn.Module, inputs: Sequence[Tensor]) -> Replay:
    """A CUDA graph of one pass. What it reads and writes stays where it was captured."""
    own = [entry.clone() for entry in inputs]
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside), torch.no_grad():
        for _ in range(3):  # in its first passes a library chooses its ways and takes its memory
            network(*own)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph), torch.no_grad():
        output = network(*own)

    def replay(fresh: Sequence[Tensor]) -> Any:
        for place, entry in zip(own, fresh, strict=True):
            place.copy_(entry)
        graph.replay()
        return output

    return replay
