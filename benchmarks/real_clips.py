"""What the schemes cost and keep on real clips that nobody annotated, and in the mean of the clips.

    python benchmarks/real_clips.py MEDIA_DIR [--json OUT.json]

Each clip of MEDIA_DIR/videos that `CLIPS` names is measured by a `fspose bench` of its own, on its
first 96 frames; what the columns are stands in docs/bench.md. Below the table come the quotients of
the means over the clips, and the mean of the clips' quotients of time, since clips differ in size.
About two minutes a clip on two quiet cores.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from figures import write
from pages import renewed

from models import zoo

CLIPS = (
    "multi_cam01.mp4",
    "people-walking.mp4",
    "video.avi",
    "ta_chi.mp4",
    "single_cam02.mp4",
    "bedroom.mp4",
)
BASE = "fast-slow"
SCHEMES = (BASE, "adaptive", "two-pass")
TABLE = """\
| clip | scheme | people | GMACs nets | x GMACs | x ms nets | x ms all | frames/s | PCK@0.2 | OKS |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
| a | `b` | 1.0 | 1.000 | 1.0 | 1.0 | 1.0 | 1.0 | 1.0 | 1.0 |
"""
Row = Mapping[str, Any]


def measured(clip: Path, options: Sequence[str]) -> list[Row]:
    """The rows of a clip, by one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "bench")
        command = (sys.executable, "-m", "fspose_app", "bench", clip, *options, "-o", out)
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        found = json.loads((out / "bench.json").read_text(encoding="utf-8"))
    return [
        {"clip": clip.name, **{name: value for name, value in row.items() if name != "counted"}}
        for row in found["schemes"]
        if row["scheme"] in SCHEMES
    ]


def mean(rows: Sequence[Row], scheme: str, name: str) -> float:
    """A column's mean over the clips."""
    values = [float(row[name]) for row in rows if row["scheme"] == scheme]
    return sum(values) / len(values)


def verdicts(rows: Sequence[Row]) -> list[str]:
    """Every scheme beside the first one, in the mean."""
    base = {row["clip"]: row for row in rows if row["scheme"] == BASE}
    lines = []
    for scheme in SCHEMES:
        own = [row for row in rows if row["scheme"] == scheme]
        speed = [row["frames_per_second"] / base[row["clip"]]["frames_per_second"] for row in own]
        names = ("gmacs_nets", "pck", "oks", "hrnet_gmacs", "hrnet_ms_all")
        gmacs, pck, oks, cheaper, quicker = (mean(rows, scheme, name) for name in names)
        saved = mean(rows, BASE, "gmacs_nets") / gmacs
        lines.append(
            f"{scheme}: {gmacs:.3f} GMACs, {saved:.2f} times fewer than {BASE}, "
            f"{sum(speed) / len(speed):.2f} times its frames/s; PCK {pck:.1f}, OKS {oks:.1f}; "
            f"HRNet-W32 takes {cheaper:.1f} times the GMACs and {quicker:.1f} times the time"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=Path)
    parser.add_argument("--runtime", default="openvino")
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--frames", default="96")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    asked = ["--schemes", ",".join(SCHEMES)]
    for name in ("runtime", "precision", "threads", "frames"):
        asked += [f"--{name}", getattr(options, name)]
    clips = [next(options.media.glob(f"videos/*/{name}"), None) for name in CLIPS]
    if None in clips:
        missing = CLIPS[clips.index(None)]
        parser.error(f"There is no {missing} in a folder of {options.media / 'videos'}.")
    rows: list[Row] = []
    for clip in filter(None, clips):
        rows += measured(clip, asked)
        print(f"{clip.name} measured", flush=True)
    print(f"\n{renewed(TABLE, rows)}")
    print("\n".join(f"- {line}" for line in verdicts(rows)))
    if options.json:
        write(options.json, {"real": rows}, zoo.BUNDLED)


if __name__ == "__main__":
    main()
