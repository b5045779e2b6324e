"""What adaptive keyframes, their budgets and skipping cost, and how near they stay to the slow net.

    python benchmarks/adaptive.py [MEDIA_DIR] [--clips 4] [--standing 2] [--json OUT.json]

Every scheme follows the same people from raw frames: in drawn clips of the four kinds of
`benchmarks/clips.py`, in drawn clips of three who stand or move on the spot, and in the sequence of
MEDIA_DIR/annotated/bonn_posetrack. The finder is replaced by the annotated boxes, handed out when
the scheme searches, so that rows differ by what their schedule does and by nothing else; what it
would cost is not counted, `searches` is how often it would have looked.

GMAC/person is what slow, fast and transfer network really did, counted in their layers
(`models/cost.py`), by annotated person and frame. p50, p95 and max are GMACs of a frame, all its
people together, without each clip's first frame. `agrees` is the share of limb keypoints within
0.2 of the torso of what the slow net says when it reads everyone on every frame, `of own` the same
of those whom it reads as themselves then, `OKS` the mean OKS to it, PCK@0.2 the share near the
truth; who is not answered counts as wrong. Switches of identity are counted as
`benchmarks/tracking.py` does. Times are of this one run and compare rows only.

`--tuned` takes clips from the seeds on which settings may be chosen.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from clips import REPORTED, SIZE, TUNED, Clip, _staged, clips
from figures import write
from seen import BONN, Seen, media
from shots import Answers, Near, Shots, annotated, answers, drawn
from tracking import Watched, changes, people_events

from data.frame import Frame, FrameResult
from data.pose import Box
from data.synthetic.actor import Waypoint
from data.synthetic.presets import STAYING, someone
from fspose_app import adaptive, build
from fspose_app.config import TrackSettings
from models import cost, zoo
from models.topdown import TopDown
from models.warp import Warp
from pipelines.fast_slow import FastSlow
from pipelines.fusion import Gated
from pipelines.keyframes import Every, First
from pipelines.schedule import Adaptive
from pipelines.timing import no_clock

BUDGETS = (0.45, 0.36, 0.25)
REFERENCE = "every:1"
STANDING = 500  # added to the first seed
LIMIT = 1.5  # times fewer GMACs than every:16 at equal agreement
SAME = 0.002  # of agreement, OKS and PCK


@dataclass(frozen=True, slots=True)
class Handed:
    """Answers a search with the annotated boxes."""

    people: list[list[Seen]]
    searches: list[int]

    def find(self, frame: Frame) -> list[Box]:
        self.searches.append(frame.index)
        return [person.box for person in self.people[frame.index]]


@dataclass(slots=True)
class Tally:
    """One scheme's sums over clips; `costs` are of frames."""

    near: Near = field(default_factory=Near)
    frames: int = 0
    gmacs: float = 0.0
    seconds: float = 0.0
    switches: int = 0
    searches: int = 0
    costs: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        for name in Tally.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def row(self) -> dict[str, float]:
        low, high = np.percentile(self.costs, [50, 95])
        return {
            "GMAC/person": self.gmacs / self.near.people,
            **self.near.row(),
            "switches": self.switches,
            "p50": float(low),
            "p95": float(high),
            "max": max(self.costs),
            "searches": self.searches,
            "ms/person": 1000 * self.seconds / self.near.people,
        }


def standing(number: int, first_seed: int) -> Clip:
    """Three people who stand, or by turns move on the spot."""
    seed = first_seed + STANDING + number
    rng = np.random.default_rng(seed)
    moves = ["idle"] * 3 if number % 2 == 0 else [str(rng.choice(STAYING)) for _ in range(3)]
    places = ((-1.3, 5.5), (0.2, 6.5), (1.4, 5.0))
    actors = tuple(
        someone(rng, track, move, (Waypoint(0, x, distance),))
        for track, (move, (x, distance)) in enumerate(zip(moves, places, strict=True), 1)
    )
    return Clip(number, "staying" if number % 2 else "standing", _staged(rng, seed, actors))


def schemes(base: FastSlow, settings: TrackSettings) -> dict[str, FastSlow]:
    """Every row, by name."""
    slow, fast, warp = networks(base)
    price = adaptive.priced(1.0, settings, slow, fast, warp)
    own = replace(base, keyframes=First())
    found = {f"every:{n}": replace(base, keyframes=Every(n)) for n in (1, 8, 16, 32)}
    found["adaptive, nobody skipped"] = replace(own, adaptive=Adaptive(skip=0))
    found["adaptive, at most 1 skipped"] = replace(own, adaptive=Adaptive(skip=1))
    found["adaptive"] = replace(own, adaptive=Adaptive())
    for gmacs in BUDGETS:
        bounded = Adaptive(budget=replace(price, gmacs=gmacs))
        found[f"adaptive, budget {gmacs:g}"] = replace(own, adaptive=bounded)
    return found


def networks(scheme: FastSlow) -> tuple[TopDown, TopDown, Warp]:
    """The scheme's own, which run in torch."""
    slow, fast, fusion = scheme.slow, scheme.fast, scheme.fusion
    assert isinstance(slow, TopDown), slow
    assert isinstance(fast, TopDown), fast
    assert isinstance(fusion, Gated), fusion
    assert isinstance(fusion.transfer, Warp), fusion.transfer
    return slow, fast, fusion.transfer


def follow(scheme: FastSlow, shots: Shots) -> tuple[list[FrameResult], Tally]:
    """One clip through a scheme: its results, and what they cost."""
    finder = Handed(shots.people, [])
    tally = Tally(frames=len(shots.frames))
    results = []
    with ExitStack() as stack:
        nets = [net.network for net in networks(scheme)]
        counts = [stack.enter_context(cost.counted(net)) for net in nets]
        run, start, before = replace(scheme, finder=finder).begin(), time.perf_counter(), 0
        for frame in shots.frames:
            results.append(run.step(frame))
            done = sum(count.macs for count in counts)
            tally.costs.append((done - before) / cost.GIGA)
            before = done
        tally.seconds = time.perf_counter() - start
    tally.gmacs = before / cost.GIGA
    del tally.costs[0]
    tally.searches = len(finder.searches)
    tally.switches = len(changes(people_events(Watched(shots.truth, results, 0))))
    return results, tally


def table(tallies: dict[str, Tally]) -> str:
    """Markdown."""
    rows = {name: tally.row() for name, tally in tallies.items()}
    heads = list(next(iter(rows.values())))
    lines = [f"| scheme | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    forms = dict.fromkeys(("switches", "searches"), ".0f") | {"ms/person": ".1f", "max": ".2f"}
    forms |= {"p50": ".2f", "p95": ".2f"}
    for name, row in rows.items():
        cells = (f"{value:{forms.get(head, '.3f')}}" for head, value in row.items())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(tallies: dict[str, Tally]) -> str:
    """Whether `adaptive` costs so much less than every:16 at no less agreement, OKS and PCK."""
    base, own = tallies["every:16"].row(), tallies["adaptive"].row()
    factor = base["GMAC/person"] / own["GMAC/person"]
    lost = {name: own[name] - base[name] for name in ("agrees", "OKS", "PCK")}
    held = "met" if factor >= LIMIT and min(lost.values()) >= -SAME else "NOT met"
    return (
        f"adaptive costs {factor:.2f} times fewer GMACs than every:16, agreement "
        f"{lost['agrees']:+.3f}, OKS {lost['OKS']:+.3f}, PCK {lost['PCK']:+.3f}; wanted {LIMIT} "
        f"at equal ones: {held}"
    )


def every_clip(options: argparse.Namespace) -> Iterator[tuple[str, Shots]]:
    first = TUNED if options.tuned else REPORTED
    for clip in clips(options.clips, first):
        yield "moving", drawn(clip)
    for number in range(options.standing):
        yield "on the spot", drawn(standing(number, first))
    if options.media is not None:
        yield "bonn", annotated(options.media / BONN)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=media, nargs="?", help="Left out: drawn clips only.")
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--standing", type=int, default=2)
    parser.add_argument("--tuned", action="store_true")
    parser.add_argument("--only", nargs="*", default=[], help="Rows; left out: all.")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = TrackSettings(device="cpu", threads=options.threads)
    base, _ = build.pipeline(settings, build.wanted(settings), no_clock)
    assert isinstance(base, FastSlow), base
    rows = schemes(base, settings)
    if options.only:
        rows = {name: rows[name] for name in dict.fromkeys((REFERENCE, *options.only))}
    print(f"{SIZE[0]} x {SIZE[1]}, {options.threads} thread, in each set the scheme's own figures")
    sets: dict[str, dict[str, Tally]] = {}
    for of, shots in every_clip(options):
        sums = sets.setdefault(of, {name: Tally() for name in rows})
        slow: Answers = []
        for name, scheme in rows.items():
            results, tally = follow(scheme, shots)
            found = answers(results, shots)
            slow = slow or found  # the first row is the reference
            tally.near.judge(found, slow, shots)
            sums[name].add(tally)
        print(f"{shots.name}: {len(shots.frames)} frames", flush=True)
    together = {name: Tally() for name in rows}
    for sums in sets.values():
        for name, tally in sums.items():
            together[name].add(tally)
    told = {**sets, "all": together} if len(sets) > 1 else sets
    for name, sums in told.items():
        print(f"\n{name}:\n\n{table(sums)}\n")
        if not options.only:
            print(f"- {name}: {verdict(sums)}")
    if options.json:
        figures = {
            name: {row: tally.row() for row, tally in sums.items()} for name, sums in told.items()
        }
        write(options.json, {"adaptive": figures}, zoo.BUNDLED)


if __name__ == "__main__":
    main()
