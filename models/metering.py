"""Meter: every pass of every network, counted and timed while a scheme runs.

It stands between a network's door and whatever runtime its passes run in, so it counts the same in
all of them. What a pass costs is worked out afterwards (`macs`): that takes a copy of the network.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from models import cost
from models.networks.finder import FinderNet
from models.runtimes.passes import Placing
from models.runtimes.ranges import RangesOf

FINDER, CHECKS = "finder", "checks"
"""What the passes of a person finder are counted under, and those of the net that looks into its
boxes."""

Shapes = tuple[tuple[int, ...], ...]


@dataclass(slots=True)
class Passes:
    """What one network did: passes, people (pictures, pairs of maps) in them, and seconds."""

    calls: int = 0
    items: int = 0
    seconds: float = 0.0
    macs: int = 0


@dataclass(slots=True)
class Meter:
    """Counts by role. `reset` forgets what was counted, as after a warm-up."""

    _counted: dict[tuple[str, Shapes], Passes] = field(default_factory=dict)
    _networks: dict[str, nn.Module] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)  # two threads ask one network

    def placing(self, role: str, inner: Placing) -> Placing:
        """Puts a network where `inner` does, and counts its passes under `role`.

        With the role of the finder, what is no FinderNet is the net that checks its boxes.
        """

        def place(network: nn.Module, ranges: RangesOf | None = None, /) -> nn.Module:
            is_check = role == FINDER and not isinstance(network, FinderNet)
            name = CHECKS if is_check else role
            self._networks[name] = network
            # a function, which copies of the network share: the lock has no copy
            return _Metered(inner(network, ranges), lambda *one: self._add(name, *one))

        return place

    def reset(self) -> None:
        self._counted.clear()

    def passes(self) -> dict[str, Passes]:
        """What was counted, by role, with the multiply-adds as `models/cost.py` counts them."""
        found: dict[str, Passes] = {}
        for (role, shapes), counted in self._counted.items():
            inputs = [torch.zeros(1, *shape, device="meta") for shape in shapes]
            total = found.setdefault(role, Passes())
            total.calls += counted.calls
            total.items += counted.items
            total.seconds += counted.seconds
            total.macs += counted.items * cost.macs(self._networks[role], *inputs)
        return found

    def _add(self, role: str, shapes: Shapes, items: int, seconds: float) -> None:
        with self._lock:
            passes = self._counted.setdefault((role, shapes), Passes())
            passes.calls += 1
            passes.items += items
            passes.seconds += seconds


class _Metered(nn.Module):
    """A network whose passes are timed; `add` takes a pass's shapes, people and seconds."""

    def __init__(self, network: nn.Module, add: Callable[[Shapes, int, float], None]) -> None:
        super().__init__()
        self._network, self._add = network, add
        self.eval()

    def forward(self, *inputs: Tensor) -> Any:
        start = time.perf_counter()
        output = self._network(*inputs)
        if inputs[0].is_cuda:
            torch.cuda.synchronize()  # else the time would be that of asking
        seconds = time.perf_counter() - start
        shapes = tuple(tuple(entry.shape[1:]) for entry in inputs)
        self._add(shapes, len(inputs[0]), seconds)
        return output
