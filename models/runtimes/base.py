"""What a runtime is, which ones are installed, and which one a wish leads to.

Torch is the reference. Another runtime reads a network as an ONNX graph, which torch writes, and
answers within rounding of it; `models/runtimes/exported.py` writes the graph, and
`models/runtimes/passes.py` puts the runtime behind a network's door. No torch in this file.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from typing import Literal, Protocol, get_args

from data.errors import ConfigError
from data.pose import Floats

Name = Literal["torch", "onnx", "openvino"]
Wish = Literal["torch", "onnx", "openvino", "auto"]

Precision = Literal["float32", "bfloat16", "int8", "half"]
"""What a network's passes are calculated in; `data/packing.py` has another, of stored maps."""

Target = Literal["onnx", "openvino", "torchscript"]

NAMES: tuple[Name, ...] = get_args(Name)
WISHES: tuple[Wish, ...] = get_args(Wish)
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
ON_CPU: dict[Name, tuple[Precision, ...]] = {
    "torch": ("float32", "bfloat16"),
    "onnx": ("float32", "int8"),
    "openvino": ("float32", "bfloat16", "int8"),
}
"""What each runtime calculates in on a CPU; int8 only networks that have ranges."""
SUFFIXES: dict[Target, str] = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}
"""Of exported files."""
# Measured, docs/runtimes.md: with one thread ONNX Runtime is quicker in float32; bfloat16 only
# OpenVINO has, and in int8 it has it for what stays out of int8.
FASTEST_FIRST: tuple[Name, ...] = ("onnx", "openvino")
FASTEST_IN_INT8: tuple[Name, ...] = ("openvino", "onnx")
PACKAGES: dict[Name, tuple[str, ...]] = {
    "torch": ("torch",),
    "onnx": ("onnx", "onnxruntime"),
    "openvino": ("onnx", "openvino"),
}


class Session(Protocol):
    """One network, ready to run: arrays in, one after the other, arrays out in the graph's order.

    Arrays are float32 with the batch first, whose size may change from call to call. Two threads
    may call at once.
    """

    def __call__(self, inputs: Sequence[Floats]) -> list[Floats]: ...


class Runtime(Protocol):
    """Makes sessions of ONNX graphs. Raises ConfigError for a graph that it cannot run."""

    name: Name

    @property
    def form(self) -> str:
        """What decides how a compiled graph looks: versions, threads, precision, processor."""

    def session(self, graph: bytes) -> Session: ...

    def compiled(self, graph: bytes) -> tuple[Session, bytes]:
        """A session, and what `unpacked` makes it of again."""

    def unpacked(self, content: bytes) -> Session:
        """Raises ConfigError for content that is not, or no longer, what `compiled` gave."""


def installed(name: Name) -> bool:
    """Whether all packages of a runtime are there; none is imported."""
    return all(importlib.util.find_spec(package) is not None for package in PACKAGES[name])


def require(name: Name, why: str = "") -> None:
    """ConfigError with the one command to mend it, where a runtime is not installed.

    `why` is said of one that was not asked for by its name.
    """
    if not installed(name):
        reason = f", and {why}" if why else ""
        raise ConfigError(
            f"The runtime '{name}' is not installed{reason}. "
            f"Install it: pip install 'fspose[{name}]'."
        )


def choose(wish: Wish, device: str, precision: Precision = "float32") -> Name:
    """The runtime that a wish leads to, for a device that `models/device.py` chose.

    `auto` is, on a CPU, the fastest that is installed and calculates in the precision; torch alone
    runs on another device. Raises ConfigError for a runtime that is not installed, not for the
    device, or not for the precision.
    """
    if device != "cpu" and wish not in ("auto", "torch"):
        raise ConfigError(
            f"The runtime '{wish}' runs on the CPU, not on '{device}'. "
            "Give it --device cpu, or --runtime torch."
        )
    name: Name = "torch" if wish == "auto" else wish
    if wish == "auto" and device == "cpu":
        order = FASTEST_IN_INT8 if precision == "int8" else FASTEST_FIRST
        able = (each for each in order if precision in ON_CPU[each] and installed(each))
        name = next(able, "torch")
    _admit(name, device, precision)
    require(name)
    return name


def _admit(name: Name, device: str, precision: Precision) -> None:
    """ConfigError where a runtime does not calculate in that precision on that device."""
    on_cuda = device.partition(":")[0] == "cuda"
    if precision == "half" and not on_cuda:
        raise ConfigError(
            f"The precision 'half' is for CUDA devices, not for '{device}'. "
            "Choose --precision bfloat16 or float32."
        )
    if precision == "half" or (precision == "bfloat16" and on_cuda):
        return  # a runtime other than torch was refused on such a device
    able = ON_CPU[name] if device == "cpu" else ("float32",)
    if precision not in able:
        others = [each for each in FASTEST_FIRST if precision in ON_CPU[each]]
        raise ConfigError(
            f"The runtime '{name}' calculates in {' or '.join(able)} on '{device}', not in "
            f"{precision}. Give it --device cpu --runtime {' or '.join(others)}, "
            "or another --precision."
        )


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
