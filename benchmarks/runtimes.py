"""What each installed runtime costs: `python benchmarks/runtimes.py --help`.

Milliseconds per person (of the finder per picture) at batch 1 and 8, and the ratio to torch of the
same run: on a machine that does other things too, the ratios are what can be believed. The rounds
go from runtime to runtime, so that a busy moment falls on all alike; the least time counts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from data.pose import Floats
from fspose_app import build
from fspose_app.cli.export import FINDER_SIZE, NETWORKS
from fspose_app.config import ExportSettings
from fspose_app.export_samples import drawn
from models.runtimes.base import FASTEST_FIRST, Session, cores, installed
from models.runtimes.drift import Drift
from models.runtimes.exported import graph_of
from models.runtimes.openvino import OpenVino
from models.runtimes.passes import create
from models.runtimes.whole import Whole

BATCHES = (1, 8)


def sessions(whole: Whole, threads: int) -> tuple[dict[str, Session], dict[str, float]]:
    """A network, with its head, in every installed runtime, and how long it took to get ready."""
    found: dict[str, Session] = {"torch": whole.reference}
    ready = {"torch": 0.0}
    makers = {name: create for name in FASTEST_FIRST if installed(name)}
    runtimes = {name: make(name, threads) for name, make in makers.items()}
    if "openvino" in runtimes:  # what it takes to by itself where the processor knows bfloat16
        runtimes["openvino bf16"] = OpenVino(threads, "bf16")
    for name, runtime in runtimes.items():
        start = time.perf_counter()
        found[name] = runtime.session(graph_of(whole.network, whole.shapes)[0])
        ready[name] = time.perf_counter() - start
    return found, ready


def times(runs: Mapping[str, Session], inputs: list[Floats], rounds: int) -> dict[str, float]:
    """The least seconds of a pass, for every runtime."""
    least = {name: float("inf") for name in runs}
    for turn in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run(inputs)
            if turn:  # the first pass of a size prepares it
                least[name] = min(least[name], time.perf_counter() - start)
    return least


def measured(
    network: str, whole: Whole, threads: int, rounds: int, say: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """A row per runtime: ms per person and ratio at each batch, and how far it drifts."""
    runs, ready = sessions(whole, threads)
    rows: dict[str, dict[str, float]] = {name: {"ready_s": ready[name]} for name in runs}
    for batch in BATCHES:
        inputs = [np.ascontiguousarray(np.resize(s, (batch, *s.shape[1:]))) for s in whole.samples]
        least = times(runs, inputs, rounds)
        for name, seconds in least.items():
            rows[name][f"ms_{batch}"] = 1000 * seconds / batch
            rows[name][f"ratio_{batch}"] = least["torch"] / seconds
    for name, run in runs.items():
        drift: Drift = whole.drift(run)
        rows[name] |= {"largest": drift.largest, "moved_mean": drift.moved_mean}
        row = rows[name]
        cells = [f"{row[f'ms_{b}']:8.2f} ms {row[f'ratio_{b}']:5.2f}x" for b in BATCHES]
        errors = f"{row['largest']:9.1e} {row['moved_mean']:9.2g}"
        say(f"{network:9}{name:14}{' '.join(cells)} {errors} {row['ready_s']:7.1f} s")
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=cores(), help="Threads of every runtime.")
    parser.add_argument("--rounds", type=int, default=15, help="Passes that are timed.")
    parser.add_argument("--json", type=Path, help="A file for the figures.")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    want, pictures = build.wanted(ExportSettings()), drawn()
    head = " ".join(f"{f'batch {batch}':>11} {'ratio':>6}" for batch in BATCHES)
    print(f"{options.threads} threads; drift: largest error, mean move of keypoints in pixels")
    print(f"{'network':9}{'runtime':14}{head} {'largest':>9} {'moved':>9} {'ready':>9}")
    figures = {}
    for network in NETWORKS:
        _, whole = build.exportable(network, want, pictures, FINDER_SIZE)
        figures[network] = measured(network, whole, options.threads, options.rounds, print)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
