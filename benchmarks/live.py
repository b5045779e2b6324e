"""A long live run on a stream that misbehaves: memory, threads, files, latency, drops.

    python benchmarks/live.py [--minutes 30] [--rate 25] [--size 640x360] [--people 2] [--threads 2]

A server in a process of its own (tests/live/mjpeg_server.py) sends a drawn scene as MJPEG over
HTTP. A live run follows it with the bundled networks and records what it sees. Once a minute the
stream stalls, breaks off, refuses, sends garbage, changes its size. Told are, for each minute, the
resident memory, the numbers of threads and open files, and the latency from capture to the drawn
frame; and what is left once the run has stopped.

The exit code is 1 where a bound is broken: resident memory grows by 3 % or more after the first two
minutes (the medians of 15 seconds are compared), a thread or file is left that was not there after
a first short run, a recorded file is not whole, or the stream is not being followed at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import itertools
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np

from data.result_file import read_result
from fspose_app.config import LiveSettings
from fspose_app.live.run import LiveRun

SERVER = Path(__file__).parents[1] / "tests" / "live" / "mjpeg_server.py"
FAULTS = (
    "stall?seconds=2",  # shorter than people are kept
    "garbage?seconds=2",
    "drop",
    "resize?size=480x270",
    "refuse?seconds=10",
    "stall?seconds=8",  # longer than the run is patient
    "steady",  # the first size again
)
SETTLED = 120.0  # seconds after which memory must not grow any more,
GROWTH = 0.03  # by this share or more,
WINDOW = 15.0  # over medians of so many seconds
RECORD_SIZE = 10  # megabytes: files are closed and begun several times in the run
WARM_UP = 10.0  # seconds of a first run, in which libraries start the threads that they keep


@dataclass
class Sample:
    """What was seen in one minute."""

    fault: str = ""
    frames: int = 0
    dropped: int = 0
    latencies: array[float] = field(default_factory=lambda: array("f"))


@dataclass
class Course:
    """What was seen in the whole run: memory by second, and a sample by minute."""

    seconds: array[float] = field(default_factory=lambda: array("d"))
    resident: array[float] = field(default_factory=lambda: array("d"))
    latencies: array[float] = field(default_factory=lambda: array("f"))

    def growth(self) -> float:
        """Of resident memory, from the end of the second minute to the end of the run."""
        seconds, resident = np.array(self.seconds), np.array(self.resident)
        start = min(SETTLED, seconds[-1] / 2)
        first = resident[(seconds >= start) & (seconds < start + WINDOW)]
        last = resident[seconds >= seconds[-1] - WINDOW]
        return float(np.median(last) / np.median(first) - 1)


@contextlib.contextmanager
def served(options: argparse.Namespace) -> Iterator[str]:
    """The address of the stream."""
    given = ["--people", options.people, "--size", options.size, "--rate", options.rate]
    server = subprocess.Popen(
        [sys.executable, str(SERVER), *map(str, given)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()


def cause(address: str, fault: str) -> None:
    with urllib.request.urlopen(address.replace("stream.mjpg", f"fault/{fault}")) as answer:
        answer.read()


def follow(run: LiveRun, address: str, minutes: float, fault_every: float) -> Course:
    """Watch the run for so long, and disturb it."""
    course, sample, faults = Course(), Sample(), itertools.cycle(FAULTS)
    start = time.monotonic()
    seen, told, due, end = -1, 0.0, fault_every / 2, 60 * minutes
    sampled = -1.0
    print("| minute | fault | MB | threads | files | frames/s | dropped | lost | ms p50 | ms p95 |")
    print("|---" * 10 + "|")
    while (now := time.monotonic() - start) < end:
        frame = run.newer(seen, 0.2)
        if frame is not None:
            seen, sample.dropped = frame.index, frame.dropped
            sample.frames += 1
            sample.latencies.append(frame.latency)
            course.latencies.append(frame.latency)
        if now - sampled >= 1.0:
            course.seconds.append(now)
            course.resident.append(resident())
            sampled = now
        if now >= due:
            sample.fault = f"{sample.fault} {next_fault(faults, address)}".strip()
            due += fault_every
        if now - told >= 60.0:
            print(row(now, sample, now - told, run), flush=True)
            sample, told = Sample(dropped=sample.dropped), now
    if now - told > 1.0:
        print(row(now, sample, now - told, run), flush=True)
    return course


def next_fault(faults: Iterator[str], address: str) -> str:
    fault = next(faults)
    cause(address, fault)
    return fault.replace("?", " ")


def row(now: float, sample: Sample, spent: float, run: LiveRun) -> str:
    middle, high = percentiles(sample.latencies)
    cells = (
        f"{now / 60:.1f}",
        sample.fault or "-",
        f"{resident():.1f}",
        f"{tasks()}",
        f"{len(open_files())}",
        f"{sample.frames / spent:.1f}",
        f"{sample.dropped}",
        f"{run.reconnects}",
        f"{middle:.0f}",
        f"{high:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def percentiles(latencies: array[float]) -> tuple[float, float]:
    """p50 and p95 in milliseconds; NaN where there is none."""
    if not latencies:
        return float("nan"), float("nan")
    middle, high = np.percentile(latencies, [50, 95])
    return 1000 * float(middle), 1000 * float(high)


def resident() -> float:
    """This process's resident memory in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def tasks() -> int:
    """This process's threads, those of libraries too."""
    return len(list(Path("/proc/self/task").iterdir()))


def open_files() -> list[str]:
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists the folder
            found.append(str(link.readlink()))
    return sorted(found)


def broken_files(folder: Path) -> list[str]:
    """Recorded files that are not whole."""
    found = [path.name for path in folder.glob("*.partial")]
    for path in sorted(folder.glob("*.jsonl")):
        records = len(list(read_result(path)[1]))
        with av.open(str(path.with_suffix(".mp4"))) as container:
            pictures = sum(1 for _ in container.decode(video=0))
        if records != pictures or not records:
            found.append(f"{path.name}: {records} results, {pictures} pictures")
    return found


def live(address: str, settings: LiveSettings, folder: Path) -> LiveRun:
    return LiveRun(address, settings, record=folder, record_size=RECORD_SIZE, say=lambda line: None)


def endure(options: argparse.Namespace, address: str, folder: Path) -> list[str]:
    """The bounds that were broken."""
    settings = LiveSettings(threads=options.threads)
    first = live(address, settings, folder / "first")
    first.start()
    first.newer(0, 120.0)
    time.sleep(WARM_UP)
    first.stop(120.0)
    gc.collect()
    threads, files = tasks(), open_files()
    print(f"before: {threads} threads, {len(files)} files, {resident():.1f} MB\n", flush=True)
    run = live(address, settings, folder / "run")
    run.start()
    course = follow(run, address, options.minutes, options.fault_every)
    state, message = run.state, run.message
    run.stop(60.0)
    gc.collect()
    time.sleep(1.0)  # the system takes a moment to count ended threads out
    left = sorted(set(open_files()) - set(files))
    growth, (middle, high) = course.growth(), percentiles(course.latencies)
    recorded = len(list((folder / "run").glob("*.mp4")))
    print(f"\nafter: {tasks()} threads, {len(open_files())} files, {resident():.1f} MB")
    print(f"Python's threads: {', '.join(thread.name for thread in threading.enumerate())}")
    print(f"growth of memory after {min(SETTLED / 60, options.minutes / 2):g} min: {growth:+.2%}")
    print(f"latency: p50 {middle:.0f} ms, p95 {high:.0f} ms, {len(course.latencies)} frames")
    print(f"lost and opened again: {run.reconnects}; recorded pairs of files: {recorded}")
    bounds = {
        f"memory grew by {growth:.2%}": growth >= GROWTH,
        f"{tasks() - threads} threads are left": tasks() > threads,
        f"files are left open: {left}": len(open_files()) > len(files),
        f"not followed at the end: {state}, {message}": state != "running",
        f"files that are not whole: {broken_files(folder / 'run')}": broken_files(folder / "run"),
    }
    return [text for text, broken in bounds.items() if broken]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=25.0)
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fault-every", type=float, default=60.0, metavar="SECONDS")
    options = parser.parse_args()
    print(
        f"{options.minutes:g} minutes of {options.size} at {options.rate:g} frames per second, "
        f"{options.people} people, {options.threads} threads"
    )
    with served(options) as address, tempfile.TemporaryDirectory() as folder:
        broken = endure(options, address, Path(folder))
    print("\n".join(f"BROKEN: {text}" for text in broken) or "all bounds held")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
