"""What every registered backend costs: parameters, multiply-adds, time and memory.

    python benchmarks/backends.py [--backends fcpose,posedet] [--people 10] [--threads 1]
    python benchmarks/backends.py --controller

Every backend runs in a process of its own on the same drawn people, with its own way of bringing
images to size, and hands out the `--people` best, whoever they are: all but the embedded family
have random numbers. Multiply-adds are counted while one image is read (see `models/cost.py`). With
one thread on a CPU the time is that of the process, which others on the machine hardly change.
`--controller` sets what FCPose's published code keeps for every cell, so that a network can be
written for each person found, beside what is gathered here for those who are found.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from data.frame import Image
from data.pose import Pose
from data.synthetic.presets import scene
from models import backends, cost
from models.backends.base import PoseBackend
from models.networks.fcos import Places
from models.networks.fcpose_head import surroundings

COLUMNS = "backend | parameters, M | GMAC an image | ms, 1 image | ms an image, 8 | peak MB, 1 | 8"
MANY = 8  # images at once
PYRAMID = ((100, 168), (50, 84), (25, 42), (13, 21), (7, 11))  # cells, of an image of 800 x 1344
CHANNELS, KEPT = 256, 100


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", default=",".join(backends.names()))
    parser.add_argument("--size", default="1333x800", help="of the images, width x height")
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--controller", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        print(json.dumps(_measured(options)))
    elif options.controller:
        print("| controller's features | MB | peak MB beside | ms |\n|---|---|---|---|")
        for name in CONTROLLERS:
            print(_row(name, _in_a_process(f"controller:{name}")), flush=True)
    else:
        print(f"{options.size}, {options.people} people, {options.threads} threads\n")
        print(f"| {COLUMNS} |\n{'|---' * (COLUMNS.count('|') + 1)}|")
        for name in options.backends.split(","):
            print(_row(name, _in_a_process(name)), flush=True)


def _row(name: str, numbers: Sequence[float]) -> str:
    return f"| {name} | " + " | ".join(f"{number:.1f}" for number in numbers) + " |"


def _in_a_process(name: str) -> list[float]:
    """What a process like this one finds about a single thing."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", name]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: list[float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _measured(options: argparse.Namespace) -> list[float]:
    kind, _, name = options.one.rpartition(":")
    if kind:
        return _controller(CONTROLLERS[name])
    backend = _built(options.one, options.people, options.device)
    images = _images(*map(int, options.size.split("x")))
    networks = list(_networks(backend))
    with ExitStack() as stack:
        counts = [stack.enter_context(cost.counted(network)) for network in networks]
        backend.poses(images[0])  # the first call is slower, too
    macs = sum(count.macs for count in counts)
    _reset(options.device)
    alone = options.device == "cpu" and options.threads == 1
    clock = time.process_time if alone else time.perf_counter
    one, peak_one = _timed(lambda: backend.poses(images[0]), clock, options.device)
    many, peak_many = _timed(lambda: _batch(backend, images), clock, options.device)
    parameters = sum(p.numel() for network in networks for p in network.parameters())
    return [parameters / 1e6, macs / 1e9, 1000 * one, 1000 * many / MANY, peak_one, peak_many]


def _built(name: str, people: int, device: str) -> PoseBackend:
    """With whatever options it has that make it hand out so many people."""
    torch.manual_seed(0)
    wanted = {"least_score": 0.0, "most_people": people}
    known = {option.name for option in backends.describe(name).options}
    options = {option: value for option, value in wanted.items() if option in known}
    return backends.create(name, weights=None, device=device, **options)


def _images(width: int, height: int) -> list[Image]:
    drawn = scene(0, size=(width, height), people=3, seconds=1, fps=MANY)
    images = [frame.image for frame, _ in drawn][:MANY]
    assert len(images) == MANY
    return images


def _batch(backend: PoseBackend, images: Sequence[Image]) -> list[list[Pose]]:
    """All at once, where the backend can; else one after the other."""
    together: Callable[[Sequence[Image]], list[list[Pose]]] | None
    together = getattr(backend, "batch", None)
    return [backend.poses(i) for i in images] if together is None else together(images)


def _networks(part: object, seen: set[int] | None = None) -> Iterator[nn.Module]:
    """The networks that an object of ours holds, each once."""
    seen = set() if seen is None else seen
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, nn.Module):
        yield part
    elif type(part).__module__.startswith("models."):
        for value in vars(part).values() if hasattr(part, "__dict__") else ():
            yield from _networks(value, seen)


def _timed(
    act: Callable[[], object], clock: Callable[[], float], device: str
) -> tuple[float, float]:
    """Seconds, and the process's or the device's highest use of memory so far, MB."""
    start = clock()
    act()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return clock() - start, _peak(device)


def _reset(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats()


def _peak(device: str) -> float:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _everywhere(towers: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The surroundings of every cell, kept until it is known who is there."""
    return [nn.functional.unfold(tower, 3, padding=1) for tower in towers]


def _where_somebody_is(towers: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Those of the cells that found a person."""
    cells = torch.arange(KEPT)
    places = Places(torch.zeros_like(cells), cells % 3, cells, torch.zeros(KEPT, 2))
    return [surroundings(towers, places)]


CONTROLLERS: dict[str, Any] = {"of every cell": _everywhere, f"of {KEPT}": _where_somebody_is}


def _controller(features: Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]) -> list[float]:
    towers = [torch.randn(1, CHANNELS, *size) for size in PYRAMID]
    with torch.inference_mode():
        nn.functional.unfold(towers[-1], 3, padding=1)  # what a first call loads
        before = _peak("cpu")
        start = time.process_time()
        found = features(towers)
        seconds = time.process_time() - start
    size = sum(tensor.nbytes for tensor in found)
    return [size / 1e6, _peak("cpu") - before, 1000 * seconds]


if __name__ == "__main__":
    main()
