"""What a heatmap database weighs, how exact it is, how fast it is read, what creating it costs.

    python benchmarks/heatmaps.py [MEDIA_DIR] [--people N] [--json OUT.json]

MEDIA_DIR holds `coco_keypoints/` and `coco_val_more/` (COCO keypoint JSON and images, not in the
repository): real people. Without it people are drawn.

Maps: `slow` and `fast` are the bundled networks'. The published networks' weights are not here;
`slow 64x48` and `fast 56x56` imitate their maps' form with the same people: enlarged to the
published size, 17 keypoints, with a raw network's noise of 1 %, or each map summing to 1.

The published way, in the same run: one .pt file per person and frame, which carries the storage of
its batch of 16 (`.pt of a batch`, as upstream writes it), and at its best a storage of its own. One
load is `torch.load(path, map_location="cpu", weights_only=True).numpy()`: the file's whole storage
is read, and the record is a view of it, (J, h, w) float32. One read of ours is `HeatmapFile.get`:
the row, its checksum, its crop, and the maps, (J, h, w) float32 too.

Bytes are those of the files on the disk. `moved`: change of the decoded position in cells. `fused`:
its mean for what is decoded from a person's maps summed with 0.8 times themselves three cells
aside, as a fusion sums the maps of two frames.

Reads: the same number of records on both sides, at random; neither side keeps anything from one to
the next. `warm`, the best of some passes, has the files in the system's page cache and is told in
processor time, which other programs on the machine do not blur. `cold` is told by the clock, once,
after the files were dropped from that cache, as those of a data set that does not fit there: a
thousand people are 3.3 GB in files of the published kind and 7 MB in ours.

Creating: what the whole job, images included, takes over the time inside the network's calls, by
the clock; `packing` is the processor time of packing and writing, on their own thread, in per cent
of the network's. Medians of some runs. The published fast network has random weights.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
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
from data.packing import Precision, unpack
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
from models.torch_store import path_of, write_maps
from pipelines.heatmap_job import fill, plan

COCO_SETS = ("coco_keypoints", "coco_val_more")
PRECISIONS: tuple[Precision, ...] = ("exact", "half", "byte")
CREATED: tuple[Precision, ...] = ("exact", "byte")
BATCH = 16
NOISE = 0.01
STAGES = ("all", "network", "write", "read")
FILES = 64  # of the published kind: 210 MB
READS, PASSES = 256, 5
REPEATS = 3  # of creating
ASIDE, FADED = 3, np.float32(0.8)
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
    """Seconds by stage: of the wall clock, and of the calling thread's own processor time."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.own: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        wall, own = time.perf_counter(), time.thread_time()
        yield
        self.wall[stage] = self.wall.get(stage, 0.0) + time.perf_counter() - wall
        self.own[stage] = self.own.get(stage, 0.0) + time.thread_time() - own

    def costs(self) -> tuple[float, float]:
        """Per cent of the network's time: the rest of the job, and packing and writing."""
        wall = 100 * (self.wall["all"] / self.wall["network"] - 1)
        return wall, 100 * self.own["packing"] / self.own["network"]


@dataclass(frozen=True)
class Timed:
    """A store whose writing is told to a watch."""

    store: HeatmapFile
    watch: Watch

    def put(self, records: Iterable[Record]) -> None:
        with self.watch("packing"):
            self.store.put(records)


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
        runs = []
        for _ in range(REPEATS):
            path = folder / f"{name}.{precision}.fsh"
            path.unlink(missing_ok=True)
            runs.append(created(name, net, annotated, images, path, precision))
        costs = np.array([run.costs() for run in runs])
        middle = np.median(costs, 0)
        stages = np.median([[run.wall[stage] for stage in STAGES] for run in runs], 0)
        told = " | ".join(f"{seconds:.2f}" for seconds in stages)
        span = f"{costs[:, 0].min():.1f}-{costs[:, 0].max():.1f}"
        print(
            f"| {name} | {precision} | {told} | {middle[0]:.1f} % ({span}) | {middle[1]:.1f} % |",
            flush=True,
        )
        note(kind="create", net=name, precision=precision, costs=costs.tolist())
    with HeatmapFile.read(folder / f"{name}.exact.fsh") as store:
        cells = np.stack([store.get(key).maps for key in store.keys()])  # noqa: SIM118
    return Maps(name, net.skeleton.name, cells)


def created(
    name: str, net: TopDown, annotated: AnnotatedSet, images: Path, path: Path, precision: Precision
) -> Watch:
    """One run of creating a database, timed."""
    watch = Watch()
    head = header(name, net.skeleton.name, precision)
    with watch("all"), HeatmapFile.append(path, head) as store:
        work = plan(annotated, ())
        fill(
            Timed(store, watch), work, images, net, batch=BATCH, tell=lambda done: None, clock=watch
        )
        store.finish()
    return watch


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


def fused(cells: Floats) -> Floats:
    return positions(cells + FADED * np.roll(cells, ASIDE, 3))


def distance(first: Floats, second: Floats) -> Floats:
    return np.asarray(np.hypot(*np.moveaxis(first - second, 2, 0)))


def measure(maps: Maps, folder: Path) -> None:
    """A row per way to keep these maps."""
    slower: tuple[float, float] | None = None
    for kind in (".pt of a batch", "own .pt"):
        files = list(written(maps, kind, folder))
        weight = sum(file.stat().st_size for file in files) / len(files)
        rates = read_rates(files, _loader, len(files))
        slower = slower or rates
        show(maps, kind, weight, maps.cells, rates, slower)
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
        rates = read_rates([path], partial(_reader, maps=maps), len(records))
        show(maps, precision, path.stat().st_size / len(records), again, rates, slower)
    PARTS.append(parts(maps, path, slower[0]))


def parts(maps: Maps, path: Path, rate: float) -> str:
    """Where the time of reading a record of a byte database goes, in microseconds."""
    shape = maps.cells.shape[1:]
    with HeatmapFile.read(path) as store:
        query = "SELECT payload FROM records WHERE video = ? AND frame = ? AND track = ?"
        keys = [maps.key(place) for place in range(len(maps.cells))]
        rows = [store._database.execute(query, (k.video, k.frame, k.track)).fetchone()[0]
                for k in keys]  # fmt: skip

        def row(place: int) -> object:
            key = keys[place]
            return store._database.execute(query, (key.video, key.frame, key.track)).fetchone()

        steps: dict[str, Callable[[int], object]] = {
            "read": lambda place: store.get(keys[place]),
            "SQLite's row": row,
            "CRC-32": lambda place: zlib.crc32(rows[place]),
            "unpacking": lambda place: unpack(rows[place], shape, "byte"),
            "filling an array": lambda place: np.full(shape, 0.5, np.float32),
        }
        taken = {name: 1e6 / warm_rate(step, len(keys)) for name, step in steps.items()}
    told = " | ".join(f"{taken[name]:.1f}" for name in steps)
    return f"| {maps.name} | {1e6 / rate:.0f} | {told} |"


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
    """What upstream does: the file's whole storage is read, the view of it is the record."""
    return lambda place: torch.load(files[place], map_location="cpu", weights_only=True).numpy()


def _reader(files: list[Path], maps: Maps) -> Callable[[int], object]:
    store = HeatmapFile.read(files[0])
    keys = [maps.key(place) for place in range(len(maps.cells))]
    return lambda place: store.get(keys[place])


def read_rates(
    files: list[Path], opened: Callable[[list[Path]], Callable[[int], object]], count: int
) -> tuple[float, float]:
    """Records per second, warm and cold."""
    order = np.random.default_rng(3).permutation(count)[:FILES].tolist()
    os.sync()
    drop(files)
    reader, start = opened(files), time.perf_counter()
    for place in order:
        reader(place)
    cold = len(order) / (time.perf_counter() - start)
    return warm_rate(reader, count), cold


def warm_rate(read: Callable[[int], object], count: int) -> float:
    """Records per second of this thread's processor time."""
    rng, best = np.random.default_rng(4), np.inf
    for _ in range(PASSES):
        order = rng.integers(0, count, READS).tolist()
        start = time.thread_time()
        for place in order:
            read(place)
        best = min(best, time.thread_time() - start)
    return float(READS / best)


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
    again: Floats,
    rates: tuple[float, float],
    slower: tuple[float, float],
) -> None:
    moved = distance(positions(maps.cells), positions(again))
    aside = distance(fused(maps.cells), fused(again)).mean()
    times = [rate / other for rate, other in zip(rates, slower, strict=True)]
    shown = f"{weight:.0f} | {moved.mean():.4f} | {moved.max():.2f} | {aside:.3f}"
    reads = f"{rates[0]:.0f} | {times[0]:.1f} | {rates[1]:.0f} | {times[1]:.1f}"
    print(f"| {maps.name} | {kind} | {shown} | {reads} |", flush=True)
    note(kind="keep", maps=maps.name, way=kind, bytes=weight, moved=float(moved.mean()),
         furthest=float(moved.max()), fused=float(aside), warm=rates[0], cold=rates[1])  # fmt: skip


PARTS: list[str] = []
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
        print(f"| net | precision | {', s | '.join(STAGES)}, s | cost (range) | packing |")
        print("|---|---|---|---|---|---|---|---|")
        made = {n: create(n, net, annotated, images, folder) for n, net in networks()}
        slow, fast = made["slow"], made["fast"]
        columns = "bytes | moved, mean | max | fused | reads/s warm | times | cold | times"
        print(f"\n| maps | kept as | {columns} |\n|{'---|' * 10}")
        for maps in (slow, fast, published_slow(slow), published_fast(fast)):
            assert maps.cells.shape[1] == len(SKELETONS[maps.skeleton])
            measure(maps, folder)
        columns = "published load | read at byte | SQLite's row | CRC-32 | unpacking | np.full"
        print(f"\n| maps, microseconds | {columns} |\n|{'---|' * 7}", *PARTS, sep="\n")
    if options.json:
        options.json.write_text(json.dumps(NOTES, indent=1) + "\n")


if __name__ == "__main__":
    main()
