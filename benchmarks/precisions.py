"""What bfloat16 and int8 cost in accuracy: `python benchmarks/precisions.py MEDIA_DIR`.

The slow and the fast network read annotated people in every precision, as in
`benchmarks/accuracy.py`: AP and PCK@0.2 on `coco_keypoints` (people with ten limb keypoints),
PCK@0.2 on `lspet`; the finder, with its boxes checked by the fast network in the same precision,
looks for the people of `coco_keypoints`, and the share is printed that it finds at a few false
boxes a picture; with `--packs`, also on those held-out pictures of the training packs that
`benchmarks/heldout.py` has. int8 is that of the bundled ranges, which were learnt from
`coco_val_more`, whose people are not among these. In brackets: the change against float32 in torch,
in points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import torch
from accuracy import COCO_SETS, coco, lspet, measure
from finding import LIMITS, Picture, finder_recall, pictures
from heldout import held_out_pictures

from data.errors import ConfigError
from data.training_packs import read_pictures
from models import zoo
from models.finder import CheckedFinder
from models.runtimes.base import Name, Precision, cores, installed
from models.runtimes.passes import placing
from models.topdown import TopDown

ROLES = ("slow", "fast", "finder")
COLUMNS = ("coco AP", "coco, labelled", "lspet")
FIRST: tuple[Name, Precision] = ("torch", "float32")
OTHERS: tuple[tuple[Name, Precision], ...] = (
    ("torch", "bfloat16"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
    ("onnx", "int8"),
)
LEAST_SCORE = 0.02  # of the finder's boxes, as in benchmarks/heldout.py
Door = TypeVar("Door", TopDown, CheckedFinder)


def in_precisions(door: Door, threads: int) -> Iterator[tuple[str, Door]]:
    """The network in every precision that there is here, float32 in torch first."""
    yield " ".join(FIRST), door
    for name, precision in OTHERS:
        if not installed(name):
            continue
        try:
            yield f"{name} {precision}", door.placed(placing(name, threads, precision))
        except ConfigError as error:  # a processor without bfloat16
            print(f"{name} {precision}: {error}")


def table(
    role: str,
    door: Door,
    figures: Callable[[Door], dict[str, float]],
    columns: tuple[str, ...],
    threads: int,
) -> None:
    """A row for every precision, `figures` being shares of 1."""
    print(f"\n| network | runtime | {' | '.join(columns)} |\n|{'---|' * (2 + len(columns))}")
    first: dict[str, float] = {}
    for label, placed in in_precisions(door, threads):
        found = figures(placed)
        first = first or found
        cells = [f"{100 * found[c]:.1f} ({100 * (found[c] - first[c]):+.1f})" for c in columns]
        print(f"| {role} | {label} | {' | '.join(cells)} |", flush=True)


def recall(shown: Callable[[], Iterable[Picture]]) -> Callable[[CheckedFinder], dict[str, float]]:
    """What finds people on these pictures, as shares at each limit."""

    def at_limits(finder: CheckedFinder) -> dict[str, float]:
        found = finder_recall(finder, shown())
        return {str(limit): found[f"recall_at_{limit}"] for limit in LIMITS}

    return at_limits


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path)
    parser.add_argument("--packs", type=Path, help="The training packs' folder.")
    parser.add_argument("--cache", type=Path, help="With --packs: folder of decoded pictures.")
    parser.add_argument("--only", choices=ROLES, action="append", help="One network.")
    parser.add_argument("--threads", type=int, default=cores())
    options = parser.parse_args()
    if (options.packs is None) != (options.cache is None):
        parser.error("--packs and --cache go together")
    torch.set_num_threads(options.threads)
    tested = options.media / COCO_SETS[0]
    people, sports = coco(tested), lspet(options.media / "lspet")
    sets = dict(zip(COLUMNS, [(people, 1, 1), (people, 10, 1), (sports, 1, 1)], strict=True))

    def pck(net: TopDown) -> dict[str, float]:
        found = measure(net, sets, tested / "person_keypoints.json")
        return {column: found[column]["pck"] for column in COLUMNS}

    wanted = options.only or ROLES
    for role in wanted:
        if role != "finder":
            table(role, zoo.topdown(role, "cpu"), pck, COLUMNS, options.threads)
    if "finder" not in wanted:
        return
    finder, columns = zoo.finder("cpu", least_score=LEAST_SCORE), tuple(map(str, LIMITS))
    table("finder", finder, recall(lambda: pictures([tested])), columns, options.threads)
    if options.packs is not None:
        packs = read_pictures(options.packs, options.cache)
        shown = recall(lambda: held_out_pictures(packs))
        table("finder, packs", finder, shown, columns, options.threads)


if __name__ == "__main__":
    main()
