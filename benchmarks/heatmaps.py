"""What a heatmap database weighs, how exact it is, how fast it is read, what creating it costs.

    python benchmarks/heatmaps.py [MEDIA_DIR] [--people N] [--json OUT.json]

MEDIA_DIR holds `coco_keypoints/` and `coco_val_more/` (COCO keypoint JSON and images, not in the
repository): real people. Without it people are drawn.

Maps: `slow` and `fast` are the bundled networks'. The published networks' weights are not here;
`slow 64x48` and `fast 56x56` imitate their maps' form with the same people: enlarged to the
published size, 17 keypoints, with a raw network's noise of 1 %, or each map summing to 1.

The published way, in the same run: one .pt file per person and frame, which carries the storage of
its batch of 16 (`.pt of a batch`, as upstream writes it), and at its best a storage of its own.

Bytes are those of the files on the disk. Positions: change of the decoded position in cells. Reads:
every record once in random order; `warm` with the files in the page cache, best of three passes;
`cold` after they were dropped from it once, as the files of a whole data set would be, which do not
fit into memory.

Creating: what the whole job, images included, takes over the time inside the network's calls. `own
cost` is the same in the main thread's processor time, which other programs on the machine do not
blur; images are decoded and cut in another thread. The published fast network has random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from data.coco import read_coco
from data.crop import Crop
from data.heatmap_file import HeatmapFile
from data.heatmap_store import Header, Key, Record
from data.heatmaps import Heatmaps
from data.packing import Precision
from data.pose import Box, Floats
from data.posetrack import Annotated, Person, Sequence
from data.posetrack_set import AnnotatedSet, read_set
from data.skeleton import POSETRACK_17, SKELETONS
from data.synthetic.posetrack_tree import TreePlan, write_tree
from models import zoo
from models.decode import peaks, refined
from models.folding import folded
from models.networks.mobilenet import MobileNet
from models.topdown import TopDown, soft_maps
from models.torch_store import path_of, read_maps, write_maps
from pipelines.heatmap_job import fill, plan

COCO_SETS = ("coco_keypoints", "coco_val_more")
PRECISIONS: tuple[Precision, ...] = ("exact", "half", "byte")
CREATED: tuple[Precision, ...] = ("exact", "byte")
BATCH = 16
NOISE = 0.01
STAGES = ("all", "network", "write", "read")
FILES = 64  # of the published kind: 210 MB
Row = dict[str, Any]


@dataclass(frozen=True)
class Maps:
    """The maps of many people, (N, J, h, w)."""

    name: str
    skeleton: str
    cells: Floats

    def records(self) -> Iterator[Record]:
        height, width = self.cells.shape[2:]
        crop = Crop((0.0, 0.0), (1.0, 1.0), (width, height))
        for place, own in enumerate(self.cells):
            yield Record(self.key(place), Heatmaps(own, crop), 1.0)

    def key(self, place: int) -> Key:
        return Key("val/000001_mpii_test", f"{place // 4:06}", place % 4)


def real(media: Path, people: int) -> AnnotatedSet:
    """The first so many people of the COCO folders, a folder as a video."""
    videos, count = [], 0
    for name in COCO_SETS:
        content = read_coco(media / name / "person_keypoints.json")
        frames = []
        for image in content.images.values():
            own = [p for p in content.people if p.image_id == image.id and p.num_keypoints]
            if count >= people or not own:
                continue
            known = [(p, np.zeros((17, 3))) for p in own if not p.is_crowd]
            for person, points in known:
                points[:, :2], points[:, 2] = person.pose.keypoints, person.pose.scores
            named = tuple(
                Person(points[:, :2], points[:, 2], track, person.pose.box)
                for track, (person, points) in enumerate(known)
            )
            path = f"{name}/images/{image.file_name}"
            frames.append(Annotated(path, named, image.id, size=image.size))
            count += len(named)
        videos.append(Sequence(name, tuple(frames)))
    return AnnotatedSet(tuple(videos), "0" * 64)


def drawn(folder: Path, people: int) -> AnnotatedSet:
    write_tree(folder, TreePlan(4, max(4, people // 6), (640, 360), seed=1), lambda done: None)
    sets = [read_set(folder / "annotations" / split) for split in ("train", "val")]
    return AnnotatedSet(tuple(video for one in sets for video in one.sequences), "0" * 64)


def header(net: str, skeleton: str, precision: Precision) -> Header:
    return Header(net, "benchmark", "0" * 64, "0" * 64, skeleton, (192, 256), precision)


class Watch:
    """Seconds by stage: of the wall clock, and of this thread's own processor time."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.own: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        wall, own = time.perf_counter(), time.thread_time()
        yield
        self.wall[stage] = self.wall.get(stage, 0.0) + time.perf_counter() - wall
        self.own[stage] = self.own.get(stage, 0.0) + time.thread_time() - own

    def cost(self, seconds: dict[str, float]) -> float:
        """Per cent that the whole job takes over the network's calls."""
        return 100 * (seconds["all"] / seconds["network"] - 1)


def networks() -> Iterator[tuple[str, TopDown]]:
    yield "slow", zoo.topdown("slow", "cpu")
    yield "fast", zoo.topdown("fast", "cpu")
    torch.manual_seed(0)
    yield (
        "published fast",
        TopDown(
            folded(MobileNet()),
            size=(224, 224),
            padding=1.25,
            skeleton=POSETRACK_17,
            device="cpu",
            head=soft_maps,
        ),
    )


def create(name: str, net: TopDown, annotated: AnnotatedSet, images: Path, folder: Path) -> Maps:
    """The network's maps of everyone; prints what creating the databases costs."""
    width, height = net.crops([Box(0, 0, 1, 1)])[0].size
    net.maps([np.zeros((height, width, 3), np.uint8)] * BATCH)  # the first call is slower
    for precision in CREATED:
        watch = Watch()
        path = folder / f"{name}.{precision}.fsh"
        head = header(name, net.skeleton.name, precision)
        with watch("all"), HeatmapFile.append(path, head) as store:
            work = plan(annotated, ())
            tally = fill(store, work, images, net, batch=BATCH, tell=lambda done: None, clock=watch)
            store.finish()
        told = " | ".join(f"{watch.wall[stage]:.2f}" for stage in STAGES)
        costs = watch.cost(watch.wall), watch.cost(watch.own)
        shown = f"{costs[0]:.1f} % | {costs[1]:.1f} %"
        print(f"| {name} | {precision} | {tally.made} | {told} | {shown} |", flush=True)
        row = {"people": tally.made, "wall": watch.wall, "own": watch.own}
        note(kind="create", net=name, precision=precision, **row)
    with HeatmapFile.read(folder / f"{name}.exact.fsh") as store:
        cells = np.stack([store.get(key).maps for key in store.keys()])  # noqa: SIM118
    return Maps(name, net.skeleton.name, cells)


def published_slow(maps: Maps) -> Maps:
    """Of the published form: 17 x 64 x 48, raw, with noise about zero."""
    rng = np.random.default_rng(0)
    cells = _enlarged(maps.cells[:, :17], (48, 64))
    return Maps("slow 64x48", "posetrack-17", _single(cells + rng.normal(0, NOISE, cells.shape)))


def published_fast(maps: Maps) -> Maps:
    """Of the published form: 17 x 56 x 56, each map sums to 1."""
    cells = np.maximum(_enlarged(maps.cells[:, :17], (56, 56)), 1e-9)
    sums = cells.sum((2, 3), keepdims=True)
    return Maps("fast 56x56", "posetrack-17", _single(cells / sums))


def _enlarged(cells: Floats, size: tuple[int, int]) -> Floats:
    return np.stack([[cv2.resize(own, size, interpolation=cv2.INTER_CUBIC) for own in one]
                     for one in cells])  # fmt: skip


def _single(cells: Any) -> Floats:
    return np.ascontiguousarray(cells, np.float32)


def positions(cells: Floats) -> Floats:
    return refined(cells, peaks(cells)[0])


def measure(maps: Maps, folder: Path) -> None:
    """A row per way to keep these maps."""
    slower: tuple[float, float] | None = None
    for kind in (".pt of a batch", "own .pt"):
        files = list(written(maps, kind, folder))
        weight = sum(file.stat().st_size for file in files) / len(files)
        rates = read_rates(files, _loader, len(files))
        slower = slower or rates
        show(maps, kind, weight, np.zeros(1, np.float32), rates, slower)
        for file in files:
            file.unlink()
    assert slower is not None
    for precision in PRECISIONS:
        path = folder / f"{maps.name.replace(' ', '-')}.{precision}.again.fsh"
        with HeatmapFile.append(path, header("slow", maps.skeleton, precision)) as store:
            records = list(maps.records())
            for start in range(0, len(records), BATCH):
                store.put(records[start : start + BATCH])
            store.finish()
        with HeatmapFile.read(path) as store:
            again = np.stack([store.get(record.key).maps for record in records])
        moved = np.hypot(*np.moveaxis(positions(maps.cells) - positions(again), 2, 0))
        rates = read_rates([path], partial(_reader, maps=maps), len(records))
        show(maps, precision, path.stat().st_size / len(records), moved, rates, slower)


def written(maps: Maps, kind: str, folder: Path) -> Iterator[Path]:
    """The published files of some people; what upstream saves is a view of its batch."""
    root = folder / kind.replace(" ", "-")
    for start in range(0, min(FILES, len(maps.cells)), BATCH):
        batch = torch.from_numpy(maps.cells[start : start + BATCH].copy())
        for place, own in enumerate(batch, start):
            if kind == "own .pt":
                yield write_maps(root, maps.key(place), own.numpy())
                continue
            path = path_of(root, maps.key(place))
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(own, path)
            yield path


def _loader(files: list[Path]) -> Callable[[int], object]:
    return lambda place: read_maps(files[place])


def _reader(files: list[Path], maps: Maps) -> Callable[[int], object]:
    store = HeatmapFile.read(files[0])
    return lambda place: store.get(maps.key(place))


def read_rates(
    files: list[Path], opened: Callable[[list[Path]], Callable[[int], object]], count: int
) -> tuple[float, float]:
    """Records per second, warm and cold."""
    rng = np.random.default_rng(3)
    os.sync()
    drop(files)
    cold = count / _pass(opened(files), rng.permutation(count))
    reader = opened(files)
    return max(count / _pass(reader, rng.permutation(count)) for _ in range(3)), cold


def _pass(read: Callable[[int], object], order: Any) -> float:
    start = time.perf_counter()
    for place in order.tolist():
        read(place)
    return time.perf_counter() - start


def drop(files: list[Path]) -> None:
    """Out of the page cache, where the system can be asked for that."""
    if hasattr(os, "posix_fadvise"):
        for file in files:
            handle = os.open(file, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def show(
    maps: Maps,
    kind: str,
    weight: float,
    moved: Floats,
    rates: tuple[float, float],
    slower: tuple[float, float],
) -> None:
    times = [rate / other for rate, other in zip(rates, slower, strict=True)]
    shown = f"{weight:.0f} | {moved.mean():.4f} | {moved.max():.2f}"
    reads = f"{rates[0]:.0f} | {times[0]:.1f} | {rates[1]:.0f} | {times[1]:.1f}"
    print(f"| {maps.name} | {kind} | {shown} | {reads} |", flush=True)
    note(kind="keep", maps=maps.name, way=kind, bytes=weight, moved=float(moved.mean()),
         furthest=float(moved.max()), warm=rates[0], cold=rates[1])  # fmt: skip


NOTES: list[Row] = []


def note(**row: Any) -> None:
    NOTES.append(row)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path, nargs="?")
    parser.add_argument("--people", type=int, default=240)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = options.media or folder
        people = options.people
        annotated = drawn(folder, people) if options.media is None else real(images, people)
        print(f"| net | precision | people | {', s | '.join(STAGES)}, s | cost | own cost |")
        print("|---|---|---|---|---|---|---|---|---|")
        made = {n: create(n, net, annotated, images, folder) for n, net in networks()}
        slow, fast = made["slow"], made["fast"]
        columns = "maps | kept as | bytes | moved, mean | max | reads/s warm | times | cold | times"
        print(f"\n| {columns} |\n|{'---|' * 9}")
        for maps in (slow, fast, published_slow(slow), published_fast(fast)):
            assert maps.cells.shape[1] == len(SKELETONS[maps.skeleton])
            measure(maps, folder)
    if options.json:
        options.json.write_text(json.dumps(NOTES, indent=1) + "\n")


if __name__ == "__main__":
    main()
