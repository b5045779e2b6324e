"""The published chain from end to end on drawn people, with narrow networks that begin at nothing.

    python benchmarks/chain.py OUT_DIR [--short] [--seed 0]

Train the slow network, store its heatmaps, the same with the fast one, train the transfer network
on both databases, replay the scheme: all by `fspose` commands, which are printed as they run and
can be typed instead. Schedule, losses, targets and pairs are the published ones. Networks are
narrow, crops small and epochs few, so that it ends in minutes, and the learning rate is ten times
as high and more, because the published one is for networks that have learned before. The fast
network's crops do not vary, for its loss learns slowly; the slow one's do, but not with --short.
The table at the end says what the average precision of the drawn set's val half was before and
after; `chain.json` in OUT_DIR has the numbers.

On two cores: about four minutes, with --short about one and a half.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path

from fspose_app.cli import main

INTERVAL = 16


@dataclass(frozen=True, slots=True)
class Size:
    """How much is drawn, how long each network learns, and whether the slow one's crops vary."""

    sequences: int
    frames: int
    slow_epochs: int
    fast_epochs: int
    transfer_epochs: int
    augment: bool


LONG = Size(20, 18, slow_epochs=14, fast_epochs=8, transfer_epochs=3, augment=True)
SHORT = Size(10, 18, slow_epochs=9, fast_epochs=9, transfer_epochs=2, augment=False)

RUN = ("--device", "cpu", "--threads", 1)  # more get into one another's way on so small networks
SLOW = ("--width", 8, "--size", "96x128", "--batch-size", 8, "--lr", 1e-3)
FAST = ("--width", 16, "--size", "128x128", "--no-augment", "--batch-size", 8, "--lr", 2e-3)
TRANSFER = ("--width", 8, "--batch-size", 8, "--lr", 1e-3)


def fspose(*args: object) -> None:
    """Run one command in this process; SystemExit where it does not end well."""
    typed = [str(arg) for arg in args]
    print("$ fspose", *typed, flush=True)
    code = main(typed, standalone_mode=False)
    if code:
        raise SystemExit(f"fspose {typed[0]}: exit code {code}")


@dataclass(frozen=True, slots=True)
class Chain:
    """One walk in `folder`."""

    folder: Path
    size: Size
    seed: int

    @property
    def tree(self) -> Path:
        return self.folder / "posetrack"

    def annotations(self, split: str) -> Path:
        return self.tree / "annotations" / split

    def walk(self) -> dict[str, dict[str, float]]:
        """Average precision of the val half in per cent, by who answers, before and after."""
        size = self.size
        fspose(
            *("synth", self.tree, "--posetrack", "--seed", self.seed),
            *("--sequences", size.sequences, "--frames", size.frames),
        )
        for state in ("before", "after"):
            untaught = state == "before"
            varied = "--augment" if size.augment else "--no-augment"
            self.train("slow", state, 0 if untaught else size.slow_epochs, *SLOW, varied)
            self.store("slow", state, "val")
            self.train("fast", state, 0 if untaught else size.fast_epochs, *FAST)
            self.store("fast", state, "val")
        for net in ("slow", "fast"):
            self.store(net, "after", "train")
        epochs = {"before": 0, "after": size.transfer_epochs}
        return {state: self.taught(state, epochs[state]) for state in ("before", "after")}

    def taught(self, state: str, epochs: int) -> dict[str, float]:
        """Train the transfer network, replay everything, and read the scores."""
        databases = [self.database(net, "after", "train") for net in ("slow", "fast")]
        given = ("--heatmaps-slow", databases[0], "--heatmaps-fast", databases[1])
        self.train("transfer", state, epochs, *TRANSFER, *given, crops=False)
        return {
            "slow alone": self.replay(state, "slow", "--fusion", "fast-only", "--interval", 1),
            "fast alone": self.replay(
                *(state, "fast", "--fusion", "fast-only", "--interval", INTERVAL, "--as-published")
            ),
            "fused": self.replay(
                *(state, "fused", "--fusion", "two-maps", "--interval", INTERVAL),
                *("--weights", f"transfer={self.run('transfer', state) / 'final_state.pth'}"),
            ),
        }

    def run(self, net: str, state: str) -> Path:
        return self.folder / f"{net}-{state}"

    def database(self, net: str, state: str, split: str) -> Path:
        return self.folder / f"{net}-{state}-{split}.fsh"

    def train(
        self, net: str, state: str, epochs: int, *options: object, crops: bool = True
    ) -> None:
        images = ("--images", self.tree) if crops else ()
        fspose(
            *("train", net, "--recipe", "published", "--annotations", self.annotations("train")),
            *(*images, "--epochs", epochs, "--milestones", max(1, round(0.8 * epochs))),
            *(*options, "--seed", self.seed, *RUN, "-o", self.run(net, state)),
        )

    def store(self, net: str, state: str, split: str) -> None:
        weights = self.run(net, state) / "final_state.pth"
        fspose(
            *("heatmaps", "create", self.annotations(split), "--images", self.tree, "--net", net),
            *("--weights", f"{net}={weights}", *RUN),
            *("-o", self.database(net, state, split)),
        )

    def replay(self, state: str, name: str, *options: object) -> float:
        """Average precision over all keypoints by our rules, or the published ones if asked."""
        out = self.folder / f"scores-{name}-{state}"
        fspose(
            *("evaluate", "heatmaps", self.database("slow", state, "val")),
            *(self.database("fast", state, "val"), "--annotations", self.annotations("val")),
            *(*options, "--not-alone", *RUN, "-o", out),
        )
        outcome = json.loads((out / "scores.json").read_text(encoding="utf-8"))["outcomes"][-1]
        return float(outcome["metrics"]["ap"]["ap"][-1])

    def losses(self, net: str) -> list[float]:
        """The mean loss of every epoch."""
        with (self.run(net, "after") / "log.csv").open(encoding="utf-8") as file:
            return [float(row["loss"]) for row in csv.DictReader(file)]


def cli() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="A folder for everything.")
    parser.add_argument("--short", action="store_true", help="Fewer people and epochs.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chain = Chain(options.out, SHORT if options.short else LONG, options.seed)
    began, spent = time.monotonic(), time.process_time()
    scores = chain.walk()
    wall, cpu = time.monotonic() - began, time.process_time() - spent
    losses = {net: chain.losses(net) for net in ("slow", "fast", "transfer")}
    found = {"average precision": scores, "losses": losses, "seconds": wall, "cpu seconds": cpu}
    (options.out / "chain.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("\nAverage precision of the val half, per cent")
    for who, before in scores["before"].items():
        print(f"{who:12} {before:6.1f} before, {scores['after'][who]:6.1f} after")
    for net, each in losses.items():
        print(f"{net:12} loss {each[0]:.6f} in the first epoch, {each[-1]:.6f} in the last")
    print(f"{wall:.0f} seconds, {cpu:.0f} of CPU time")


if __name__ == "__main__":
    cli()
