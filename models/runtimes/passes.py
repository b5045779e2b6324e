"""Elsewhere: a network whose passes run in another runtime, behind the door of the torch one."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Floats
from models.runtimes.base import Name, Runtime, Session, cores
from models.runtimes.exported import BATCH, examples, graph_of
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.openvino import OpenVino

Placing = Callable[[nn.Module], nn.Module]
"""Takes a torch network, gives one that answers the same from wherever it runs."""

Shapes = tuple[tuple[int, ...], ...]


class Elsewhere(nn.Module):
    """A network's passes in another runtime: tensors in and out as the network itself has them.

    The graph is made and compiled at the first pass with inputs of new sides, and kept in `kept`:
    networks of the same weights share it.
    """

    def __init__(
        self, network: nn.Module, runtime: Runtime, kept: dict[tuple[str, Shapes], Session]
    ) -> None:
        super().__init__()
        self._reference = network.cpu().eval()
        self._runtime, self._kept = runtime, kept
        self._digest = digest(network)
        self._form: Callable[..., Any] | None = None

    @torch.no_grad()
    def forward(self, *inputs: Tensor) -> Any:
        """Inputs on the CPU, the batch first."""
        shapes = tuple(tuple(entry.shape[1:]) for entry in inputs)
        arrays = [np.ascontiguousarray(entry.float().numpy()) for entry in inputs]
        answers = self._session(shapes)(arrays)
        if self._form is None:
            self._form = _form(self._reference(*examples(shapes, BATCH)))
        return self._form(*(torch.from_numpy(answer) for answer in answers))

    def _session(self, shapes: Shapes) -> Session:
        key = (self._digest, shapes)
        if key not in self._kept:
            graph, _ = graph_of(self._reference, shapes)
            self._kept[key] = self._runtime.session(graph)
        return self._kept[key]


def placing(name: Name, threads: int | None) -> Placing:
    """Where networks run: in torch as they are, else in the runtime of that name.

    `threads` is how many a pass may use, without it one per core. Raises ConfigError where the
    runtime is not installed.
    """
    if name == "torch":
        return lambda network: network
    runtime, kept = _runtime(name, threads or cores())
    return lambda network: Elsewhere(network, runtime, kept)


def create(name: Name, threads: int) -> Runtime:
    """The runtime of that name, which is not torch."""
    return OnnxRuntime(threads) if name == "onnx" else OpenVino(threads)


def digest(network: nn.Module) -> str:
    """Tells networks apart that would not answer alike: by their layers and weights."""
    found = hashlib.sha256(repr(network).encode())
    for name, entry in network.state_dict().items():
        values: Floats = entry.detach().cpu().contiguous().numpy()
        found.update(name.encode() + str(values.shape).encode() + values.tobytes())
    return found.hexdigest()


@functools.lru_cache
def _runtime(name: Name, threads: int) -> tuple[Runtime, dict[tuple[str, Shapes], Session]]:
    """One of a kind in a program, with its sessions: a second run compiles nothing again."""
    return create(name, threads), {}


def _form(output: Tensor | tuple[Tensor, ...]) -> Callable[..., Any]:
    """What makes an output of such a kind of its tensors: one itself, or a named tuple."""
    return (lambda tensor: tensor) if isinstance(output, Tensor) else type(output)
