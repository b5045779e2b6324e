"""`fspose track` from the file to its results: frames per second, where the time goes, memory.

    python benchmarks/end_to_end.py [--people 1,4,20] [--seconds 6] [--runtimes torch,openvino]
                                    [--turns 3] [--beside TREE]
    python benchmarks/end_to_end.py --growth [--lengths 30,120]

Each run is a process of its own over a drawn clip of 1280 x 720; the speed is what it says itself,
without the start of the program. With `--beside`, the same is run by turns from another checkout,
and its results are compared: the ratio of two runs that follow each other holds where the machine's
own speed does not. `cores` is how many the run kept busy. The table of stages is the median run's.

Growth: resident memory over a short and a long clip of the same pictures (seconds), and all sizes
of picture.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.synthetic.presets import scene
from data.video_writer import VideoWriter

SIZE, FPS = (1280, 720), 25.0
SIZES = ((426, 240), (640, 360), (1280, 720), (1920, 1080), (3840, 2160))
HERE = Path(__file__).parents[1]
SPEED = re.compile(r"speed\s+([\d.]+) frames/s")


@dataclass(frozen=True)
class Ran:
    """One run: frames per second, cores kept busy, largest resident memory in MB, and what it said.

    `samples` are resident memory in MB by time.
    """

    fps: float
    cores: float
    peak: float
    said: str
    samples: tuple[tuple[float, float], ...]


def track(clip: Path, out: Path, tree: Path, *options: str) -> Ran:
    """Run the command from a checkout. RuntimeError where it fails."""
    command = [sys.executable, "-m", "fspose_app", "track", str(clip), "-o", str(out)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(
        [*command, "--overwrite", *options],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    samples: list[tuple[float, float]] = []
    watcher = threading.Thread(target=_watch, args=(process, start, samples))
    watcher.start()
    said, _ = process.communicate()
    watcher.join()
    took, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = SPEED.search(said)
    if process.returncode or found is None:
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}")
    worked = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = max(size for _, size in samples)
    return Ran(float(found[1]), worked / took, peak, said, tuple(samples))


def _watch(
    process: subprocess.Popen[str], start: float, samples: list[tuple[float, float]]
) -> None:
    while process.poll() is None:
        samples.append((time.monotonic() - start, resident(process.pid)))
        time.sleep(0.2)


def resident(process: int) -> float:
    """Resident memory in MB; 0 once the process has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def draw(path: Path, size: tuple[int, int], people: int, seconds: float) -> Path:
    """A clip of a scene in which nearly everyone is there all the time."""
    for seed in range(6):
        drawn = scene(seed, size=size, people=people, seconds=seconds, fps=FPS)
        there = [len(drawn.shoot(share * seconds)[1]) for share in (0.05, 0.5, 0.95)]
        if min(there) >= 0.8 * people:
            break
    with VideoWriter(path, size, FPS) as writer:
        for frame, _ in drawn:
            writer.write(frame.image, frame.seconds or None)
    return path


def difference(first: Path, second: Path) -> str:
    """How far two results' frames differ."""
    one, other = (path.read_text().splitlines()[1:] for path in (first, second))
    if one == other:
        return "the same"
    pairs = [(json.loads(a), json.loads(b)) for a, b in zip(one, other, strict=True)]
    if any(len(a["people"]) != len(b["people"]) for a, b in pairs):
        return "other people"
    gaps = [
        np.abs(np.array(p["keypoints"]) - np.array(q["keypoints"]))[:, :2].max()
        for a, b in pairs
        for p, q in zip(a["people"], b["people"], strict=True)
    ]
    return f"{max(gaps):.2f} pixels"


def speed(options: argparse.Namespace, folder: Path) -> None:
    trees = [HERE, *([options.beside.resolve()] if options.beside else [])]
    stages = []
    print("| people | runtime | overlay | tree | frames/s | ratio | cores | peak MB | results |")
    print("|---" * 9 + "|")
    for people in map(int, options.people.split(",")):
        clip = draw(folder / f"{people}.mp4", SIZE, people, options.seconds)
        for runtime in options.runtimes.split(","):
            for overlay in ("--overlay", "--no-overlay"):
                runs: list[list[Ran]] = [[] for _ in trees]
                for turn in range(options.turns):
                    for place in range(len(trees)):
                        place = (place + turn) % len(trees)
                        out = folder / f"out{place}"
                        ran = track(clip, out, trees[place], "--runtime", runtime, overlay)
                        runs[place].append(ran)
                results = [folder / f"out{place}" / "result.jsonl" for place in range(len(trees))]
                for place, tree in enumerate(trees):
                    middle = sorted(runs[place], key=lambda ran: ran.fps)[options.turns // 2]
                    ratios = [o.fps / r.fps for o, r in zip(runs[0], runs[place], strict=True)]
                    row = (
                        f"{people} | {runtime} | {overlay.removeprefix('--')} | {tree.name} | "
                        f"{middle.fps:.1f} | {np.median(ratios):.2f} | {middle.cores:.2f} | "
                        f"{middle.peak:.0f} | {difference(results[0], results[place])}"
                    )
                    print(f"| {row} |", flush=True)
                    stages.append(f"{row}\n\n{middle.said[middle.said.find('time ') :]}")
    print("\n" + "\n".join(stages))


def growth(folder: Path, lengths: str) -> None:
    print("| pictures | frames | frames/s | MB at a quarter | MB at the end | peak MB |")
    print("|---" * 6 + "|")
    images = [frame.image for frame, _ in scene(7, size=(640, 360), people=2, seconds=6, fps=FPS)]
    for seconds in map(int, lengths.split(",")):
        clip = folder / f"{seconds}s.mp4"
        with VideoWriter(clip, (640, 360), FPS) as writer:
            for index in range(round(seconds * FPS)):
                writer.write(images[index % len(images)])
        _grown(clip, folder, f"640 x 360, {seconds} s", round(seconds * FPS))
    for size in SIZES:
        clip = draw(folder / "size.mp4", size, 2, 2.0)
        _grown(clip, folder, f"{size[0]} x {size[1]}", round(2 * FPS))


def _grown(clip: Path, folder: Path, name: str, frames: int) -> None:
    ran = track(clip, folder / "out", HERE)
    took = ran.samples[-1][0]
    early, late = (
        np.median([size for at, size in ran.samples if abs(at / took - share) < 0.05])
        for share in (0.25, 0.9)
    )
    print(f"| {name} | {frames} | {ran.fps:.1f} | {early:.0f} | {late:.0f} | {ran.peak:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", default="1,4,20")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--runtimes", default="torch")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--beside", type=Path)
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--lengths", default="30,120")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.growth:
            growth(Path(folder), options.lengths)
        else:
            speed(options, Path(folder))


if __name__ == "__main__":
    main()
