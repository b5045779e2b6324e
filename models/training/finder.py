"""Train the person finder on whole pictures: `python -m models.training.finder --help`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.drawn_packs import drawn_pictures
from data.frame import Image
from data.people_set import PictureSet, Shot
from data.pose import Floats
from data.training_packs import Pictures, read_pictures
from models.finder import Finder
from models.networks.finder import STRIDES, FinderNet, Found, cell_centers
from models.preprocess import normalised
from models.training.budget import Recipe, train
from models.training.pose import PLANS

Integers = NDArray[np.int64]
ARGUMENTS: dict[str, Any] = {"trunk": PLANS["slow"].arguments, "head": 64}
SIDE = 224  # of the squares that are learnt from
# In use. Of 192, 224 and 256, and of overlaps of 0.45 and 0.55, these found most held-out people.
READ_SIDE, OVERLAP = 192, 0.45
TALL = 50.0  # pixels of the packs' pictures: about 96 of COCO's own
TRUNK_LEARNS_FROM = 0.6  # of the budget; until then only what is new, three times as quickly
# (a finder that continues with --start learns as a whole from its first step)
# the largest side of a box, in pixels, that a level answers for; FCOS's rule at half its size
LIMITS = ((0.0, 72.0), (72.0, 150.0), (150.0, 1e6))
SMALLEST = 28.0  # boxes smaller than that are neither people nor background
DRAWN_SHARE = 0.06  # of the pictures
RADIUS = 1.5  # cells around a box's centre that answer for it (FCOS, centre sampling)


def placed(
    image: Image, known: Floats, rng: np.random.Generator, side: int
) -> tuple[Image, Floats]:
    """A picture at a random size and place on a square, and its boxes (P, 5) there.

    Boxes are left, top, right, bottom and 1 where they must be ignored; `known` ones have a width
    and a height instead of right and bottom.
    """
    height, width = image.shape[:2]
    share = side / max(height, width) * float(np.exp(rng.uniform(np.log(0.75), np.log(1.6))))
    w, h = max(8, round(width * share)), max(8, round(height * share))
    dx, dy = (int(rng.integers(min(0, side - n), max(0, side - n) + 1)) for n in (w, h))
    boxes = known.copy()
    boxes[:, 2:4] += boxes[:, :2]
    matrix = np.array([[w / width, 0, dx], [0, h / height, dy]])
    flip = rng.random() < 0.5
    if flip:
        matrix[0] = -matrix[0, 0], 0, w + dx
    way = cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, (w, h), interpolation=way)
    if flip:
        small = np.ascontiguousarray(small[:, ::-1])
    field = np.full((side, side, 3), 114, np.uint8)
    x0, y0, x1, y1 = max(dx, 0), max(dy, 0), min(dx + w, side), min(dy + h, side)
    field[y0:y1, x0:x1] = small[y0 - dy : y1 - dy, x0 - dx : x1 - dx]
    corners = boxes[:, :4].reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
    corners = np.sort(corners.reshape(-1, 2, 2), 1).reshape(-1, 4).astype(np.float32)
    whole = _areas(corners)
    clipped = np.clip(corners, 0, side)
    seen = _areas(clipped) / np.maximum(whole, 1e-6)
    small_sides = (clipped[:, 2:] - clipped[:, :2]).max(1, initial=0) < SMALLEST
    ignore = (boxes[:, 4] > 0) | small_sides | (seen < 0.35)
    result = np.concatenate([clipped, ignore[:, None]], 1).astype(np.float32)
    return field, result[seen > 0]


def _areas(boxes: Floats) -> Floats:
    return np.asarray(np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(1), np.float32)


def coloured(image: Image, rng: np.random.Generator) -> Image:
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.9, 1.1, 3)
    table = np.clip(np.arange(256)[:, None] * gain + rng.uniform(-25, 25), 0, 255).astype(np.uint8)
    image = np.asarray(cv2.LUT(image, table.reshape(1, 256, 3)), np.uint8)
    if rng.random() < 0.15:
        image = np.asarray(
            cv2.blur(image, (int(rng.integers(1, 4)), int(rng.integers(1, 4)))), np.uint8
        )
    return image


def targets(boxes: Floats, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """Per cell: the box it answers for (P, 4), whether it answers (P,), whether it counts (P,)."""
    centers, strides = cell_centers(side, side)
    people = torch.from_numpy(boxes[boxes[:, 4] == 0, :4])
    ignored = torch.from_numpy(boxes[boxes[:, 4] > 0, :4])
    counts = ~_inside(centers, ignored).any(1)
    if not len(people):
        return torch.zeros(len(centers), 4), torch.zeros(len(centers), dtype=torch.bool), counts
    low = torch.tensor([LIMITS[STRIDES.index(int(s))][0] for s in strides])
    high = torch.tensor([LIMITS[STRIDES.index(int(s))][1] for s in strides])
    longest = (people[:, 2:] - people[:, :2]).amax(1)
    level = (longest > low[:, None]) & (longest <= high[:, None])
    middle = (people[:, :2] + people[:, 2:]) / 2
    near = ((centers[:, None] - middle).abs() < RADIUS * strides[:, None, None]).all(-1)
    answers = level & near & _inside(centers, people)
    area = ((people[:, 2:] - people[:, :2]).prod(1)).expand(len(centers), -1)
    smallest = torch.where(answers, area, torch.inf).argmin(1)
    positive = answers.any(1)
    return people[smallest], positive, counts | positive


def _inside(centers: Tensor, boxes: Tensor) -> Tensor:
    return ((centers[:, None] > boxes[:, :2]) & (centers[:, None] < boxes[:, 2:])).all(-1)


def overlaps(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al. 2019) of boxes, row by row."""
    shared = (
        (torch.minimum(first[:, 2:], second[:, 2:]) - torch.maximum(first[:, :2], second[:, :2]))
        .clamp_min(0)
        .prod(1)
    )
    union = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1) - shared
    hull = (
        torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])
    ).prod(1)
    iou = shared / union.clamp_min(1e-6)
    return iou, iou - (hull - union) / hull.clamp_min(1e-6)


def finder_loss(found: Found, wanted: Tensor, positive: Tensor, counts: Tensor) -> Tensor:
    """Quality focal loss (Li et al. 2020, equation 2, beta 2) and generalised IoU loss."""
    iou, general = overlaps(found.boxes[positive], wanted[positive])
    quality = torch.zeros_like(found.quality)
    quality[positive] = iou.detach().clamp(0, 1)
    error = (found.quality.sigmoid() - quality).abs().square()
    entropy = nn.functional.binary_cross_entropy_with_logits(
        found.quality, quality, reduction="none"
    )
    number = positive.sum().clamp_min(1)
    # telling people from all else is much the harder half
    return 4 * (error * entropy)[counts].sum() / number + (1 - general).sum() / number


class Squares:
    """Fresh squares from several sets of pictures in given shares; a tenth of those of the first
    set are four small ones, if it has complete pictures."""

    def __init__(self, sets: Sequence[tuple[PictureSet, float]], complete: Integers) -> None:
        """`complete` are the pictures of the first set whose people are all annotated."""
        self._sets = [(own, np.flatnonzero(~own.held_out)) for own, _ in sets]
        odds = np.array([share for _, share in sets])
        self._odds = odds / odds.sum()
        self._complete = complete

    def __len__(self) -> int:
        return sum(len(chosen) for _, chosen in self._sets)

    def draw(self, rng: np.random.Generator) -> tuple[Image, Floats, bool]:
        """A square, its boxes, and whether all people are annotated. Raises SourceError."""
        place = int(rng.choice(len(self._sets), p=self._odds))
        pictures, chosen = self._sets[place]
        if place or not len(self._complete) or rng.random() < 0.9:
            shot = pictures.shot(int(rng.choice(chosen)), rng)
            image, boxes = placed(shot.image, shot.boxes, rng, SIDE)
            return coloured(image, rng), boxes, shot.is_complete
        half = SIDE // 2
        field, parts = np.zeros((SIDE, SIDE, 3), np.uint8), []
        for x, y in ((0, 0), (half, 0), (0, half), (half, half)):
            shot = pictures.shot(int(rng.choice(self._complete)), rng)
            image, boxes = placed(shot.image, shot.boxes, rng, half)
            field[y : y + half, x : x + half] = image
            parts.append(boxes + np.array([x, y, x, y, 0], np.float32))
        return coloured(field, rng), np.concatenate(parts), True


def packs_squares(pictures: Pictures, drawn: PictureSet | None) -> Squares:
    """Squares of the packs' pictures, a few of them drawn ones."""
    sets: list[tuple[PictureSet, float]] = [(pictures, 1.0)]
    if drawn is not None:
        sets = [(pictures, 1 - DRAWN_SHARE), (drawn, DRAWN_SHARE)]
    return Squares(sets, np.flatnonzero(~pictures.held_out & pictures.complete))


def answers(boxes: Floats, is_complete: bool, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the cells of a square are taught; background only where everybody is annotated."""
    wanted, positive, counts = targets(boxes, side)
    return wanted, positive, counts if is_complete else positive


def learnt(net: FinderNet, images: Tensor, share: float, trunk_learns_from: float) -> Found:
    """What a finder in training says; until its trunk learns, that is left as it is."""
    learns = share >= trunk_learns_from
    net.trunk.train(learns)
    with torch.set_grad_enabled(learns):
        levels = net.trunk.levels(images)
    found: Found = net.answer(levels)
    return found


def held_out_recall(network: nn.Module, pictures: Pictures, tall: float) -> str:
    """Recall on the packs' held-out pictures, in words."""
    chosen, rng = np.flatnonzero(pictures.held_out & pictures.complete), np.random.default_rng(0)
    found = recall(network, (pictures.shot(int(n), rng) for n in chosen), tall, "cpu")
    return f"held-out recall {found:.3f} at one false box per picture"


def recall(network: nn.Module, shots: Iterable[Shot], tall: float, device: str) -> float:
    """Recall at IoU 0.5 of people taller than `tall`, at one false box per picture."""
    finder = Finder(
        network, side=READ_SIDE, least_score=0.05, overlap=OVERLAP, most=60, device=device
    )
    scores, hits, known, count = [], [], 0, 0
    for image, boxes, _ in shots:
        truth = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:4]], 1)
        people = boxes[:, 4] == 0
        wanted = people & (boxes[:, 3] > tall)
        known, count = known + int(wanted.sum()), count + 1
        taken = np.zeros(len(boxes), bool)
        for box in finder.find(image):
            mine = np.array([[box.left, box.top, box.right, box.bottom]], np.float32).repeat(
                len(boxes), 0
            )
            iou = overlaps(torch.from_numpy(mine), torch.from_numpy(truth))[0].numpy()
            iou[taken] = 0
            best = int(iou.argmax()) if len(iou) else -1
            if best >= 0 and iou[best] >= 0.5:
                taken[best] = True
                if not wanted[best]:
                    continue  # a small person or a crowd: neither right nor wrong
            scores.append(box.score)
            hits.append(best >= 0 and iou[best] >= 0.5)
    order = np.argsort(scores)[::-1]
    right = np.array(hits)[order] if len(order) else np.zeros(0, bool)
    allowed = np.cumsum(~right) <= count
    return float(right[allowed].sum() / max(known, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packs", type=Path, required=True, help="Folder of the training packs.")
    parser.add_argument("--out", type=Path, required=True, help="Folder of checkpoints.")
    parser.add_argument("--cache", type=Path, required=True, help="Folder of the decoded pictures.")
    parser.add_argument("--minutes", type=float, required=True, help="Whole time budget.")
    parser.add_argument(
        "--trunk", type=Path, help="The slow net's average.pt, which lends its trunk."
    )
    parser.add_argument("--start", type=Path, help="A finder's average.pt to begin with.")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drawn", type=int, default=0, help="How many drawn scenes to mix in.")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(0)
    torch.manual_seed(options.seed)
    pictures = read_pictures(options.packs, options.cache)
    network = FinderNet(**ARGUMENTS)
    if options.start:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    elif options.trunk:
        lent = torch.load(options.trunk, weights_only=True)
        own = network.trunk.state_dict()
        network.trunk.load_state_dict({name: lent[name] for name in own})
    trunk_learns_from = TRUNK_LEARNS_FROM if options.trunk and not options.start else 0.0
    network = network.to(memory_format=torch.channels_last)
    drawn = drawn_pictures(options.drawn, 1, options.cache) if options.drawn else None
    squares, rng = packs_squares(pictures, drawn), np.random.default_rng(options.seed)

    def loss(net: nn.Module, share: float) -> Tensor:
        drawn = [squares.draw(rng) for _ in range(options.batch)]
        images = normalised([image for image, _, _ in drawn], "cpu")
        told = zip(*(answers(boxes, known, SIDE) for _, boxes, known in drawn), strict=True)
        assert isinstance(net, FinderNet)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            channels_last = images.contiguous(memory_format=torch.channels_last)
            found = learnt(net, channels_last, share, trunk_learns_from)
        return finder_loss(found, *(torch.stack(part) for part in told))

    def measure(net: nn.Module) -> str:
        return held_out_recall(net, pictures, TALL)

    recipe = Recipe(minutes=options.minutes, rate=options.rate)
    train(network, loss, measure, options.out, recipe)


if __name__ == "__main__":
    main()
