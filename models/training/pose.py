"""Train the slow or the fast net on single people: `python -m models.training.pose --help`."""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from data.drawn_packs import drawn_people
from data.training_packs import People, Pictures, read_people, read_pictures
from models.folding import folded
from models.networks.hrnet import HRNet
from models.networks.plain import PlainNet
from models.training.budget import Recipe, train
from models.training.drawn_targets import distillation_loss, keypoint_loss
from models.training.mixture import Mixture, Source
from models.training.people_lesson import STRIDE, pck, read, told

SPORTS_SHARE = 2 / 3  # of the real people: LSPET's poses are the harder to learn
DRAWN_SHARE = 0.08  # of a batch: enough for the demo, too little to prefer drawn people


@dataclass(frozen=True, slots=True)
class Plan:
    """What a role trains: its network, and from which share of the budget on which raster."""

    network: str
    arguments: dict[str, object]
    rasters: tuple[tuple[float, tuple[int, int], float, int], ...]
    """(from this share on, (width, height), sigma in cells, batch)."""


PLANS = {
    "slow": Plan(
        "hrnet",
        {
            "width": 32,
            "keypoints": 19,
            "modules": (1, 1, 1),
            "blocks": 2,
            "stem": 32,
            "first_blocks": 1,
        },
        ((0.0, (160, 192), 2.0, 24), (0.5, (192, 256), 2.25, 20)),
    ),
    "fast": Plan(
        "plain",
        {"keypoints": 19, "widths": (48, 96, 144, 192), "blocks": 2},
        ((0.0, (128, 160), 1.75, 32),),
    ),
}
NETWORKS: dict[str, type[nn.Module]] = {"hrnet": HRNet, "plain": PlainNet}


class Batches:
    """Fresh augmented batches: real people of both sources, some drawn ones, and nobody."""

    def __init__(
        self, people: People, drawn: People | None, pictures: Pictures | None, seed: int
    ) -> None:
        self.rng = np.random.default_rng(seed)
        chosen = np.flatnonzero(~people.held_out)
        known = people.absent_is_known[chosen]
        real = 1.0 if drawn is None else 1 - DRAWN_SHARE
        sources = [
            Source(people, chosen[known], real * (1 - SPORTS_SHARE)),
            Source(people, chosen[~known], real * SPORTS_SHARE),
        ]
        if drawn is not None:
            sources.append(Source(drawn, np.arange(len(drawn)), DRAWN_SHARE))
        self.mixture = Mixture(sources, pictures)

    def draw(self, count: int, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Images, keypoints (N, 19, 3) in pixels of the crop, where absence is known (N, 19)."""
        images, keypoints, absent = zip(
            *(self.mixture.draw(size, self.rng) for _ in range(count)), strict=True
        )
        truth = torch.from_numpy(np.stack(keypoints)).float()
        return read(np.stack(images), "cpu"), truth, torch.from_numpy(np.stack(absent))


def held_out_pck(network: nn.Module, people: People, size: tuple[int, int]) -> str:
    """PCK@0.2 of the torso on the held-out people, twelve limb joints, arg-max of the maps."""
    chosen = np.flatnonzero(people.held_out)
    rng = np.random.default_rng(0)  # nothing is drawn: these are pictures
    portraits = (people.portrait(int(index), rng) for index in chosen)
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for index, found in zip(chosen, pck(network, portraits, size, "cpu"), strict=True):
        hits[bool(people.absent_is_known[index])].extend(found)
    return f"held-out PCK@0.2: coco {np.mean(hits[True]):.3f} lspet {np.mean(hits[False]):.3f}"


def taught(role: str, weights: Path | None) -> nn.Module:
    """A role's network, with weights where there are some."""
    plan = PLANS[role]
    network = NETWORKS[plan.network](**plan.arguments)
    if weights is not None:
        network.load_state_dict(torch.load(weights, weights_only=True))
    return network.to(memory_format=torch.channels_last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=PLANS)
    parser.add_argument("--packs", type=Path, required=True, help="Folder of the training packs.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of checkpoints.")
    parser.add_argument("--cache", type=Path, required=True, help="Folder of the decoded pictures.")
    parser.add_argument("--minutes", type=float, required=True, help="Whole time budget.")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--start", type=Path, help="Weights (average.pt) to begin with.")
    parser.add_argument(
        "--teacher", type=Path, help="The slow net's average.pt, whose maps are learnt as well."
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drawn", type=int, default=0, help="How many drawn people to mix in.")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(0)
    torch.manual_seed(options.seed)
    people = read_people(options.packs, options.cache)
    plan = PLANS[options.role]
    network = taught(options.role, options.start)
    drawn = drawn_people(options.drawn, 1, options.cache) if options.drawn else None
    pictures = read_pictures(options.packs, options.cache)
    batches = Batches(people, drawn, pictures, options.seed)

    def raster(share: float) -> tuple[tuple[int, int], float, int]:
        return [
            (size, sigma, batch) for start, size, sigma, batch in plan.rasters if share >= start
        ][-1]

    latest = [0.0]
    teacher = None if options.teacher is None else folded(taught("slow", options.teacher).eval())

    def loss(net: nn.Module, share: float) -> Tensor:
        latest[0] = share
        size, sigma, batch = raster(share)
        images, keypoints, absent = batches.draw(batch, size)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = net(images)
            value = keypoint_loss(logits, keypoints, absent, stride=STRIDE, sigma=sigma)
            if teacher is None:
                return value
            said = told(teacher, images, PLANS["slow"].rasters[-1][1])
        return (value + distillation_loss(logits, said)) / 2

    def measure(net: nn.Module) -> str:
        return held_out_pck(net, people, raster(latest[0])[0])

    train(network, loss, measure, options.out, Recipe(minutes=options.minutes, rate=options.rate))


if __name__ == "__main__":
    main()
