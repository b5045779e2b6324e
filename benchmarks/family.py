"""Every figure, picture and card of the bundled family anew, by one command.

    python benchmarks/family.py MEDIA_DIR [--checkpoints DIR ...] --out FIGURES [--resume]

Run it after new weights are exported to `models/bundled`. In turn: `accuracy.py`, `fusion.py` and
`tracking.py` on MEDIA_DIR and the drawn clips, each of which leaves a JSON file in FIGURES;
`failures.py`, which draws `docs/failures/*.jpg`; `python -m models.training.cards`, which writes
the cards beside the weights; and `docs/figures.md`, the tables. The folders of --checkpoints, a
new round of training each, hold ROLE/checkpoint.pt and perhaps ROLE.log. With --resume JSON files
are kept that were measured with the present weights. No figure is a time, so --jobs 2 may use two
cores, with which it takes about twelve minutes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from seen import BONN, media

from models import zoo

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "figures.md"
STEPS = ("accuracy", "fusion", "tracking")


def fresh(file: Path) -> bool:
    """Whether a file's figures are of the bundled weights."""
    if not file.exists():
        return False
    measured = json.loads(file.read_text(encoding="utf-8")).get("weights", {})
    return bool(measured == {model.name: model.sha256 for model in zoo.bundled()})


def run(*command: str | Path) -> None:
    print("$", *command, flush=True)
    subprocess.run([sys.executable, *map(str, command)], check=True)


def page(folder: Path) -> str:
    """The tables as a page of the documentation."""
    found = {
        step: json.loads((folder / f"{step}.json").read_text(encoding="utf-8")) for step in STEPS
    }
    accuracy, scheme = found["accuracy"]["accuracy"], found["fusion"]["scheme"]
    tracking, finder = found["tracking"]["tracking"], found["accuracy"]["finder"]
    return f"""# Figures of the bundled family

Written by `python benchmarks/family.py MEDIA_DIR --checkpoints DIR`; not edited by hand. What the
rows mean stands at the head of each script. In brackets: 95 % of bootstrap draws.

## On annotated boxes

`python benchmarks/accuracy.py MEDIA_DIR`; MoveNet's figures were recorded once with its int8 file.

{accuracy["table"]}

The finder reaches {finder["recall_at_0.5"]:.3f} of the people over 96 px with half a false box a
picture; it costs {finder["gmacs"]:.3f} GMACs a picture, with the fast net's look into
{finder["checked_boxes"]:.1f} boxes {finder["gmacs_with_checks"]:.3f}.

{_list(accuracy["verdicts"])}

## The scheme, and what it is to beat

`python benchmarks/fusion.py VIDEO.json`: a keyframe every {scheme["interval"]} frames,
{scheme["clips"]} drawn clips and the Bonn sequence.

{scheme["table"]}

{_list(scheme["verdicts"])}

## Following people from raw frames

`python benchmarks/tracking.py MEDIA_DIR`: as `fspose track --causal` follows them, frame by frame;
[two passes](two-pass.md), the default for files, have figures of their own.

{tracking["table"]}

{_list([tracking["verdict"]])}

## Where they fail

Drawn people, by `python benchmarks/failures.py`: green is the truth, red what the network says,
blue what the slow network says where the fusion is shown.

{_pictures()}
"""


def _pictures() -> str:
    there = sorted((PAGE.parent / "failures").glob("*.jpg"))
    return "\n\n".join(f"{path.stem}:\n\n![]({path.relative_to(PAGE.parent)})" for path in there)


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("media", type=media)
    parser.add_argument("--checkpoints", type=Path, nargs="+", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--clips", default="20")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--jobs", type=int, default=1, help="Scripts at a time.")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    files = {step: options.out / f"{step}.json" for step in STEPS}
    places: dict[str, list[str | Path]] = {
        "accuracy": [options.media],
        "fusion": [options.media / BONN, "--clips", options.clips],
        "tracking": [options.media, "--clips", options.clips],
    }
    threads = ["--threads", options.threads]
    orders: list[list[str | Path]] = [
        [HERE / f"{step}.py", *places[step], *threads, "--json", file]
        for step, file in files.items()
        if not (options.resume and fresh(file))
    ]
    orders.append([HERE / "failures.py", "--clips", options.clips, *threads])
    with ThreadPoolExecutor(max(options.jobs, 1)) as pool:
        try:
            for done in [pool.submit(run, *order) for order in orders]:
                done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what waits would take an hour
            raise
    rounds = ["--checkpoints", *options.checkpoints] if options.checkpoints else []
    run("-m", "models.training.cards", *rounds, "--figures", *files.values())
    PAGE.write_text(page(options.out), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
