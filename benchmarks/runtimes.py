"""What each runtime and precision costs: `python benchmarks/runtimes.py --help`.

Milliseconds per person (of the finder per picture) at batch 1, 4 and 8, the ratio to torch, and the
share of the machine's convolution peak that is reached at each batch; all of one run, because on a
machine that does other things too only ratios can be believed. The rounds go from runtime to
runtime, so that a busy moment falls on all alike; the least time counts. With --threads 1 it is the
processor's time and not the clock's, which other programs lengthen far less.

The peak is that of dense 3x3 convolutions, four in a row on batches of 8, in the same runtime and
precision and in the same rounds: the best of some widths and sizes, in GMACs per second. A
network's share is its GMACs, by `models/cost.py` and without its head, over its time, over that. In
int8 they are calibrated on the drawn people, the transfer network too, which runs in bfloat16 or
float32 beside the others otherwise; that changes the answers and not the time.

With --clip, whole runs of `fspose track` on a video follow, without its files: the first one with
all that a program does before its first frame, and nothing kept on the disk by an earlier one; then
the best of three more, which the ratio is of.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from data.errors import ConfigError
from data.sources import open_source
from data.sources.prefetch import prefetch
from fspose_app import build
from fspose_app.cli.export import NETWORKS
from fspose_app.config import ExportSettings, TrackSettings
from fspose_app.export_samples import drawn
from models import zoo
from models.cost import GIGA, gmacs, macs
from models.runtimes.base import FASTEST_FIRST, ON_CPU, Name, Precision, Session, cores, installed
from models.runtimes.drift import Drift, of_maps
from models.runtimes.exported import graph_of
from models.runtimes.lowered import lowered
from models.runtimes.passes import create
from models.runtimes.quantized import learnt, quantized
from models.runtimes.whole import Whole
from pipelines.timing import no_clock

BATCHES = (1, 4, 8)
DENSE = ((64, 64, 48), (128, 32, 24), (256, 16, 12))  # channels, height, width of the peak's maps
LAYERS, FEW = 4, 4
RUNS = 4
Kind = tuple[Name, Precision]
Pass = Callable[[], object]


def kinds() -> list[Kind]:
    """Every precision of every installed runtime, torch's float32 first."""
    names: list[Name] = ["torch", *(name for name in FASTEST_FIRST if installed(name))]
    return [(name, precision) for name in names for precision in ON_CPU[name]]


def told(kind: Kind) -> str:
    return f"{kind[0]} {kind[1]}"


def dense(channels: int, height: int, width: int) -> Whole:
    """Four convolutions of 3x3 on random maps, between two that widen and narrow.

    These are a hundredth of the work; they are the first and the last one, which int8 leaves alone.
    """
    layers: list[nn.Module] = [nn.Conv2d(FEW, channels, 1)]
    for _ in range(LAYERS):
        layers += [nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Conv2d(channels, FEW, 1)).eval()
    network = network.to(memory_format=torch.channels_last)
    maps = np.random.default_rng(0).random((8, FEW, height, width), np.float32)
    return Whole("topdown", network, ("maps",), (maps,), of_maps)


def sessions(whole: Whole, threads: int) -> tuple[dict[Kind, Session], dict[Kind, float]]:
    """A network in every kind, and how long it took to get ready."""
    found: dict[Kind, Session] = {}
    ready: dict[Kind, float] = {}
    for name, precision in kinds():
        start = time.perf_counter()
        try:
            if name == "torch":
                network = lowered(whole.network, "cpu", precision)
                found[name, precision] = _in_torch(network)
            else:
                graph = graph_of(whole.network, whole.example, whole.inputs)[0]
                if precision == "int8":
                    graph = quantized(graph, learnt(graph, whole.samples))
                found[name, precision] = create(name, threads, precision).session(graph)
        except ConfigError as error:  # a processor without bfloat16
            print(f"{name} {precision}: {error}")
            continue
        ready[name, precision] = time.perf_counter() - start
    return found, ready


def _in_torch(network: nn.Module) -> Session:
    def run(inputs: object) -> list[np.ndarray]:
        with torch.inference_mode():
            output = network(*(torch.from_numpy(entry) for entry in inputs))
        return [
            each.numpy() for each in ((output,) if isinstance(output, torch.Tensor) else output)
        ]

    return run


def clock(threads: int) -> Callable[[], float]:
    """Of one thread the processor's time, of several the wall's."""
    return time.process_time if threads == 1 else time.perf_counter


def times(
    passes: Mapping[object, Pass], rounds: int, now: Callable[[], float]
) -> dict[object, float]:
    """The least seconds of each pass."""
    least = dict.fromkeys(passes, float("inf"))
    for turn in range(rounds + 1):
        for name, run in passes.items():
            start = now()
            run()
            if turn:  # the first pass of a size prepares it
                least[name] = min(least[name], now() - start)
    return least


def of_batch(whole: Whole, run: Session, batch: int) -> Pass:
    inputs = [np.ascontiguousarray(np.resize(s, (batch, *s.shape[1:]))) for s in whole.samples]
    return lambda: run(inputs)


def peaks(threads: int) -> dict[tuple[Kind, int], tuple[float, Pass]]:
    """GMACs and the pass of every dense network in every kind."""
    found = {}
    for place, size in enumerate(DENSE):
        whole = dense(*size)
        cost = macs(whole.network, torch.from_numpy(whole.samples[0])) / GIGA
        for kind, run in sessions(whole, threads)[0].items():
            found[kind, place] = cost, of_batch(whole, run, len(whole.samples[0]))
    return found


def measured(
    network: str,
    whole: Whole,
    cost: float,
    dense_passes: Mapping[tuple[Kind, int], tuple[float, Pass]],
    threads: int,
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, dict[str, float]]:
    """A row per kind: ms per person, ratio and share at each batch, and how far it drifts."""
    runs, ready = sessions(whole, threads)
    passes: dict[object, Pass] = {key: run for key, (_, run) in dense_passes.items()}
    passes |= {("net", k, b): of_batch(whole, run, b) for k, run in runs.items() for b in BATCHES}
    least = times(passes, rounds, clock(threads))
    rows = {}
    for kind, run in runs.items():
        drift: Drift = whole.drift(run)
        rates = [c / least[key] for key, (c, _) in dense_passes.items() if key[0] == kind]
        row = {"ready_s": ready[kind], "peak_gmacs_per_s": max(rates)}
        for batch in BATCHES:
            seconds = least["net", kind, batch] / batch
            row[f"ms_{batch}"] = 1000 * seconds
            row[f"ratio_{batch}"] = least["net", ("torch", "float32"), batch] / batch / seconds
            row[f"share_{batch}"] = cost / seconds / max(rates)
        row |= {"largest": drift.largest, "moved_mean": drift.moved_mean}
        cells = [
            f"{row[f'ms_{b}']:7.2f} {row[f'ratio_{b}']:5.2f}x {100 * row[f'share_{b}']:3.0f} %"
            for b in BATCHES
        ]
        errors = f"{row['largest']:8.1e} {row['moved_mean']:7.2g} {row['ready_s']:6.1f}"
        say(f"{network:9}{told(kind):18}{' '.join(cells)} {max(rates):6.0f} {errors}")
        rows[told(kind)] = row
    return rows


def whole_runs(clip: Path, threads: int) -> None:
    """A line per kind: seconds of the first run, frames per second of the best one, and ratio."""
    now = clock(threads)
    frames, spent = 0, {kind: [] for kind in kinds()}
    with tempfile.TemporaryDirectory() as home:
        os.environ["FSPOSE_HOME"] = home
        for _ in range(RUNS):
            for (name, precision), seconds in spent.items():
                start = now()
                chosen = TrackSettings(runtime=name, precision=precision, threads=threads)
                scheme, _ = build.pipeline(chosen, build.wanted(chosen), no_clock)
                with open_source(str(clip)) as source:
                    frames = sum(1 for _ in scheme(prefetch(source)))
                seconds.append(now() - start)
    first = min(spent["torch", "float32"][1:])
    print(f"\n{clip.name}: {frames} frames\n{'runtime':18}first run {'frames/s':>9} ratio")
    for kind, (start, *seconds) in spent.items():
        best = min(seconds)
        print(f"{told(kind):18}{start:7.1f} s {frames / best:9.1f} {first / best:5.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=cores(), help="Threads of every runtime.")
    parser.add_argument("--rounds", type=int, default=12, help="Passes that are timed.")
    parser.add_argument("--only", choices=NETWORKS, action="append", help="One network.")
    parser.add_argument("--clip", type=Path, help="A video for whole runs.")
    parser.add_argument("--json", type=Path, help="A file for the figures.")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    want, pictures, dense_passes = build.wanted(ExportSettings()), drawn(), peaks(options.threads)
    head = " ".join(f"{f'batch {batch}':>7} {'ratio':>5} {'peak':>6}" for batch in BATCHES)
    print(f"{options.threads} threads; ms each, times torch, share of the peak; peak in GMACs/s")
    print(
        f"{'network':9}{'runtime':18}{head} {'GMAC/s':>6} {'largest':>8} {'moved':>7} {'ready':>6}"
    )
    figures = {}
    for network in options.only or NETWORKS:
        _, whole = build.exportable(network, want, pictures)
        size = None
        if network in ("finder", "transfer"):
            size = whole.example[0][2], whole.example[0][1]
        cost = gmacs(zoo.of_role(network), size)
        figures[network] = measured(
            *(network, whole, cost, dense_passes, options.threads, options.rounds, print)
        )
    if options.clip:
        whole_runs(options.clip, options.threads)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
