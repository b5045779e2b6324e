"""Elsewhere: a network whose passes run in another runtime, behind the door of the torch one."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, get_type_hints

import numpy as np
import torch
from torch import Tensor, nn

from data.errors import ConfigError
from data.pose import Floats
from models.runtimes.base import Name, Precision, Runtime, Session, cores, require
from models.runtimes.cache import Cache
from models.runtimes.exported import graph_of
from models.runtimes.lowered import lowered
from models.runtimes.onnx import OnnxRuntime
from models.runtimes.openvino import OpenVino, knows_bfloat16
from models.runtimes.quantized import form, quantized
from models.runtimes.ranges import Ranges, RangesOf


class Placing(Protocol):
    """Takes a torch network, gives one that answers the same from wherever it runs.

    `ranges` looks for those of its tensors, which int8 needs; other precisions do not look.
    """

    def __call__(self, network: nn.Module, ranges: RangesOf | None = None, /) -> nn.Module: ...


Shapes = tuple[tuple[int, ...], ...]


class Elsewhere(nn.Module):
    """A network's passes in another runtime: tensors in and out as the network itself has them.

    The graph is made and compiled at the first pass with inputs of new sides, and kept in `kept`:
    networks of the same weights share it. With a `cache` the disk keeps it for the next run. With
    `ranges` the graph is brought to int8, which needs ONNX Runtime: ConfigError without it.
    """

    def __init__(
        self,
        network: nn.Module,
        runtime: Runtime,
        kept: dict[tuple[str, Shapes], Session],
        cache: Cache | None = None,
        ranges: Ranges | None = None,
    ) -> None:
        super().__init__()
        if ranges is not None:
            require("onnx", "int8 is calculated with its help")
        self._reference = network.cpu().eval()
        self._runtime, self._kept, self._cache = runtime, kept, cache
        self._ranges = ranges
        self._digest = digest(network) + (f" {ranges.digest} {form()}" if ranges else "")
        self._form: Callable[..., Any] | None = None

    @torch.no_grad()
    def forward(self, *inputs: Tensor) -> Any:
        """Inputs on the CPU, the batch first."""
        shapes = tuple(tuple(entry.shape[1:]) for entry in inputs)
        arrays = [np.ascontiguousarray(entry.float().numpy()) for entry in inputs]
        answers = self._session(shapes)(arrays)
        if self._form is None:
            self._form = _form(self._reference, len(answers))
        return self._form(*(torch.from_numpy(answer) for answer in answers))

    def _session(self, shapes: Shapes) -> Session:
        key = (self._digest, shapes)
        if key not in self._kept:
            made = self._made if self._cache is None else functools.partial(self._read, self._cache)
            self._kept[key] = made(shapes)
        return self._kept[key]

    def _made(self, shapes: Shapes) -> Session:
        return self._runtime.session(self._graph(shapes))

    def _graph(self, shapes: Shapes) -> bytes:
        graph, _ = graph_of(self._reference, shapes)
        return graph if self._ranges is None else quantized(graph, self._ranges.tensors)

    def _read(self, cache: Cache, shapes: Shapes) -> Session:
        """From the disk where it is there, else made and put there."""
        key = f"{self._digest} {shapes} {_code(self._reference)} {self._runtime.form}"
        content = cache.load(key)
        if content is not None:
            try:
                return self._runtime.unpacked(content)
            except ConfigError:
                cache.refused(key)
        session, content = self._runtime.compiled(self._graph(shapes))
        cache.save(key, content)
        return session


def placing(
    name: Name,
    threads: int | None,
    precision: Precision = "float32",
    *,
    device: str = "cpu",
    cache: Cache | None = None,
) -> Placing:
    """Where networks run, and in what: in torch on `device`, else in the runtime of that name.

    `threads` is how many a pass may use, without it one per core. In int8 run networks that have
    ranges; others do in bfloat16 where runtime and processor know it, else in float32. Raises
    ConfigError where the runtime is not installed or the processor does not know the precision;
    so does what is returned, and WeightsError for ranges of other weights.
    """
    if name == "torch":
        return lambda network, _=None: lowered(network, device, precision)
    runtime, kept = _runtime(name, threads or cores(), precision)

    def place(network: nn.Module, ranges: RangesOf | None = None, /) -> nn.Module:
        found = ranges() if precision == "int8" and ranges is not None else None
        return Elsewhere(network, runtime, kept, cache, found)

    return place


def create(name: Name, threads: int, precision: Precision = "float32") -> Runtime:
    """The runtime of that name, which is not torch.

    What is not in int8, in a network that is or beside it, is in bfloat16 where that is known.
    """
    if name == "onnx":
        return OnnxRuntime(threads)
    rest = beside_int8(name) if precision == "int8" else precision
    return OpenVino(threads, "bf16" if rest == "bfloat16" else "f32")


def beside_int8(name: Name) -> Precision:
    """What a runtime calculates in, with int8 wanted, where there is none."""
    return "bfloat16" if name == "openvino" and knows_bfloat16() else "float32"


def digest(network: nn.Module) -> str:
    """Tells networks apart that would not answer alike: by their layers and weights."""
    found = hashlib.sha256(repr(network).encode())
    for name, entry in network.state_dict().items():
        values: Floats = entry.detach().cpu().contiguous().numpy()
        found.update(name.encode() + str(values.shape).encode() + values.tobytes())
    return found.hexdigest()


def _code(network: nn.Module) -> str:
    """Tells apart what traces a network otherwise: versions, and the files of its layers' code."""
    found = hashlib.sha256()
    for module in sorted({type(layer).__module__ for layer in network.modules()}):
        file = getattr(sys.modules.get(module), "__file__", None)
        if not module.startswith("torch") and file is not None:
            found.update(Path(file).read_bytes())
    versions = [importlib.metadata.version(package) for package in ("fspose", "torch")]
    return f"{versions} {found.hexdigest()}"


@functools.lru_cache
def _runtime(
    name: Name, threads: int, precision: Precision
) -> tuple[Runtime, dict[tuple[str, Shapes], Session]]:
    """One of a kind in a program, with its sessions: a second run compiles nothing again."""
    return create(name, threads, precision), {}


def _form(network: nn.Module, count: int) -> Callable[..., Any]:
    """What makes the network's output of its `count` tensors: one itself, or a named tuple.

    Which tuple is read from the type of `forward`: in torch a first pass, only to look at what it
    returns, takes longer than all sessions do that come from the disk.
    """
    if count == 1:
        return lambda tensor: tensor
    kind = get_type_hints(type(network).forward)["return"]
    assert issubclass(kind, tuple), kind
    return kind
