"""Ranges learnt from real people, and written only where int8 answers well enough with them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from data.draft import Draft
from models import archives
from models.runtimes.drift import Drift
from models.runtimes.exported import graph_of
from models.runtimes.passes import placing
from models.runtimes.quantized import learnt, widen
from models.runtimes.ranges import DIGITS, Range, Ranges
from models.runtimes.whole import Whole, shapes_of


def write_ranges(path: Path, whole: Whole, weights: Path, threads: int) -> Drift:
    """Learn on half of the samples, compare int8 with torch on the other half, write the file.

    The graph is that of the network without its head, as it is traced in use (`passes.Elsewhere`);
    pictures of other sides are read by graphs of their own, whose tensors bear the same names.
    `weights` is the network's file. Raises ConfigError where ONNX Runtime is not installed or the
    answers drift too far, OutputError where the file cannot be written.
    """
    first, second = whole.halves()
    ranges = Ranges(
        weights=archives.sha256(weights),
        learnt_from=sum(len(samples[0]) for samples in first.groups),
        tensors={name: _short(ends) for name, ends in _learnt(first).items()},
    )
    with Draft(path) as draft:
        drift = second.drift(second.placed(placing("onnx", threads, "int8"), ranges).reference)
        drift.refuse(str(path), "int8")
        draft.write(ranges.text)
    return drift


def at_random(network: nn.Module, shape: tuple[int, ...]) -> Ranges:
    """Ranges of a network whose weights are random numbers, on noise: for its time, not its
    answers. `shape` is that of an input, without the batch; ConfigError as above."""
    noise = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0)).numpy()
    graph, _ = graph_of(network, (shape,))
    return Ranges(weights="", learnt_from=len(noise), tensors=learnt(graph, (noise,)))


def _learnt(whole: Whole) -> dict[str, Range]:
    found: dict[str, Range] = {}
    for samples in whole.groups:
        graph, _ = graph_of(whole.bare, shapes_of(samples))
        widen(found, learnt(graph, samples).items())
    return found


def _short(ends: Range) -> Range:
    """As the file holds them."""
    least, largest = (float(f"{value:.{DIGITS}g}") for value in ends)
    return least, largest
