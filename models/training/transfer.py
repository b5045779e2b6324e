"""Train the slim transfer net: `python -m models.training.transfer --help`.

A pair is a person's maps as they are now and as they were some frames ago, in the box of their own
frame. Both come from the trained slow and fast nets on one still picture, with all the mistakes
that these make; for the older ones, each keypoint's map is moved to where the limbs' random motion
would have had it. Maps of drawn Gaussians taught the net to trust a reference that is never wrong.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.heatmaps import Heatmaps
from data.pose import Box, Floats
from data.skeleton import FSPOSE_19
from data.training_packs import People, read_people
from models import zoo
from models.networks.slim_transfer import SlimTransfer
from models.topdown import TopDown
from models.training.loop import Recipe, train

ARGUMENTS: dict[str, int] = {"keypoints": 19, "channels": 48, "blocks": 3}
SIZE = (40, 48)  # the slow net's maps, width and height, where the net works most
SIGMAS = (2.0, 1.5)  # of the slow and of the fast net's targets, in their own cells
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
    """What the nets say of some people, in one space.

    `current` and `reference` are (N, 19, h, w), `points` (N, 19, 2) the truth in cells.
    """

    current: Tensor
    reference: Tensor
    points: Floats
    sigma: float


class Batches:
    """Pairs from a pool of people that both nets have read once."""

    def __init__(
        self, people: People, slow: TopDown, fast: TopDown, *, count: int, seed: int, held_out: bool
    ) -> None:
        self.rng = np.random.default_rng(seed)
        chosen = self.rng.choice(np.flatnonzero(people.held_out == held_out), count)
        exact, quick, redrawn, known = [], [], [], []
        for index in chosen:
            image, box = people.image(int(index)), self._near(people.boxes[index])
            exact += slow.heatmaps(image, [box])
            quick += fast.heatmaps(image, [box])
            redrawn.append(quick[-1].on(exact[-1].crop, smooth=True))
            known.append(people.keypoints[index, :, 2] > 0)
        truth = [people.keypoints[index, :, :2] for index in chosen]
        self.known = torch.from_numpy(np.stack(known))
        self.spaces = (
            Maps(_stack(redrawn), _stack(exact), _cells(exact, truth), SIGMAS[0]),
            Maps(_stack(quick), _stack(quick), _cells(quick, truth), SIGMAS[1]),
        )

    def _near(self, box: Floats) -> Box:
        left, top, width, height = (float(v) for v in box)
        x, y = self.rng.normal(0, 0.04, 2)
        return Box.from_xywh(left + x * width, top + y * height, width, height)

    def draw(self, count: int, space: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Current, reference and wanted maps, and which keypoints are known."""
        maps = self.spaces[space]
        chosen = self.rng.integers(0, len(self.known), count)
        now = maps.points[chosen]
        height, width = maps.current.shape[2:]
        size = (width, height)
        ages = self.rng.integers(1, 17, count)
        steps = [moved(p, int(age), size, self.rng) - p for p, age in zip(now, ages, strict=True)]
        reference = shifted(maps.reference[chosen], torch.from_numpy(np.stack(steps)))
        target = drawn(torch.from_numpy(now), maps.sigma, size)
        inside = ((now > -0.5) & (now < [width - 0.5, height - 0.5])).all(2)
        return (
            maps.current[chosen],
            reference,
            target,
            self.known[chosen] & torch.from_numpy(inside),
        )


def _stack(heatmaps: list[Heatmaps]) -> Tensor:
    return torch.from_numpy(np.stack([one.maps for one in heatmaps]))


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True, help="Folder of the training packs.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of checkpoints.")
    parser.add_argument("--cache", type=Path, required=True, help="Folder of decoded pictures.")
    parser.add_argument("--minutes", type=float, required=True, help="Whole time budget.")
    parser.add_argument("--family", type=Path, required=True, help="Holds the slow and fast net.")
    parser.add_argument("--pool", type=int, default=1200, help="How many people are read.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    people = read_people(options.packs, options.cache)
    slow, fast = (zoo.topdown(role, "cpu", options.family) for role in ("slow", "fast"))
    pool = Batches(people, slow, fast, count=options.pool, seed=options.seed, held_out=False)
    fresh = Batches(people, slow, fast, count=300, seed=12345, held_out=True)
    network = SlimTransfer(**ARGUMENTS).to(memory_format=torch.channels_last)

    def loss(net: nn.Module, share: float) -> Tensor:
        space = int(pool.rng.random() < 0.3)
        current, reference, target, known = pool.draw(32, space)
        fused = (net(current, reference) + current) / 2  # two-maps, as it is used
        # cells of the peak count more: most of a map is empty
        error = (fused - target).square() * (0.05 + target)
        return error.sum((2, 3))[known].mean()

    def measure(net: nn.Module) -> str:
        fresh.rng = np.random.default_rng(1)
        scores = []
        for _ in range(12):
            current, reference, target, known = fresh.draw(32, 0)
            with torch.inference_mode():
                fused = (net(current, reference) + current) / 2
            three = (current, reference, (reference + current) / 2, fused)
            scores.append([right_cells(maps, target, known) for maps in three])
        names = ("current", "reference", "mean", "fused")
        return "within three cells: " + " ".join(
            f"{name} {value:.3f}" for name, value in zip(names, np.mean(scores, 0), strict=True)
        )

    recipe = Recipe(minutes=options.minutes, rate=1e-3, report_every=120)
    train(network, loss, measure, options.out, recipe)


if __name__ == "__main__":
    main()
