"""Train the slim transfer net: `python -m models.training.transfer --help`.

A pair is a person's maps as they are now and as they were some frames ago, in the box of their own
frame, with all the mistakes that the trained slow and fast nets make. Pairs come from clips, real
and drawn, and from still pictures, where each keypoint's older map is moved to where the limbs'
random motion would have had it: few people are in the clips, many in the stills.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.frame import Image
from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from data.skeleton import FSPOSE_19
from data.training_clips import Walk, drawn_walks, read_clips
from data.training_packs import People, read_people
from models import zoo
from models.networks.slim_transfer import SlimTransfer
from models.topdown import SMOOTHING, TopDown
from models.training.budget import Recipe, train
from models.training.pose import PLANS

ARGUMENTS: dict[str, int] = {"keypoints": 19, "channels": 32, "blocks": 3}
_LAST = tuple(PLANS[role].rasters[-1] for role in ("slow", "fast"))
SIZE = (_LAST[0][1][0] // 4, _LAST[0][1][1] // 4)
"""The slow net's maps, width and height, where the net works most."""

# of the slow and of the fast net's ideal maps, in their own cells: taught, and then smoothed
SIGMAS = tuple(sigma * float(np.hypot(1, SMOOTHING)) for _, _, sigma, _ in _LAST)
OLDEST = 15  # frames between a pair's maps; a keyframe comes every 16
CLIP_SHARE = 0.6  # of the pairs
HELD_OUT = 6  # every so many-th walk is for measuring
Seen = list[tuple[Image, Box, Floats]]
"""A picture, the box of a person in it, and the person's keypoints (19, 3)."""
Integers = NDArray[np.int64]
_CHAINS = [
    [FSPOSE_19.index(f"{side}_{part}") for part in parts]
    for side in ("left", "right")
    for parts in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
]


def moved(points: Floats, age: int, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Where (19, 2) keypoints were `age` frames ago: limbs turned, the whole body shifted."""
    # most people move little within a keyframe's interval, a few dance
    strength = min(1.0, (age / 16) ** 0.5) * float(rng.uniform(0, 1)) ** 2
    before = points.copy()
    for root, middle, end in _CHAINS:
        swing, bend = rng.normal(0, 0.5 * strength, 2)
        before[[middle, end]] = _turned(before[[middle, end]], before[root], swing)
        before[end] = _turned(before[end], before[middle], bend)
    lean = rng.normal(0, 0.1 * strength)
    center = before.mean(0)
    before = _turned(before, center, lean)
    before = center + (before - center) * rng.normal(1, 0.06 * strength, 2)
    return np.asarray(before + rng.normal(0, 1.5 * strength * size[0] / SIZE[0], 2), np.float32)


def _turned(points: Floats, center: Floats, angle: float) -> Floats:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return np.asarray((points - center) @ turn + center, np.float32)


def drawn(points: Tensor, sigma: float, size: tuple[int, int]) -> Tensor:
    """(N, J, 2) cells to Gaussians of peak 1, (N, J, h, w)."""
    x = torch.arange(size[0], dtype=torch.float32)
    y = torch.arange(size[1], dtype=torch.float32)
    across = torch.exp(-((x - points[..., :1]) ** 2) / (2 * sigma**2))
    down = torch.exp(-((y - points[..., 1:]) ** 2) / (2 * sigma**2))
    return down[..., :, None] * across[..., None, :]


def shifted(maps: Tensor, steps: Tensor) -> Tensor:
    """(N, J, h, w) maps, each moved by its own step (N, J, 2) in cells; zeros come in."""
    height, width = maps.shape[2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    moving = steps.reshape(-1, 2, 1, 1)
    across = (x - moving[:, 0]) * (2 / (width - 1)) - 1
    down = (y - moving[:, 1]) * (2 / (height - 1)) - 1
    flat = maps.reshape(-1, 1, height, width)
    grid = torch.stack([across, down], -1)
    return nn.functional.grid_sample(flat, grid, align_corners=True).view_as(maps)


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """What the nets say of some people, in one space, in half precision.

    `current` and `reference` are (N, 19, h, w), `points` (N, 19, 2) the truth in cells, `known`
    (N, 19) where there is one.
    """

    current: Tensor
    reference: Tensor
    points: Floats
    known: Tensor
    sigma: float

    @classmethod
    def of(cls, people: Seen, nets: tuple[TopDown, TopDown]) -> tuple[Maps, Maps]:
        """The maps of all people in the slow space and in the fast net's own."""
        slow, fast = nets
        exact, quick, redrawn = [], [], []
        for image, box, _ in people:
            exact += slow.heatmaps(image, [box])
            quick += fast.heatmaps(image, [box])
            redrawn.append(quick[-1].on(exact[-1].crop, smooth=True))
        truth = [keypoints[:, :2] for _, _, keypoints in people]
        known = torch.from_numpy(np.stack([keypoints[:, 2] > 0 for _, _, keypoints in people]))
        wide, narrow = _stack(redrawn), _stack(quick)
        return (
            cls(wide, _stack(exact), _cells(exact, truth), known, SIGMAS[0]),
            cls(narrow, narrow, _cells(quick, truth), known, SIGMAS[1]),
        )

    @property
    def size(self) -> tuple[int, int]:
        return self.current.shape[3], self.current.shape[2]

    def inside(self, rows: Integers) -> Tensor:
        """(n, 19): the keypoints of these rows whose place is known and on the map."""
        now = self.points[rows]
        on_map = ((now > -0.5) & (now < np.array(self.size) - 0.5)).all(2)
        return self.known[rows] & torch.from_numpy(on_map)


class Pairs(NamedTuple):
    """Current, reference and wanted maps (n, 19, h, w), and which keypoints count (n, 19)."""

    current: Tensor
    reference: Tensor
    wanted: Tensor
    counts: Tensor


class Stills:
    """Pairs from people that both nets have read once."""

    def __init__(
        self,
        people: People,
        nets: tuple[TopDown, TopDown],
        *,
        count: int,
        seed: int,
        held_out: bool,
    ) -> None:
        self.rng = np.random.default_rng(seed)
        chosen = self.rng.choice(np.flatnonzero(people.held_out == held_out), count)
        seen = [
            (people.image(int(i)), _near(people.boxes[i], self.rng), people.keypoints[i])
            for i in chosen
        ]
        self.spaces = Maps.of(seen, nets)

    def draw(self, count: int, space: int) -> Pairs:
        maps = self.spaces[space]
        rows = self.rng.integers(0, len(maps.points), count)
        now = maps.points[rows]
        ages = self.rng.integers(1, OLDEST + 1, count)
        before = [
            moved(points, int(age), maps.size, self.rng)
            for points, age in zip(now, ages, strict=True)
        ]
        reference = shifted(maps.reference[rows].float(), torch.from_numpy(np.stack(before) - now))
        wanted = drawn(torch.from_numpy(now), maps.sigma, maps.size)
        return Pairs(maps.current[rows].float(), reference, wanted, maps.inside(rows))


class Clips:
    """Pairs from people who really moved.

    Where the keypoints of a walk are not exact, what the slow net says of the current frame is
    wanted: it is what the fused maps stand in for.
    """

    def __init__(self, walks: Sequence[Walk], nets: tuple[TopDown, TopDown], *, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        seen = [
            (image, _near(box, self.rng), keypoints)
            for walk in walks
            for image, box, keypoints in zip(walk.images, walk.boxes, walk.keypoints, strict=True)
        ]
        self.spaces = Maps.of(seen, nets)
        lengths = [len(walk.images) for walk in walks]
        self.age = np.concatenate([np.arange(n) for n in lengths])  # frames since the walk began
        self.exact = torch.tensor(
            [walk.exact for walk, n in zip(walks, lengths, strict=True) for _ in range(n)]
        )

    def draw(self, count: int, space: int) -> Pairs:
        maps = self.spaces[space]
        rows = self.rng.choice(np.flatnonzero(self.age > 0), count)
        before = rows - self.rng.integers(1, np.minimum(self.age[rows], OLDEST) + 1)
        truth = drawn(torch.from_numpy(maps.points[rows]), maps.sigma, maps.size)
        said = maps.reference[rows].float()
        exact = self.exact[rows]
        return Pairs(
            maps.current[rows].float(),
            maps.reference[before].float(),
            torch.where(exact[:, None, None, None], truth, said),
            maps.inside(rows) | ~exact[:, None],
        )


def _near(box: Floats, rng: np.random.Generator) -> Box:
    """A box such as a tracker's: a little off."""
    left, top, width, height = (float(v) for v in box)
    x, y = rng.normal(0, 0.03, 2)
    return Box.from_xywh(left + x * width, top + y * height, width, height)


def _stack(heatmaps: list[Heatmaps]) -> Tensor:
    return torch.from_numpy(np.stack([one.maps.astype(np.float16) for one in heatmaps]))


def _cells(heatmaps: list[Heatmaps], truth: list[Floats]) -> Floats:
    points = [one.crop.from_image(p) for one, p in zip(heatmaps, truth, strict=True)]
    return np.stack(points)


def right_cells(maps: Tensor, target: Tensor, known: Tensor) -> float:
    """Share of known keypoints whose arg-max lies within three cells of the target's."""
    width = maps.shape[3]
    found, wanted = maps.flatten(2).argmax(-1), target.flatten(2).argmax(-1)
    far = torch.hypot(
        (found % width - wanted % width).float(), (found // width - wanted // width).float()
    )
    return float((far[known] <= 3).float().mean())


def fusion_loss(fused: Tensor, pairs: Pairs) -> Tensor:
    """The squared error of what the scheme answers, summed over a map, mean of those that count.

    Cells of the peak count more: most of a map is empty.
    """
    error = (fused - pairs.wanted).square() * (0.05 + pairs.wanted)
    return error.sum((2, 3))[pairs.counts].sum() / pairs.counts.sum().clamp_min(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True, help="Folder of the training packs.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of checkpoints.")
    parser.add_argument("--cache", type=Path, required=True, help="Folder of decoded pictures.")
    parser.add_argument("--minutes", type=float, required=True, help="Whole time budget.")
    parser.add_argument("--family", type=Path, required=True, help="Holds the slow and fast net.")
    parser.add_argument("--pool", type=int, default=1000, help="How many still people are read.")
    parser.add_argument("--scenes", type=int, default=16, help="How many drawn scenes are read.")
    parser.add_argument("--channels", type=int, default=ARGUMENTS["channels"])
    parser.add_argument("--start", type=Path, help="Weights (average.pt) to begin with.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    people = read_people(options.packs, options.cache)
    nets = (
        zoo.topdown("slow", "cpu", options.family),
        zoo.topdown("fast", "cpu", options.family),
    )
    walks = read_clips(options.packs / "jhmdb") + drawn_walks(options.scenes, options.seed + 1)
    held_out = [walk for n, walk in enumerate(walks) if n % HELD_OUT == 0]
    learnt = [walk for n, walk in enumerate(walks) if n % HELD_OUT]
    stills = Stills(people, nets, count=options.pool, seed=options.seed, held_out=False)
    clips = Clips(learnt, nets, seed=options.seed)
    fresh = (
        ("stills", Stills(people, nets, count=300, seed=12345, held_out=True)),
        ("clips", Clips(held_out, nets, seed=12345)),
    )
    rng = np.random.default_rng(options.seed)
    arguments = ARGUMENTS | {"channels": options.channels}
    network = SlimTransfer(**arguments)
    if options.start is not None:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    network = network.to(memory_format=torch.channels_last)

    def loss(net: nn.Module, share: float) -> Tensor:
        source = clips if rng.random() < CLIP_SHARE else stills
        pairs = source.draw(32, space=int(rng.random() < 0.3))
        fused = (net(pairs.current, pairs.reference) + pairs.current) / 2  # as it is used
        return fusion_loss(fused, pairs)

    def measure(net: nn.Module) -> str:
        return "within three cells: " + "; ".join(
            f"{name} {compared(net, source)}" for name, source in fresh
        )

    recipe = Recipe(minutes=options.minutes, rate=1e-3, report_every=120)
    train(network, loss, measure, options.out, recipe)


def compared(net: nn.Module, source: Stills | Clips) -> str:
    """How often each way to answer is right."""
    source.rng = np.random.default_rng(1)
    scores = []
    for _ in range(12):
        pairs = source.draw(32, 0)
        with torch.inference_mode():
            fused = (net(pairs.current, pairs.reference) + pairs.current) / 2
        mean = (pairs.reference + pairs.current) / 2
        ways = (pairs.current, pairs.reference, mean, fused)
        scores.append([right_cells(maps, pairs.wanted, pairs.counts) for maps in ways])
    names = ("current", "reference", "mean", "fused")
    return " ".join(f"{n} {value:.3f}" for n, value in zip(names, np.mean(scores, 0), strict=True))


if __name__ == "__main__":
    main()
