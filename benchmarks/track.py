"""Frames per second, time per stage, and memory of the trackers.

    python benchmarks/track.py [--people 1,5,20] [--frames 96] [--threads 2] [--weights DIR]
    python benchmarks/track.py --memory [--minutes 20]

Speed: drawn scenes with a known number of people. The finder runs as in use, but the boxes handed
on are the annotated ones, so that each column really has that many people; all schemes see the same
frames in one process, in turn, so their ratio holds where the machine's own speed does not.

Memory: `fspose track` itself, as a process of its own, over a drawn clip of that length with two
people who come and go; its resident memory is read every second.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from data.frame import Frame
from data.pose import Box
from data.synthetic.presets import scene
from data.video_writer import VideoWriter
from models import zoo
from models.finder import CheckedFinder
from pipelines.fast_slow import FastSlow
from pipelines.fusion import create
from pipelines.keyframes import Every
from pipelines.pipeline import Pipeline
from pipelines.timing import Clock, Stopwatch

SIZE = (1280, 720)
FPS = 25.0
LONG_SIZE, LONG_FPS = (320, 240), 12.5  # of the clip that memory is watched over
STAGES = ("find", "slow", "fast", "fuse", "decode", "track")


@dataclass(frozen=True, eq=False)
class Annotated:
    """Runs the finder, and answers with the annotated boxes."""

    finder: CheckedFinder
    boxes: list[list[Box]]

    def find(self, frame: Frame) -> list[Box]:
        self.finder.find(frame.image)
        return self.boxes[frame.index]


def clip(people: int, frames: int) -> tuple[list[Frame], list[list[Box]]]:
    seconds = frames / FPS
    for seed in range(6):  # the first scene in which nearly everyone is there all the time
        drawn = scene(seed, size=SIZE, people=people, seconds=seconds, fps=FPS)
        there = [len(drawn.shoot(share * seconds)[1]) for share in (0.05, 0.5, 0.95)]
        if min(there) >= 0.8 * people:
            break
    pairs = list(drawn)[:frames]
    return [frame for frame, _ in pairs], [[truth.box for truth in truths] for _, truths in pairs]


def schemes(finder: Annotated, weights: Path, clock: Clock) -> dict[str, Pipeline]:
    """The slow net on every frame, and fast-slow with either fusion."""
    slow, fast = zoo.topdown("slow", "cpu", weights), zoo.topdown("fast", "cpu", weights)
    warp = zoo.warp("cpu", weights)

    def fast_slow(interval: int, fusion: str) -> FastSlow:
        return FastSlow(
            finder=finder,
            slow=slow,
            fast=fast,
            fusion=create(fusion, interval=interval, resampling="smooth", transfer=warp),
            keyframes=Every(interval),
            padding=1.25,
            clock=clock,
        )

    # a keyframe on every frame is the slow net on every frame, finder included
    return {
        "every frame slow": fast_slow(1, "two-maps"),
        "fast-slow": fast_slow(16, "two-maps"),
        "fast-slow, fast-only": fast_slow(16, "fast-only"),
    }


def speed(people: int, frames: int, weights: Path) -> None:
    images, boxes = clip(people, frames)
    finder = Annotated(zoo.finder("cpu", weights), boxes)
    base = 0.0
    for name in schemes(finder, weights, Stopwatch()):
        watch = Stopwatch()
        pipeline = schemes(finder, weights, watch)[name]
        list(pipeline(images[:2]))  # the first calls are slower
        watch.seconds.clear()
        start = time.perf_counter()
        shown = [len(result.poses) for result in pipeline(images)]
        rate = len(images) / (time.perf_counter() - start)
        base = base or rate
        stages = " | ".join(
            f"{1000 * watch.seconds.get(stage, 0.0) / len(images):.1f}" for stage in STAGES
        )
        row = f"{people} | {name} | {np.mean(shown):.1f} | {rate:.1f} | {rate / base:.2f}"
        print(f"| {row} | {stages} |", flush=True)


def memory(minutes: float) -> None:
    wanted = int(minutes * 60 * LONG_FPS)
    with tempfile.TemporaryDirectory() as folder:
        long = Path(folder) / "long.mp4"
        drawn = scene(7, size=LONG_SIZE, people=2, seconds=12, fps=LONG_FPS)
        images = [frame.image for frame, _ in drawn]
        with VideoWriter(long, LONG_SIZE, LONG_FPS) as writer:
            for index in range(wanted):
                writer.write(images[index % len(images)])
        command = [sys.executable, "-m", "fspose_app", "track", str(long), "-o", f"{folder}/out"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        start, samples = time.monotonic(), []
        while process.poll() is None:
            samples.append((time.monotonic() - start, resident(process.pid)))
            time.sleep(1)
        print(f"{minutes:g} minutes, {wanted} frames, exit code {process.returncode}")
    print("| share of the run | resident memory, MB |\n|---|---|")
    took = samples[-1][0]
    for share in (0.1, 0.25, 0.5, 0.75, 0.95):
        near = [size for at, size in samples if abs(at / took - share) < 0.04]
        print(f"| {share:.0%} | {np.median(near):.0f} |")


def resident(process: int) -> float:
    """Resident memory in MB; 0 once the process has ended."""
    try:
        text = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in text.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", default="1,5,20")
    parser.add_argument("--frames", type=int, default=96)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--minutes", type=float, default=20.0)
    options = parser.parse_args()
    if options.memory:
        memory(options.minutes)
        return
    torch.set_num_threads(options.threads)
    print(
        f"{SIZE[0]} x {SIZE[1]}, {options.frames} frames, {options.threads} threads, ms per frame\n"
    )
    print(f"| people | scheme | shown | frames/s | ratio | {' | '.join(STAGES)} |")
    print("|---" * (5 + len(STAGES)) + "|")
    for people in options.people.split(","):
        speed(int(people), options.frames, options.weights)


if __name__ == "__main__":
    main()
