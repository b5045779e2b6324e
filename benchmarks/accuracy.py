"""How exact the bundled networks are on annotated pictures, beside MoveNet.

    python benchmarks/accuracy.py MEDIA_DIR [--weights DIR] [--json OUT] [--movenet FILE.tflite]

MEDIA_DIR holds `coco_keypoints/`, `coco_val_more/` (COCO keypoint JSON and images), `lspet/`
(single sports people with 14 joints) and `annotated/bonn_posetrack/`; none of them is in the
repository or in a training pack.

Annotated boxes: every person is cut by the annotated box (LSPET has none: the joints' extent,
enlarged 1.15 times) and read by one network; "slow flipped" reads a mirrored copy too. AP is that
of pycocotools on `coco_keypoints`; a person's score is the mean of the 17 keypoints'. PCK@0.2 is
the share of the twelve limb keypoints, shoulders to ankles, within 0.2 of the torso (left shoulder
to right hip); people of both COCO folders count with at least ten limb keypoints, "visible" ones or
"labelled" ones. In brackets: 95 % of 1,000 bootstrap draws of people, for AP of 200 of pictures.

Finder: a person over 96 px tall is found at an IoU of 0.5; the threshold is the lowest with so many
false boxes per picture; crowds and smaller people count neither way. Its GMACs are the mean over
the pictures, without and with the fast net's look into every box that it proposes.

MoveNet's figures were recorded once (`benchmarks/movenet.py`); with --movenet and LiteRT it is run
again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from coco_ap import Answer, average_precision
from figures import write
from finding import finder_gmacs, finder_recall, load_image, pictures
from intervals import Integers, interval
from movenet import RECORDED, MoveNet, named, shown
from movenet import cells as recorded
from seen import BONN, annotated

from data.frame import Image
from data.pose import Box, Floats
from data.skeleton import COCO_17
from models import zoo
from models.decode import decode
from models.topdown import FlipTest, TopDown

LIMBS = slice(5, 17)
FLIPPED = "slow flipped"
COCO_SETS = ("coco_keypoints", "coco_val_more")
COLUMNS = ("coco AP", "coco, visible", "coco, labelled", "lspet", "bonn")
WANTED = {  # what the family's networks are to reach
    "slow": {"coco AP": 0.45, "coco, visible": 0.85, "lspet": 0.75},
    "fast": {"coco AP": 0.37, "coco, visible": 0.80, "lspet": 0.68},
}
WANTED_RECALL, WANTED_GMACS = 0.85, 0.6


@dataclass(frozen=True, eq=False)
class Person:
    """An annotated person: keypoints (17, 3) with COCO's flags, 0 where unknown."""

    image: Callable[[], Image]
    box: Box
    keypoints: Floats
    image_id: int = 0


def coco(folder: Path) -> list[Person]:
    content = json.loads((folder / "person_keypoints.json").read_text())
    files = {image["id"]: folder / "images" / image["file_name"] for image in content["images"]}
    return [
        Person(
            partial(load_image, files[a["image_id"]]),
            Box.from_xywh(*a["bbox"]),
            np.array(a["keypoints"], np.float32).reshape(17, 3),
            a["image_id"],
        )
        for a in content["annotations"]
        if a["num_keypoints"] > 0 and not a["iscrowd"]
    ]


def lspet(folder: Path) -> list[Person]:
    content = json.loads((folder / "joints.json").read_text())
    people = []
    for record in content["records"]:
        joints = np.array(record["joints"], np.float32)
        known = joints[joints[:, 2] > 0, :2]
        if not len(known):
            continue
        center, size = (known.min(0) + known.max(0)) / 2, np.ptp(known, axis=0) * 1.15
        keypoints = np.zeros((17, 3), np.float32)
        for name, joint in zip(content["names"], joints, strict=True):
            if name in COCO_17.keypoints:
                keypoints[COCO_17.index(name)] = joint
        box = Box.from_xywh(*(float(v) for v in center - size / 2), *(float(v) for v in size))
        image = partial(load_image, folder / "images" / record["image"])
        people.append(Person(image, box, keypoints))
    return people


def bonn(file: Path) -> list[Person]:
    return [
        Person(partial(_same, seen.image), seen.box, seen.keypoints[:17])
        for track in annotated(file)
        for seen in track
    ]


def _same(image: Image) -> Image:
    return image


def counts(person: Person, *, limbs: int, flag: int) -> bool:
    """Whether somebody is judged by so many limb keypoints of a flag, and by the torso."""
    left, right = person.keypoints[5], person.keypoints[12]
    torso = float(np.hypot(*(left - right)[:2]))
    known = int((person.keypoints[LIMBS, 2] >= flag).sum())
    return min(left[2], right[2]) > 0 and known >= limbs and torso >= 1


def distances(people: list[Person], answers: list[Answer], *, limbs: int, flag: int) -> Floats:
    """(people, 12) distances in torsos of those who count, NaN where a keypoint does not."""
    rows = []
    for person, answer in zip(people, answers, strict=True):
        if not counts(person, limbs=limbs, flag=flag):
            continue
        torso = float(np.hypot(*(person.keypoints[5] - person.keypoints[12])[:2]))
        far = np.hypot(*(answer.keypoints[LIMBS] - person.keypoints[LIMBS, :2]).T) / torso
        rows.append(np.where(person.keypoints[LIMBS, 2] >= flag, far, np.nan))
    return np.array(rows, np.float32)


def answers(net: TopDown | FlipTest | MoveNet, people: list[Person]) -> list[Answer]:
    """What a network reads of everyone: COCO's 17 keypoints."""
    found = []
    for person in people:
        if isinstance(net, MoveNet):
            points, scores = net.read(person.image(), person.box)
        else:
            points, scores = decode(net.heatmaps(person.image(), [person.box]))[0]
        found.append(Answer(person.image_id, points[:17], np.clip(scores[:17], 0, 1)))
    return found


def errors(net: TopDown | FlipTest, people: list[Person], *, limbs: int, flag: int) -> Floats:
    """(people, 12) distances in torsos of what a network reads, as `distances`."""
    judged = [person for person in people if counts(person, limbs=limbs, flag=flag)]
    return distances(judged, answers(net, judged), limbs=limbs, flag=flag)


def pck(far: Floats) -> dict[str, Any]:
    known, hit = ~np.isnan(far), far < 0.2

    def share(rows: Integers) -> float:
        return float(hit[rows].sum() / known[rows].sum())

    low, high = interval(share, len(far))
    return {"people": len(far), "pck": share(np.arange(len(far))), "low": low, "high": high}


def verdicts(result: dict[str, Any]) -> list[str]:
    """What the family is to reach, met or not."""
    lines = []
    for role, columns in WANTED.items():
        for column, wanted in columns.items():
            found = result.get(f"{role} {column}")
            if found is not None:
                lines.append(_verdict(f"{role} {column}", found["pck"], wanted))
    if "finder" in result:
        recall = result["finder"]["recall_at_0.5"]
        lines.append(_verdict("finder recall at 0.5 false boxes", recall, WANTED_RECALL))
        total = result["finder"]["gmacs_with_checks"]
        held = "met" if total <= WANTED_GMACS else "NOT met"
        lines.append(f"finder GMACs with checks {total:.3f}, wanted <= {WANTED_GMACS}: {held}")
    return lines


def _verdict(name: str, found: float, wanted: float) -> str:
    return f"{name} {found:.3f}, wanted >= {wanted}: {'met' if found >= wanted else 'NOT met'}"


def _row(name: str, result: dict[str, Any]) -> str:
    found = [result.get(f"{name} {column}") for column in COLUMNS]
    spans = [() if f is None else (f["pck"], f["low"], f["high"]) for f in found]
    return f"| {name} | {' | '.join(shown(span) for span in spans)} |"


def measure(
    net: TopDown | FlipTest | MoveNet, sets: dict[str, tuple[list[Person], int, int]], truth: Path
) -> dict[str, dict[str, Any]]:
    """A network's figures by column; people who are in several sets are read once."""
    read: dict[int, Answer] = {}
    found: dict[str, dict[str, Any]] = {}
    for column, (people, limbs, flag) in sets.items():
        fresh = [person for person in people if id(person) not in read]
        read |= {id(p): a for p, a in zip(fresh, answers(net, fresh), strict=True)}
        said = [read[id(person)] for person in people]
        if column == "coco AP":
            precision = average_precision(truth, said)
            found[column] = {"pck": precision.ap, **precision._asdict()}
        else:
            found[column] = pck(distances(people, said, limbs=limbs, flag=flag))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path)
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--only", choices=("slow", FLIPPED, "fast", "finder"), action="append")
    parser.add_argument("--movenet", type=Path, help="A .tflite file to run beside our networks.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folders = [options.media / name for name in COCO_SETS]
    first, *more = [coco(folder) for folder in folders]
    both = [*first, *(person for people in more for person in people)]
    sets = {
        "coco AP": (first, 1, 1),
        "coco, visible": (both, 10, 2),
        "coco, labelled": (both, 10, 1),
        "lspet": (lspet(options.media / "lspet"), 1, 1),
        "bonn": (bonn(options.media / BONN), 1, 1),
    }
    nets: dict[str, TopDown | FlipTest | MoveNet] = {}
    chosen = options.only or ("slow", FLIPPED, "fast", "finder")
    for role in (role for role in chosen if role != "finder"):
        net = zoo.topdown(role.split()[0], "cpu", options.weights)
        nets[role] = FlipTest(net, shift=1) if role == FLIPPED else net
    nets |= named(options.movenet, options.threads)
    result: dict[str, Any] = {}
    lines = [f"| network | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for name, net in nets.items():
        found = measure(net, sets, folders[0] / "person_keypoints.json")
        result |= {f"{name} {column}": figure for column, figure in found.items()}
        lines.append(_row(name, result))
        print(lines[-1], flush=True)
    lines += [f"| {name} | {' | '.join(recorded(name, COLUMNS))} |" for name in RECORDED]
    if "finder" in chosen:
        finder = zoo.finder("cpu", folder=options.weights, least_score=0.02)
        result["finder"] = finder_recall(finder, pictures(folders))
        as_used = zoo.finder("cpu", folder=options.weights)
        result["finder"] |= finder_gmacs(as_used, options.weights, pictures(folders))
    print("\n".join(["", *lines, "", json.dumps(result.get("finder")), "", *verdicts(result)]))
    if options.json:
        told = {"table": "\n".join(lines), "verdicts": verdicts(result)}
        write(options.json, {**result, "accuracy": told}, options.weights)


if __name__ == "__main__":
    main()
