"""What bfloat16 and int8 cost in accuracy: `python benchmarks/precisions.py MEDIA_DIR`.

The slow and the fast network read annotated people in every precision, as in
`benchmarks/accuracy.py`: AP and PCK@0.2 on `coco_keypoints` (people with ten limb keypoints),
PCK@0.2 on `lspet`. int8 is exported as `fspose export --precision int8` does it, its ranges learnt
from people that the finder sees on `coco_val_more`, who are not among those. In brackets: the
change against float32 in torch, in points; `moved` is how far sure keypoints moved in the mean, in
pixels of the map, when the int8 file was written.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
from accuracy import COCO_SETS, coco, lspet, measure

from data.errors import ConfigError
from fspose_app import build, export_samples
from fspose_app.config import ExportSettings
from models.runtimes import files
from models.runtimes.base import Name, Precision, cores, installed
from models.runtimes.handed import opener, topdown
from models.runtimes.passes import placing
from models.runtimes.whole import of_topdown
from models.topdown import TopDown

ROLES = ("slow", "fast")
COLUMNS = ("coco AP", "coco, labelled", "lspet")
FIRST: tuple[Name, Precision] = ("torch", "float32")
OTHERS: tuple[tuple[Name, Precision], ...] = (
    ("torch", "bfloat16"),
    ("openvino", "bfloat16"),
    ("openvino", "int8"),
    ("onnx", "int8"),
)


def in_precisions(
    net: TopDown, learnt_from: export_samples.Pictures, threads: int, folder: Path
) -> Iterator[tuple[str, TopDown]]:
    """The network in every precision that there is here, float32 in torch first."""
    yield " ".join(FIRST), net
    path = folder / "net.onnx"
    drift = files.write(path, "onnx", "net", of_topdown(net, learnt_from), threads, "int8")
    for name, precision in OTHERS:
        if not installed(name):
            continue
        try:
            if precision == "int8":
                placed = topdown(path, opener(name, threads, precision))
            else:
                placed = net.placed(placing(name, threads, precision))
        except ConfigError as error:  # a processor without bfloat16
            print(f"{name} {precision}: {error}")
            continue
        note = f" (moved {drift.moved_mean:.2f})" if precision == "int8" else ""
        yield f"{name} {precision}{note}", placed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path)
    parser.add_argument("--threads", type=int, default=cores())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    tested, learnt = (options.media / name for name in COCO_SETS)
    people, sports = coco(tested), lspet(options.media / "lspet")
    sets = dict(zip(COLUMNS, [(people, 1, 1), (people, 10, 1), (sports, 1, 1)], strict=True))
    want = build.wanted(ExportSettings())
    pictures = export_samples.of_images([str(learnt / "images")], want.finder().find)
    print(f"| network | runtime | {' | '.join(COLUMNS)} |\n|{'---|' * (2 + len(COLUMNS))}")
    for role in ROLES:
        first: dict[str, float] = {}
        with tempfile.TemporaryDirectory() as folder:
            nets = in_precisions(want.net(role), pictures, options.threads, Path(folder))
            for label, net in nets:
                found = measure(net, sets, tested / "person_keypoints.json")
                scores = {column: found[column]["pck"] for column in COLUMNS}
                first = first or scores
                cells = [
                    f"{100 * scores[c]:.1f} ({100 * (scores[c] - first[c]):+.1f})" for c in scores
                ]
                print(f"| {role} | {label} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
