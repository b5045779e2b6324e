"""Train the slim transfer net on drawn maps: `python -m models.training.transfer --help`.

A pair is a person's annotated keypoints as they are now and as they were some frames ago, in the
box of their own frame. The reference maps are drawn sharp, as the slow net's are; the current ones
blurred, displaced, sometimes on the wrong limb or missing, as the fast net's are.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from data.pose import Floats
from data.skeleton import FSPOSE_19
from data.training_packs import People, read_people
from models.networks.slim_transfer import SlimTransfer
from models.training.augment import plain_points
from models.training.loop import Recipe, train

ARGUMENTS: dict[str, int] = {"keypoints": 19, "channels": 48, "blocks": 3}
SIZE = (40, 48)  # the slow net's maps, width and height, where the net works most
RASTERS = ((SIZE, 2.0), ((24, 32), 1.5))
"""Maps of the slow and of the fast net: width and height, and sigma in cells."""
_CHAINS = [
    [FSPOSE_19.index(f"{side}_{part}") for part in parts]
    for side in ("left", "right")
    for parts in (("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle"))
]
_MIRROR = np.array(FSPOSE_19.mirror)


def moved(points: Floats, age: int, size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Where (19, 2) keypoints were `age` frames ago: limbs turned, the whole body shifted."""
    strength = min(1.0, (age / 16) ** 0.5)
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


def drawn(points: Tensor, sigma: Tensor, peak: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, J, 2) cells, (N, J) spreads and peaks to (N, J, h, w) maps."""
    x = torch.arange(size[0], dtype=torch.float32)
    y = torch.arange(size[1], dtype=torch.float32)
    spread = 2 * sigma[..., None] ** 2
    across = torch.exp(-((x - points[..., :1]) ** 2) / spread)
    down = torch.exp(-((y - points[..., 1:]) ** 2) / spread)
    return peak[..., None, None] * down[..., :, None] * across[..., None, :]


class Batches:
    """Fresh pairs of drawn maps: current, reference, target, and which keypoints are known."""

    def __init__(self, people: People, seed: int, *, held_out: bool) -> None:
        self.people, self.rng = people, np.random.default_rng(seed)
        self.chosen = np.flatnonzero(people.held_out == held_out)

    def draw(
        self, count: int, size: tuple[int, int], sigma: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        now, before, known = [], [], []
        for index in self.rng.choice(self.chosen, count):
            points = plain_points(self.people.keypoints[index], self.people.boxes[index], size)
            now.append(points[:, :2])
            before.append(moved(points[:, :2], int(self.rng.integers(1, 17)), size, self.rng))
            known.append(points[:, 2] > 0)
        return self._maps(np.stack(now), np.stack(before), np.stack(known), size, sigma)

    def _maps(
        self,
        now: Floats,
        before: Floats,
        known: np.ndarray,
        size: tuple[int, int],
        sigma: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        rng, shape = self.rng, known.shape
        ones = torch.ones(shape)
        cell = size[0] / SIZE[0]  # lengths below are in cells of the slow net's maps
        target = drawn(_tensor(now), ones * sigma, ones, size)
        reference = drawn(
            _tensor(before + rng.normal(0, 0.6 * cell, now.shape)),
            _tensor(rng.uniform(0.8, 1.4, shape) * sigma),
            _tensor(rng.uniform(0.4, 1.0, shape) * (rng.random(shape) > 0.05) * known),
            size,
        )
        spread = rng.uniform(0.9, 2.0, shape) * sigma
        # a map's sum is at most 1, so a wide peak is a low one
        peak = np.minimum((sigma / spread) ** 2, 1) * (rng.random(shape) > 0.1) * known
        # the most frequent mistake: part of the answer on the other side's limb, or anywhere
        wrong = np.where(
            (rng.random(shape) < 0.6)[..., None],
            now[:, _MIRROR],
            rng.uniform(0, 1, now.shape) * size,
        )
        share = rng.uniform(0.1, 0.9, shape) * (rng.random(shape) < 0.3)
        current = drawn(
            _tensor(now + rng.normal(0, cell, now.shape)),
            _tensor(spread),
            _tensor(peak * (1 - share)),
            size,
        ) + drawn(
            _tensor(wrong + rng.normal(0, cell, now.shape)),
            _tensor(spread),
            _tensor(peak * share),
            size,
        )
        return current, reference, target, torch.from_numpy(known)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


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
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    people = read_people(options.packs, options.cache)
    batches = Batches(people, options.seed, held_out=False)
    network = SlimTransfer(**ARGUMENTS).to(memory_format=torch.channels_last)

    def loss(net: nn.Module, share: float) -> Tensor:
        current, reference, target, known = batches.draw(
            32, *RASTERS[int(batches.rng.random() < 0.3)]
        )
        fused = (net(current, reference) + current) / 2  # two-maps, as it is used
        # cells of the peak count more: most of a map is empty
        error = (fused - target).square() * (0.05 + target)
        return error.sum((2, 3))[known].mean()

    def measure(net: nn.Module) -> str:
        fresh = Batches(people, 12345, held_out=True)
        scores = []
        for _ in range(16):
            current, reference, target, known = fresh.draw(32, *RASTERS[0])
            with torch.inference_mode():
                fused = (net(current, reference) + current) / 2
            plain_mean = (reference + current) / 2
            three = (current, reference, plain_mean, fused)
            scores.append([right_cells(maps, target, known) for maps in three])
        names = ("current", "reference", "mean", "fused")
        return "within three cells: " + " ".join(
            f"{name} {value:.3f}" for name, value in zip(names, np.mean(scores, 0), strict=True)
        )

    recipe = Recipe(minutes=options.minutes, rate=1e-3, report_every=120)
    train(network, loss, measure, options.out, recipe)


if __name__ == "__main__":
    main()
