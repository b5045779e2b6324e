"""Whether a detector learns at all: a narrow one, from nothing, until it knows sixteen pictures.

    python benchmarks/sixteen.py NETWORK --packs DIR --out DIR [--images 16] [options of training]

A detector that reaches a high keypoint AP on the very pictures it has learnt from finds people,
scales, keypoints and scores where its training put them; one with a fault in targets, scales or
decoding does not. Everything goes through the commands, each in a process of its own: `fspose
train` writes a checkpoint, `fspose detect` opens it as a backend, and pycocotools scores the
results. DIR/found.png then shows what was found. The exit code is 1 where AP is not above --enough.

The pictures are of the training pack `coco_images` and stay where --out says. The figure says
nothing about other pictures.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from data.image_store import open_images

SIZE = (336, 224)  # of the pack's pictures that are taken: no batch has anything to fill up
SIDE, LONG = 192, 288  # as which they are read
LEAST_KEYPOINTS, LEAST_HEIGHT, LEAST_WIDTH, MOST_PEOPLE = 10, 100, 40, 4
SEVERAL = 3 / 8  # of the pictures show more than one person

_ALWAYS = "--no-augment --batch-size 4 --schedule cosine --warmup 50 --workers 1 --device cpu"
_REGIONS = (
    f"--width 16 --most-side {SIDE} --longest {LONG} --regions 48 --optimizer adam "
    "--weight-decay 0 --lr 1e-3 --clip 10 --epochs 175 --steps 700"
)
TRAINING: Mapping[str, str] = {
    "directpose": f"--width 8 --most-side {SIDE} --longest {LONG} --head-rate 1 --clip 20 "
    "--optimizer adam --weight-decay 0 --lr 2e-3 --epochs 300 --steps 1200",
    "fcpose": f"--network dla34 --width 8 --most-side {SIDE} --longest {LONG} --keypoint-share 1 "
    "--optimizer adam --weight-decay 0 --lr 1e-3 --clip-value 0 --clip 20 --epochs 200 --steps 800",
    "hpos": _REGIONS,
    "keypoint_rcnn": _REGIONS,
    "posedet": f"--network dla34 --width 8 --patch {SIDE} --optimizer adam --lr 1e-3 --epochs 200",
}
"""Options of `fspose train NETWORK`: a narrow network, small images, a high rate."""
READING: Mapping[str, Sequence[str]] = {
    "directpose": (f"side={SIDE}", f"longest={LONG}"),
    "fcpose": (f"side={SIDE}", f"longest={LONG}"),
    "hpos": (f"side={SIDE}", f"longest={LONG}"),
    "keypoint_rcnn": (f"side={SIDE}", f"longest={LONG}"),
    "posedet": (f"side={SIDE}", f"longest={LONG}"),
}
"""The options of the backend, which has to read images as large as they were learnt."""


def chosen(packs: Path, count: int) -> dict[str, Any]:
    """COCO JSON of `count` pictures of the pack, all of whose people are large and labelled."""
    content = json.loads((packs / "coco_images" / "annotations.json").read_text(encoding="utf-8"))
    people: dict[int, list[Any]] = {}
    for person in content["annotations"]:
        people.setdefault(person["image_id"], []).append(person)
    fitting = [
        image
        for image in content["images"]
        if image["boxes_complete"]
        and (image["width"], image["height"]) == SIZE
        and 0 < len(people.get(image["id"], [])) <= MOST_PEOPLE
        and all(map(_is_large, people[image["id"]]))
    ]
    several = [image for image in fitting if len(people[image["id"]]) > 1]
    alone = [image for image in fitting if len(people[image["id"]]) == 1]
    many = min(len(several), round(SEVERAL * count))
    images = [*several[:many], *alone[: count - many]]
    if len(images) < count:
        sys.exit(f"{packs} has {len(images)} such pictures only; {count} were asked for.")
    own = [person for image in images for person in people[image["id"]]]
    return {"images": images, "annotations": own, "categories": content["categories"]}


def _is_large(person: Mapping[str, Any]) -> bool:
    width, height = person["bbox"][2:]
    large = width >= LEAST_WIDTH and height >= LEAST_HEIGHT
    return large and not person["iscrowd"] and person["num_keypoints"] >= LEAST_KEYPOINTS


def run(*words: object) -> None:
    """A command of fspose in a process of its own; ends where it fails."""
    command = [sys.executable, "-m", "fspose_app", *map(str, words)]
    print("$ fspose " + shlex.join(command[3:]), flush=True)
    done = subprocess.run(command)
    if done.returncode:
        sys.exit(done.returncode)


def seconds_used() -> float:
    """What the commands that have ended took of the processor; others may share it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def keypoint_ap(truth: Path, results: Path) -> float:
    """AP of OKS, 0 to 1, as pycocotools counts it; it prints all ten numbers."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not json.loads(results.read_text(encoding="utf-8")):
        return 0.0  # the tool takes no empty file
    annotated = COCO(str(truth))
    tool = COCOeval(annotated, annotated.loadRes(str(results)), "keypoints")
    tool.evaluate()
    tool.accumulate()
    tool.summarize()
    return float(tool.stats[0])


def picture(folder: Path, file: Path) -> None:
    """The pictures of a folder side by side, four in a row."""
    images = [cv2.imread(str(path)) for path in sorted(folder.iterdir())]
    images += [np.zeros_like(images[0])] * (-len(images) % 4)
    rows = [np.hstack(images[start : start + 4]) for start in range(0, len(images), 4)]
    cv2.imwrite(str(file), np.vstack(rows))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", choices=sorted(TRAINING))
    parser.add_argument("--packs", type=Path, required=True, help="Folder of the training packs.")
    parser.add_argument("--out", type=Path, required=True, help="A new folder for everything.")
    parser.add_argument("--images", type=int, default=16, help="How many pictures.")
    parser.add_argument("--enough", type=float, default=0.8, help="The AP to be exceeded.")
    parser.add_argument("--threads", type=int, default=1)
    options, more = parser.parse_known_args()
    out, network = options.out, options.network
    (out / "images").mkdir(parents=True)
    content = chosen(options.packs, options.images)
    store = open_images(options.packs / "coco_images")
    for image in content["images"]:
        pixels = store.read(image["file_name"])
        cv2.imwrite(
            str(out / "images" / image["file_name"]), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        )
    truth, results = out / "sixteen.json", out / "results.json"
    truth.write_text(json.dumps(content), encoding="utf-8")
    began, used = time.monotonic(), seconds_used()
    run(
        *("train", network, "--annotations", truth, "--images", out / "images"),
        *("-o", out / "run", "--threads", options.threads, *_ALWAYS.split()),
        *(*TRAINING[network].split(), *more),
    )
    seconds, used = time.monotonic() - began, seconds_used() - used
    run(
        *("detect", out / "images", "--image-ids", truth, "-o", results),
        *("--backend", network, "--weights", f"backend={out / 'run' / 'final.pth'}"),
        *(word for each in READING[network] for word in ("--backend-option", each)),
        *("--overlay", out / "overlays", "--device", "cpu", "--threads", options.threads),
    )
    figure = keypoint_ap(truth, results)
    picture(out / "overlays", out / "found.png")
    people = len(content["annotations"])
    print(
        f"{network}: keypoint AP {figure:.3f} on {options.images} pictures with {people} people, "
        f"after {seconds / 60:.1f} minutes of training, {used / 60:.1f} of them on the processor."
    )
    sys.exit(0 if figure > options.enough else 1)


if __name__ == "__main__":
    main()
