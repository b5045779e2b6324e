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

Target = Literal["onnx", "openvino", "torchscript"]

NAMES: tuple[Name, ...] = get_args(Name)
WISHES: tuple[Wish, ...] = get_args(Wish)
SUFFIXES: dict[Target, str] = {"onnx": ".onnx", "openvino": ".xml", "torchscript": ".pt"}
"""Of exported files."""
FASTEST_FIRST: tuple[Name, ...] = ("openvino", "onnx")  # measured: docs/runtimes.md
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

    def session(self, graph: bytes) -> Session: ...


def installed(name: Name) -> bool:
    """Whether all packages of a runtime are there; none is imported."""
    return all(importlib.util.find_spec(package) is not None for package in PACKAGES[name])


def require(name: Name) -> None:
    """ConfigError with the one command to mend it, where a runtime is not installed."""
    if not installed(name):
        raise ConfigError(
            f"The runtime '{name}' is not installed. Install it: pip install 'fspose[{name}]'."
        )


def choose(wish: Wish, device: str) -> Name:
    """The runtime that a wish leads to, for a device that `models/device.py` chose.

    `auto` is the fastest that is installed, on a CPU; torch alone runs on another device. Raises
    ConfigError for a runtime that is not installed, or not for the device.
    """
    if wish == "auto":
        there = [name for name in FASTEST_FIRST if installed(name)]
        return there[0] if there and device == "cpu" else "torch"
    if wish != "torch" and device != "cpu":
        raise ConfigError(
            f"The runtime '{wish}' runs on the CPU, not on '{device}'. "
            "Give it --device cpu, or --runtime torch."
        )
    require(wish)
    return wish


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
