"""What the scheme's fusions reach and cost, against the slow net, the fast net and other ways.

    python benchmarks/fusion.py [DIR/annotations/VIDEO.json ...] [--clips 20] [--json OUT.json]

The images that a PoseTrack18 file names lie in DIR, after which its columns are called; drawn clips
are those of `benchmarks/clips.py`. Everyone is read in the annotated boxes with the annotated
tracks; a track's keyframes come every `--interval` frames and are answered by the slow net in
every row but that of the fast net alone. PCK@0.2 is the share of the twelve limb keypoints within
0.2 of the torso, over all frames; hidden keypoints of drawn people do not count. `of slow` is a
row's share of the slow net's PCK on every frame. Then the difference to the slow net and to
`fast-only`, in brackets 95 % of 1,000 bootstrap draws of clips (of a single sequence, of its
people).

GMACs are those of the networks per person and frame, `models/cost.py`; the finder, flow and
filters come on top. What `gated` costs depends on who moves: it is of all people walked. Rows
without PCK have no weights to be measured with: the published transfer design is too dear to be
trained on a processor, and so is a small one (about a second a pair, forward and back).
`--transfer NAME=FILE` adds two-maps with another transfer net, `--weights DIR` takes another
family.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from clips import COUNT, clips
from figures import write
from intervals import Integers, interval
from prices import prices
from seen import annotated, drawn
from ways import FAST_ONLY, SLOW, Counted, Hits, Ways

from fspose_app.config import FUSION
from models import zoo

DEFAULT = FUSION
SHARE = 0.98  # of the slow net's PCK that the scheme is to keep
MOST_GMACS = 0.55  # per person and frame, that it may cost


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of PCK, and 95 % of its bootstrap draws."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One row on one set; `between` is the PCK on frames between keyframes alone."""

    pck: float
    between: float
    keypoints: int
    of_slow: float
    to_slow: Difference
    to_fast_only: Difference


@dataclass(frozen=True, slots=True)
class Row:
    """A way to answer: its networks' GMACs per person and frame, and its figures by set."""

    name: str
    gmacs: float
    sets: dict[str, Figures]


def figures(units: Sequence[Counted]) -> dict[str, Figures]:
    """Every row's figures from the counts of the units that are drawn for the intervals."""
    names = units[0].keys()
    right = {n: np.array([unit[n].right for unit in units]) for n in names}
    known = np.array([unit[SLOW].known for unit in units])

    def pck(name: str, rows: Integers) -> float:
        return float(right[name][rows].sum() / known[rows].sum())

    def difference(name: str, other: str) -> Difference:
        def gap(rows: Integers) -> float:
            return pck(name, rows) - pck(other, rows)

        return Difference(gap(every), *interval(gap, len(units)))

    every = np.arange(len(units))
    return {
        name: Figures(
            pck=pck(name, every),
            between=sum(u[name].right_between for u in units)
            / sum(u[name].known_between for u in units),
            keypoints=int(known.sum()),
            of_slow=pck(name, every) / pck(SLOW, every),
            to_slow=difference(name, SLOW),
            to_fast_only=difference(name, FAST_ONLY),
        )
        for name in names
    }


def added(parts: Sequence[Counted]) -> Counted:
    """The counts of a clip's tracks together."""
    total: Counted = {name: Hits() for part in parts for name in part}
    for part in parts:
        for name, hits in part.items():
            own = total[name]
            own.right, own.known = own.right + hits.right, own.known + hits.known
            own.right_between += hits.right_between
            own.known_between += hits.known_between
    return total


def table(rows: Sequence[Row], sets: Sequence[str]) -> str:
    """Markdown."""
    heads = [
        f"{name} {what}" for name in sets for what in ("PCK", "of slow", "to slow", "to fast-only")
    ]
    lines = [f"| answer | GMACs | {' | '.join(heads)} |", "|---" * (2 + len(heads)) + "|"]
    for row in rows:
        cells: list[str] = []
        for name in sets:
            found = row.sets.get(name)
            cells += ["-"] * 4 if found is None else _cells(found, row.name)
        lines.append(f"| {row.name} | {row.gmacs:.3f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cells(found: Figures, name: str) -> list[str]:
    differences = [
        "" if name == other else f"{d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
        for d, other in ((found.to_slow, SLOW), (found.to_fast_only, FAST_ONLY))
    ]
    return [f"{found.pck:.3f}", f"{found.of_slow:.3f}", *differences]


def verdicts(rows: Sequence[Row], sets: Sequence[str]) -> list[str]:
    """The scheme's promises, kept or not, for the fusion that is used by default."""
    (own,) = (row for row in rows if row.name == DEFAULT)
    price = "met" if own.gmacs <= MOST_GMACS else "NOT met"
    lines = [f"{DEFAULT} costs {own.gmacs:.3f} GMACs; <= {MOST_GMACS}: {price}"]
    for name in sets:
        mine = own.sets[name]
        kept = "met" if mine.of_slow >= SHARE else "NOT met"
        lines.append(
            f"{name}: {DEFAULT} keeps {mine.of_slow:.3f} of the slow net; >= {SHARE}: {kept}"
        )
        better = [
            f"{row.name} ({row.sets[name].pck:.3f})"
            for row in rows
            if row is not own
            and name in row.sets
            and row.gmacs <= own.gmacs
            and row.sets[name].pck >= mine.pck
        ]
        held = "met" if not better else "NOT met by " + ", ".join(better)
        lines.append(f"{name}: {DEFAULT} above every row of equal or lower cost: {held}")
    return lines


def named_file(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    return name, Path(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--weights", type=Path, default=zoo.BUNDLED)
    parser.add_argument("--transfer", type=named_file, action="append", default=[])
    parser.add_argument("--clips", type=int, default=COUNT)
    parser.add_argument("--interval", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    slow, fast = (zoo.topdown(role, "cpu", options.weights) for role in ("slow", "fast"))
    files = {"": None, **dict(options.transfer)}
    transfers = {
        name: zoo.warp("cpu", options.weights, checkpoint=file) for name, file in files.items()
    }
    ways = Ways(slow, fast, transfers, interval=options.interval)
    found: dict[str, dict[str, Figures]] = {}
    if options.clips:
        counted = []
        for name, tracks in drawn(clips(options.clips)):
            counted.append(added(ways.walk(tracks)))
            print(f"{name} walked", flush=True)
        found["drawn"] = figures(counted)
    for file in options.files:
        found[file.resolve().parents[1].name] = figures(ways.walk(annotated(file)))
    costs = prices(options.weights, files, every=options.interval, carried=ways.carried)
    rows = [
        Row(name, price, {key: part[name] for key, part in found.items() if name in part})
        for name, price in costs.items()
    ]
    print("\n" + table(rows, list(found)) + "\n")
    lines = verdicts(rows, list(found))
    print("\n".join(lines))
    if options.json:
        scheme = {
            "interval": options.interval,
            "default": DEFAULT,
            "clips": options.clips,
            "rows": [asdict(row) for row in rows],
            "verdicts": lines,
            "table": table(rows, list(found)),
        }
        write(options.json, {"scheme": scheme}, options.weights)


if __name__ == "__main__":
    main()
