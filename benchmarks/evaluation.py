"""How quick `fspose evaluate posetrack` is, and how much memory it takes, on a drawn set.

    python benchmarks/evaluation.py [--processes 1,2] [--metrics ap,mot] [--runs 5] [--keep DIR]

The set has the size of PoseTrack18's validation: 74 sequences of 110 frames, 58 of them labelled,
6 people and 2 ignore regions of 20 points; predictions on every frame, with 8 % misses, 2 %
switches of identity, noise of 0.2 head sizes, and half a false positive per frame. The command
runs as a process of its own, start included: the median of some runs counts, and the most memory.
What a start alone takes is told by `--help` and `--version`.

A machine's speed is told by a loop of fixed work in numpy and json, timed beside every run: ratios
to it can be compared between machines and hours, seconds cannot. Processor time counts helping
processes too; memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.skeleton import POSETRACK_17

FRAMES, PEOPLE, CORNERS = 110, 6, 20
LABELLED = frozenset({*range(40, 70), *range(0, 40, 3), *range(70, 110, 3)})  # dense, then sparse
MISSED, SWITCHED, NOISE, FALSE = 0.08, 0.02, 0.2, 0.5
EARS = (3, 4)

Document = dict[str, Any]


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    wall: float
    processor: float
    megabytes: float


def rounded(values: NDArray[np.float64], digits: int) -> list[float]:
    found: list[float] = values.round(digits).ravel().tolist()
    return found


def keypoints(points: NDArray[np.float64], third: NDArray[np.float64], digits: int) -> list[float]:
    """PoseTrack18's flat list of (17, 2) points and a third number each; ears are absent."""
    table = np.column_stack([points.round(digits), third])
    table[list(EARS)] = 0
    return rounded(table, 6)


def region(rng: np.random.Generator) -> tuple[list[int], list[int]]:
    center, turns = rng.uniform([0, 0], [1920, 1080]), np.sort(rng.uniform(0, 2 * np.pi, CORNERS))
    reach = rng.uniform(40, 160, CORNERS)
    sides = center + reach[:, None] * np.stack([np.cos(turns), np.sin(turns)], 1)
    xs, ys = sides.astype(int).T.tolist()
    return xs, ys


def drawn(seed: int, number: int) -> tuple[Document, Document]:
    """Truth and prediction of one sequence."""
    rng = np.random.default_rng([seed, number])
    first, folder = 10**10 + number * 10**4, f"images/val/{number:06d}_mpii_test"
    heads, starts = rng.uniform(30, 60, PEOPLE), rng.uniform([100, 100], [1700, 900], (PEOPLE, 2))
    speeds, poses = rng.uniform(-4, 4, (PEOPLE, 2)), rng.uniform([-1, -3], [1, 3], (PEOPLE, 17, 2))
    sizes = 0.6 * np.hypot(heads, 1.2 * heads)
    images, listed, truth, predictions = [], [], [], []
    tracks, fresh = list(range(PEOPLE)), PEOPLE

    def guess(frame: int, track: int, points: NDArray[np.float64]) -> Document:
        scores = rng.uniform(0.1, 1, 17).round(6)
        found = {"image_id": first + frame, "track_id": track, "category_id": 1}
        return found | {"keypoints": keypoints(points, scores, 2), "scores": scores.tolist()}

    for frame in range(FRAMES):
        image = {"file_name": f"{folder}/{frame:06d}.jpg", "id": first + frame}
        listed.append({**image, "frame_id": first + frame})
        regions = [region(rng) for _ in range(2)] if frame in LABELLED else []
        image |= {"is_labeled": frame in LABELLED, "nframes": FRAMES, "vid_id": f"{number:06d}"}
        image |= {f"ignore_regions_{axis}": [r[i] for r in regions] for i, axis in enumerate("xy")}
        images.append(image)
        points = starts[:, None] + speeds[:, None] * frame + poses * heads[:, None, None]
        points += rng.normal(0, 3, points.shape)
        for person in range(PEOPLE):
            if frame in LABELLED:
                box = rounded(np.array([*points[person, 2], heads[person], 1.2 * heads[person]]), 0)
                entry = {"image_id": first + frame, "track_id": person, "category_id": 1}
                entry |= {"bbox_head": box, "bbox": [0, 0, 10, 10], "scores": []}
                truth.append(entry | {"keypoints": keypoints(points[person], np.ones(17), 1)})
            if rng.random() < MISSED:
                continue
            if rng.random() < SWITCHED:
                tracks[person], fresh = fresh, fresh + 1
            noise = rng.normal(0, NOISE * sizes[person], (17, 2))
            predictions.append(guess(frame, tracks[person], points[person] + noise))
        if rng.random() < FALSE:
            place = rng.uniform([100, 100], [1700, 900])
            predictions.append(guess(frame, fresh, place + rng.uniform(-130, 130, (17, 2))))
            fresh += 1
    category = [{"id": 1, "name": "person", "keypoints": list(POSETRACK_17.keypoints)}]
    return (
        {"images": images, "annotations": truth, "categories": category},
        {"images": listed, "annotations": predictions, "categories": category},
    )


@contextlib.contextmanager
def drawn_set(sequences: int, seed: int, keep: Path | None) -> Iterator[Path]:
    """A folder with `truth` and `predictions`, drawn where it is not there already."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep or Path(temporary)
        if not (folder / "truth").exists():
            for side in ("truth", "predictions"):
                (folder / side).mkdir(parents=True)
            for number in range(1, sequences + 1):
                for side, document in zip(
                    ("truth", "predictions"), drawn(seed, number), strict=True
                ):
                    path = folder / side / f"{number:06d}_mpii_test.json"
                    path.write_text(json.dumps(document), encoding="utf-8")
        yield folder


def calibration() -> Cost:
    """Fixed work: json of numbers there and back, sorting, and sums over arrays."""
    rng = np.random.default_rng(0)
    text = json.dumps(rng.uniform(0, 1000, 200_000).round(2).tolist())
    table = rng.uniform(0, 1, (400, 2000))
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(8):
        json.loads(text)
        np.sort(table, axis=1)
        np.sqrt(table * table + 1).sum()
    return Cost(time.perf_counter() - wall, time.process_time() - processor, 0.0)


def measured(command: list[str]) -> Cost:
    """What a command takes, with the processes that it starts."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def median(costs: list[Cost], name: str) -> float:
    return statistics.median(getattr(cost, name) for cost in costs)


def row(name: str, arguments: list[str], runs: int) -> list[str]:
    """What `fspose` takes with some arguments, and what the loop of calibration takes beside it."""
    found, loops = [], [calibration()]
    for _ in range(runs):
        found.append(measured([sys.executable, "-m", "fspose_app", *arguments]))
        loops.append(calibration())
    wall, processor = (median(found, part) for part in ("wall", "processor"))
    own_wall, own_processor = (median(loops, part) for part in ("wall", "processor"))
    peak = max(cost.megabytes for cost in found)
    cells = [name, f"{wall:.2f}", f"{processor:.2f}", f"{peak:.0f}"]
    cells += [f"{own_wall:.2f}", f"{own_processor:.2f}"]
    return [*cells, f"{wall / own_wall:.2f}", f"{processor / own_processor:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--sequences", type=int, default=74)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", default="1,2")
    parser.add_argument("--metrics", default="ap,mot")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="draw the set here, or take the one that is here")
    given = parser.parse_args()
    with drawn_set(given.sequences, given.seed, given.keep) as folder:
        heads = ("command", "wall s", "processor s", "peak MB", "calibration wall s")
        heads += ("calibration processor s", "wall ratio", "processor ratio")
        print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        evaluate = ["evaluate", "posetrack", f"{folder / 'truth'}", f"{folder / 'predictions'}"]
        evaluate += ["--metrics", given.metrics, "--processes"]
        commands = {
            f"evaluate, processes: {number}": [*evaluate, number]
            for number in given.processes.split(",")
        }
        for name, arguments in (
            commands | {"--help": ["--help"], "--version": ["--version"]}
        ).items():
            print(f"| {' | '.join(row(name, arguments, given.runs))} |", flush=True)


if __name__ == "__main__":
    main()
