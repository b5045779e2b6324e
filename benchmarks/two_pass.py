"""Two passes over a file against the causal stream: speed, cost, agreement, identities, jitter.

    python benchmarks/two_pass.py [MEDIA_DIR] [--clips 8] [--threads 2] [--json OUT.json]

Both follow the same frames end to end, the finder included, in one process and clip by clip in
turn, so the ratio of their frames per second holds where the machine's own speed does not; frames
per second of processor time stand beside it, which other programs disturb less. Drawn clips are
those of `benchmarks/clips.py`; MEDIA_DIR/annotated/bonn_posetrack is the real one.

GMAC/person is what slow, fast and transfer network really did by annotated person and frame; `with
finder` has the finder and its checks too. `agrees` is the share of limb keypoints within 0.2 of
the torso of what the slow net says in the annotated box on every frame, `of own` the same of those
whom it reads as themselves there (not as the one who stands in front), `OKS` the mean OKS to it,
PCK@0.2 the share near the truth; who is not answered counts as wrong, so that whoever finds more
people gains. MOTA, IDF1 and switches are those of `benchmarks/tracking.py`. `jitter` is the mean
change of a limb keypoint's velocity from frame to frame, in thousandths of the torso; the truth's
own is printed below. `between` is the share of answers on frames that no network read.

The causal stream has the fusion `gated`, and those that it chooses from beside it. Two passes read
by the fast network alone; there `two-maps` carries the maps of the keyframes on both sides to
every reading, and `read less` also halves fewer distances between readings (a tolerance of 0.03
instead of 0.02), for about the same time as two passes without the transfer network.

`--tuned` takes clips from the seeds on which settings may be chosen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from clips import REPORTED, SIZE, TUNED, clips
from figures import write
from seen import BONN, media
from shots import LEAST_IOU, Near, Shots, annotated, answers, drawn, jitter, on_boxes
from torch import nn
from tracking import Watched, figures

from data.pose import Pose
from data.skeleton import FSPOSE_19
from fspose_app import build, passes
from fspose_app.config import TrackSettings
from models import cost, zoo
from models.metering import CHECKS, FINDER, Meter
from pipelines.fast_slow import FastSlow
from pipelines.fusion import FastOnly, Gated, TwoMaps
from pipelines.one_euro import Smoothed
from pipelines.people import FromDetector
from pipelines.pipeline import LatePipeline, Pipeline
from pipelines.smoothing import Smoothing
from pipelines.timing import no_clock

CAUSAL, TWO = "every:16", "two passes"
WANTED = 1.5  # times the causal stream's frames per second
Way = Pipeline | LatePipeline


@dataclass(slots=True)
class Tally:
    """One scheme's sums over clips."""

    frames: int = 0
    wall: float = 0.0
    processor: float = 0.0
    nets: float = 0.0
    finder: float = 0.0
    near: Near = field(default_factory=Near)
    shown: int = 0
    between: int = 0
    jitter: list[tuple[float, float]] = field(default_factory=list)
    watched: list[Watched] = field(default_factory=list)

    def row(self) -> dict[str, float]:
        found = figures(self.watched, FSPOSE_19)[-1]
        return {
            "frames/s": self.frames / self.wall,
            "by processor": self.frames / self.processor,
            "GMAC/person": self.nets / self.near.people,
            "with finder": (self.nets + self.finder) / self.near.people,
            **self.near.row(),
            "MOTA": found.mota,
            "IDF1": found.idf1,
            "switches": found.switches,
            "jitter": 1000 * float(np.nanmean(self.jitter, 0)[0]),
            "between": self.between / max(self.shown, 1),
        }


def schemes(base: FastSlow, settings: TrackSettings, meter: Meter) -> dict[str, Way]:
    """Every row by name, all with the same networks, whose passes the meter counts."""

    def counted(role: str, net: zoo.TopDown) -> zoo.TopDown:
        return net.placed(meter.placing(role, _as_it_is))

    assert isinstance(base.fusion, Gated)
    finder = zoo.finder("cpu", settings.family or zoo.BUNDLED)
    warp = base.fusion.transfer.placed(meter.placing("transfer", _as_it_is))
    causal = replace(
        base,
        finder=FromDetector(finder.placed(meter.placing(FINDER, _as_it_is)).find),
        slow=counted("slow", base.slow),
        fast=counted("fast", base.fast),
        fusion=replace(base.fusion, transfer=warp),
    )
    assert passes.TWO_PASS_FUSION == "fast-only"
    plain = replace(causal, fusion=FastOnly("smooth", base.fusion.fast_peak))
    merging = replace(causal, fusion=TwoMaps(warp, "smooth", base.fusion.fast_peak))
    two = passes.two_pass(plain, settings, no_clock)
    carrying = replace(two, transfer=warp)
    return {
        CAUSAL: causal,
        f"{CAUSAL}, two-maps": merging,
        f"{CAUSAL}, fast-only": plain,
        f"{CAUSAL}, One-Euro": Smoothed(pipeline=causal),
        TWO: two,
        f"{TWO}, not smoothed": replace(two, smoothing=Smoothing(cutoff=None)),
        f"{TWO}, nobody left out": replace(two, rhythm=replace(two.rhythm, tolerance=0.0)),
        f"{TWO}, two-maps": carrying,
        f"{TWO}, two-maps, read less": replace(
            carrying, rhythm=replace(two.rhythm, tolerance=0.03)
        ),
    }


def _as_it_is(network: nn.Module, _: object = None) -> nn.Module:
    return network


def follow(scheme: Way, shots: Shots, meter: Meter, slow: Sequence[Sequence[Pose]]) -> Tally:
    """One clip through a scheme."""
    meter.reset()
    start, busy = time.perf_counter(), time.process_time()
    results = list(scheme(iter(shots.frames)))
    tally = Tally(
        frames=len(shots.frames),
        wall=time.perf_counter() - start,
        processor=time.process_time() - busy,
    )
    for role, counted in meter.passes().items():
        gmacs = counted.macs / cost.GIGA
        if role in (FINDER, CHECKS):
            tally.finder += gmacs
        else:
            tally.nets += gmacs
    origins = [origin for result in results for origin in result.origins]
    tally.shown, tally.between = len(origins), origins.count("between")
    found = answers(results, shots)
    tally.near.judge(found, slow, shots)
    tally.jitter = jitter(found, shots)
    tally.watched.append(Watched(shots.truth, results, 0).bare())
    return tally


def table(rows: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    heads = list(next(iter(rows.values())))
    lines = [f"| scheme | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    forms = dict.fromkeys(("frames/s", "by processor", "MOTA", "IDF1"), ".1f")
    forms |= {"switches": ".0f", "jitter": ".0f", "between": ".2f"}
    for name, row in rows.items():
        cells = (f"{value:{forms.get(head, '.3f')}}" for head, value in row.items())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdicts(rows: dict[str, dict[str, float]]) -> list[str]:
    """What two passes are to reach."""
    causal, two = rows[CAUSAL], rows[TWO]
    lines = []
    for head in ("frames/s", "by processor"):
        ratio = two[head] / causal[head]
        held = "met" if ratio >= WANTED else "NOT met"
        lines.append(f"{ratio:.2f} times the causal stream's {head}; >= {WANTED}: {held}")
    for head in ("agrees", "OKS", "PCK"):
        held = "met" if two[head] > causal[head] else "NOT met"
        lines.append(f"{head} {two[head]:.3f} against {causal[head]:.3f}; better: {held}")
    return lines


def every_clip(options: argparse.Namespace) -> Iterator[tuple[str, Shots]]:
    for clip in clips(options.clips, TUNED if options.tuned else REPORTED):
        yield "drawn", drawn(clip)
    if options.media is not None:
        yield "bonn", annotated(options.media / BONN)


def added(total: Tally, part: Tally) -> None:
    for name in Tally.__dataclass_fields__:
        setattr(total, name, getattr(total, name) + getattr(part, name))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=media, nargs="?", help="Left out: drawn clips only.")
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="More rows than the two; all, empty.")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = TrackSettings(device="cpu", threads=options.threads, two_pass=True)
    base, _ = build.pipeline(settings, build.wanted(settings), no_clock)
    assert isinstance(base, FastSlow), base
    meter = Meter()
    rows = schemes(base, settings, meter)
    if options.only:
        rows = {name: rows[name] for name in dict.fromkeys((CAUSAL, TWO, *options.only))}
    print(f"{SIZE[0]} x {SIZE[1]}, {options.threads} threads, boxes meet at IoU {LEAST_IOU}")
    sets: dict[str, dict[str, Tally]] = {}
    for name_of_set, shots in every_clip(options):
        slow = on_boxes(base.slow, shots)
        sums = sets.setdefault(name_of_set, {name: Tally() for name in rows})
        for name, scheme in rows.items():
            added(sums[name], follow(scheme, shots, meter, slow))
        print(f"{shots.name}: {len(shots.frames)} frames", flush=True)
    told: dict[str, object] = {}
    for name, sums in sets.items():
        found = {row: tally.row() for row, tally in sums.items()}
        lines = verdicts(found)
        still = 1000 * float(np.nanmean(sums[TWO].jitter, 0)[1])
        print(f"\n{name}:\n\n{table(found)}\n\nthe truth's own jitter: {still:.0f}\n")
        print("\n".join(f"- {line}" for line in lines), flush=True)
        told[name] = {"rows": found, "verdicts": lines, "jitter of the truth": still}
    if options.json:
        write(options.json, {"two_pass": told}, settings.family or zoo.BUNDLED)


if __name__ == "__main__":
    main()
