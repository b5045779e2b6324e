"""Train the slow or the fast net on single people: `python -m models.training.pose --help`."""

from __future__ import annotations

import argparse
import logging
import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data.drawn_packs import drawn_people
from data.frame import Image
from data.pose import Floats
from data.skeleton import FSPOSE_19
from data.training_packs import People, Pictures, read_people, read_pictures
from models.folding import folded
from models.networks.hrnet import HRNet
from models.networks.plain import PlainNet
from models.training.augment import plain, varied
from models.training.drawn_targets import distillation_loss, keypoint_loss
from models.training.loop import Recipe, train

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
SPREAD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
STRIDE = 4.0
NOBODY_SHARE = 0.07
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


def normalise(images: list[np.ndarray]) -> Tensor:
    """RGB uint8 images of one size to a (N, 3, h, w) batch, channels last."""
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255
    return ((batch - MEAN) / SPREAD).contiguous(memory_format=torch.channels_last)


class Batches:
    """Fresh augmented batches: real people of both sources, some drawn ones, and nobody.

    Crops without a person teach that all keypoints are nowhere; a pose's score then tells people
    from what a finder mistakes for them.
    """

    def __init__(
        self, people: People, drawn: People | None, pictures: Pictures | None, seed: int
    ) -> None:
        self.rng = np.random.default_rng(seed)
        self.real, self.pictures = people, pictures
        chosen = np.flatnonzero(~people.held_out)
        known = people.absent_is_known[chosen]
        self.pools = [(people, chosen[known]), (people, chosen[~known])]
        if drawn is not None:
            self.pools.append((drawn, np.arange(len(drawn))))

    def draw(self, count: int, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """Images, keypoints (N, 19, 3) in pixels of the crop, and where absence is known (N,)."""
        images, keypoints, absent = [], [], []
        for _ in range(count):
            if self.pictures is not None and self.rng.random() < NOBODY_SHARE:
                image, points = self._nobody(self.pictures, size)
                images.append(image)
                keypoints.append(points)
                absent.append(True)
                continue
            of_drawn = len(self.pools) > 2 and self.rng.random() < DRAWN_SHARE
            people, pool = self.pools[2 if of_drawn else int(self.rng.random() < SPORTS_SHARE)]
            index = int(self.rng.choice(pool))
            image, points = varied(
                people.image(index),
                people.keypoints[index],
                people.boxes[index],
                size,
                elsewhere=self.real.image(int(self.rng.integers(len(self.real)))),
                rng=self.rng,
            )
            images.append(image)
            keypoints.append(points)
            absent.append(bool(people.absent_is_known[index]))
        truth = torch.from_numpy(np.stack(keypoints)).float()
        return normalise(images), truth, torch.tensor(absent)

    def _nobody(self, pictures: Pictures, size: tuple[int, int]) -> tuple[Image, Floats]:
        """A crop of a picture where no person's box reaches, and keypoints far outside it."""
        far = np.full((len(FSPOSE_19), 3), (-1e5, -1e5, 2), np.float32)
        while True:
            index = int(self.rng.integers(len(pictures)))
            image, people = pictures.image(index), pictures.boxes[index]
            tall = self.rng.uniform(40, image.shape[0])
            wide = tall * self.rng.uniform(0.3, 1.0)
            x = self.rng.uniform(0, max(1, image.shape[1] - wide))
            y = self.rng.uniform(0, max(1, image.shape[0] - tall))
            low = np.maximum(people[:, :2], (x, y))
            high = np.minimum(people[:, :2] + people[:, 2:4], (x + wide, y + tall))
            shared = np.clip(high - low, 0, None).prod(1).sum() / (wide * tall)
            if shared < 0.05 and pictures.complete[index] and not pictures.held_out[index]:
                box = np.array([x, y, wide, tall], np.float32)
                return varied(image, far, box, size, elsewhere=image, rng=self.rng)


def pck(network: nn.Module, people: People, size: tuple[int, int]) -> str:
    """PCK@0.2 of the torso on the held-out people, twelve limb joints, arg-max of the maps."""
    limbs = slice(5, 17)
    hits: dict[bool, list[float]] = {True: [], False: []}
    chosen = np.flatnonzero(people.held_out)
    for start in range(0, len(chosen), 32):
        part = chosen[start : start + 32]
        pairs = [plain(people.image(i), people.keypoints[i], people.boxes[i], size) for i in part]
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            maps = network(normalise([image for image, _ in pairs])).float()
        best = maps.flatten(2).argmax(-1).numpy()
        points = np.stack([best % maps.shape[3], best // maps.shape[3]], -1) * STRIDE
        for index, (_, truth), found in zip(part, pairs, points, strict=True):
            left, right = (
                truth[FSPOSE_19.index("left_shoulder")],
                truth[FSPOSE_19.index("right_hip")],
            )
            torso = float(np.hypot(*(left - right)[:2]))
            if min(left[2], right[2]) <= 0 or torso < 1:
                continue
            far = np.hypot(*(found - truth[:, :2]).T)[limbs] / torso
            hits[bool(people.absent_is_known[index])].extend(far[truth[limbs, 2] > 0] < 0.2)
    return f"held-out PCK@0.2: coco {np.mean(hits[True]):.3f} lspet {np.mean(hits[False]):.3f}"


@torch.no_grad()
def told(teacher: nn.Module, images: Tensor) -> Tensor:
    """A slow net's logits for crops of any size, (N, J, h / 4, w / 4).

    It sees them at the size that it learned; its probabilities are spread over fewer cells after.
    """
    height, width = images.shape[2:]
    own = PLANS["slow"].rasters[0][1]
    seen = functional.interpolate(images, (own[1], own[0]), mode="bilinear", antialias=True)
    small = (height // int(STRIDE), width // int(STRIDE))
    logits = functional.interpolate(teacher(seen).float(), small, mode="bilinear", antialias=True)
    return logits + math.log(own[0] * own[1] / (width * height))


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
            said = told(teacher, images)
        return (value + distillation_loss(logits, said)) / 2

    def measure(net: nn.Module) -> str:
        return pck(net, people, raster(latest[0])[0])

    train(network, loss, measure, options.out, Recipe(minutes=options.minutes, rate=options.rate))


if __name__ == "__main__":
    main()
