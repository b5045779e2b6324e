"""What the bundled networks reach on the training packs' held-out people and pictures.

    python benchmarks/heldout.py PACKS_DIR --cache DIR [--weights DIR]

The packs' own validation split, which no network learns from: choices are made here, not on the
pictures of `benchmarks/accuracy.py`. PCK@0.2 of the twelve limb keypoints is printed for the maps'
highest cell and for the densest place, which is what the program reads (`models.topdown.Calibrated`
smooths them); the finder's recall for its boxes as they are and after the fast net's look into each
(`models.finder.CheckedFinder`). The measures are those of `benchmarks/accuracy.py`; a person is to
be found where the box is higher than 96 pixels of a picture whose longer side is 640.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accuracy import Person, errors, pck
from finding import TALL, Picture, finder_recall
from torch import Tensor, nn

from data.pose import Box
from data.skeleton import COCO_17, FSPOSE_19
from data.training_packs import People, Pictures, read_people, read_pictures
from models import zoo

LONG_SIDE = 640.0
CELLS = {"highest cell": False, "densest place": True}
COCO_PLACES = [FSPOSE_19.index(keypoint) for keypoint in COCO_17.keypoints]


def highest_cell(logits: Tensor) -> Tensor:
    """The family's logits as probabilities of cells, not smoothed."""
    cells = nn.functional.pad(logits.flatten(2), (0, 1))
    return cells.softmax(2)[..., :-1].view_as(logits)


def held_out_people(people: People, *, sports: bool) -> list[Person]:
    chosen = np.flatnonzero(people.held_out & (people.absent_is_known != sports))
    return [
        Person(
            partial(people.image, int(index)),
            Box.from_xywh(*(float(v) for v in people.boxes[index])),
            people.keypoints[index][COCO_PLACES],
        )
        for index in chosen
    ]


def held_out_pictures(pictures: Pictures) -> Iterator[Picture]:
    for index in np.flatnonzero(pictures.held_out & pictures.complete):
        image, boxes = pictures.image(int(index)), pictures.boxes[index]
        tall = TALL * max(image.shape[:2]) / LONG_SIDE
        crowd = [bool(box[4]) for box in boxes]
        counts = [box[3] > tall and not c for box, c in zip(boxes, crowd, strict=True)]
        found = [Box.from_xywh(*(float(v) for v in box[:4])) for box in boxes]
        yield Picture(image, found, crowd, counts)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("packs", type=Path)
    parser.add_argument("--cache", type=Path, required=True, help="Folder of decoded pictures.")
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    people = read_people(options.packs, options.cache)
    for role in ("slow", "fast"):
        for name, smoothed in CELLS.items():
            net = zoo.topdown(role, "cpu", options.weights)
            if not smoothed:
                net.head = highest_cell
            for block, sports in (("coco", False), ("lspet", True)):
                found = pck(errors(net, held_out_people(people, sports=sports), limbs=1, flag=1))
                print(
                    f"{role:5} {name:14} {block:6} PCK@0.2 {found['pck']:.3f} "
                    f"[{found['low']:.3f}, {found['high']:.3f}]  {found['people']} people",
                    flush=True,
                )
    checked = zoo.finder("cpu", options.weights, least_score=0.02)
    pictures = read_pictures(options.packs, options.cache)
    for name, finder in (("its own boxes", checked.finder), ("checked boxes", checked)):
        recall = finder_recall(finder, held_out_pictures(pictures))
        figures = "  ".join(
            f"{key} {value:.3f}" for key, value in recall.items() if "recall" in key
        )
        print(f"finder {name}: {figures}  {recall['people']} people", flush=True)


if __name__ == "__main__":
    main()
