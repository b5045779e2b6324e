"""Model cards of the bundled family; every figure comes from a file that a command wrote.

python benchmarks/family.py MEDIA_DIR --checkpoints DIR [DIR ...]

is the whole way; its last step is

python -m models.training.cards --checkpoints DIR [DIR ...] --figures FILE.json [FILE.json ...]

Commands are quoted from docs/training.md, steps and minutes from the checkpoints, last words from
the logs beside them, multiply-adds are counted, hashes read. Checkpoints are large and stay where
they were made, so `rounds.json` beside the weights keeps what each said: only the rounds that are
new since then need --checkpoints.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from data.errors import WeightsError
from models import cost, zoo
from models.training import card_figures

ROOT = Path(__file__).parents[2]
COMMANDS = ROOT / "docs" / "training.md"
FAILURES = Path("docs", "failures")
ROUNDS = "rounds.json"

LSPET = (
    "Leeds Sports Pose Extended (Johnson and Everingham, CVPR 2011), pictures 1 to 9500: no "
    "licence stated beyond a request to cite the paper; the photographs belong to their Flickr "
    "authors. Research only."
)
COCO = (
    "COCO 2017 keypoint annotations (CC BY 4.0, COCO consortium) on pictures from Flickr, one "
    "licence per picture, non-commercial ones among them. Research only."
)
VOC = 'PASCAL VOC 2012 pictures from Flickr, "flickr" terms of the data set. Research only.'
JHMDB = (
    "JHMDB (Jhuang et al., ICCV 2013), short clips with weak joints; frames from HMDB51, films and "
    "YouTube. Research only."
)
DRAWN = "The project's own synthetic people (`data/synthetic`), Apache-2.0."

PURPOSE = {
    "finder": "Finds people: boxes on a whole picture.",
    "slow": "Reads the keypoints of a person's crop on keyframes: an HRNet of reduced width.",
    "fast": "Reads the keypoints of a person's crop between keyframes: a U of plain convolutions.",
    "transfer": "Carries a keyframe's heatmaps to the present frame: one flow per keypoint.",
}
UNIT = {
    "finder": "square picture, the dearest, without the fast net's look into each box",
    "slow": "person",
    "fast": "person",
    "transfer": "person",
}
DATA = {
    "finder": (COCO, VOC, LSPET, DRAWN),
    "slow": (COCO, LSPET, DRAWN),
    "fast": (COCO, LSPET, DRAWN),
    "transfer": (
        "Maps that the slow and the fast net made of people in the sets below.",
        COCO,
        LSPET,
        JHMDB,
        DRAWN,
    ),
}
RECIPE = {
    "finder": (
        "`python -m models.training.finder`: first the slow net's trunk as it was after an hour, "
        "frozen for six tenths of the time; then everything, in a second round. Quality focal loss "
        "and generalised IoU loss; people of COCO's train2017 pictures without complete boxes "
        "never count as background. The trunk has therefore seen Leeds Sports Pose Extended too. "
        "In use the fast net reads every box, and its score counts (`CheckedFinder`). Input side, "
        "overlap and scores were chosen on the packs' held-out pictures."
    ),
    "slow": (
        "`python -m models.training.pose slow`: cross-entropy over the map's cells and one "
        "`nowhere` cell, from random numbers, in rounds of growing crops, up to 192 x 256; a few "
        "crops show nobody; two thirds of the people do sports from the second round on."
    ),
    "fast": (
        "`python -m models.training.pose fast`: cross-entropy over the map's cells and one "
        "`nowhere` cell, from random numbers, crops of 96 x 128, then 128 x 160; a "
        "few crops show nobody. From the second round on half of the loss is the cross-entropy to "
        "what an earlier slow net says."
    ),
    "transfer": (
        "`python -m models.training.transfer`: pairs of frames of clips, real and drawn, and still "
        "pictures whose maps are moved as random limb motion would have it; squared distance of "
        "the two-maps fusion to the Gaussians of the present frame, or where its joints are only "
        "weak to what the slow net says of it."
    ),
}


HOW = (
    "AdamW, cosine schedule, running average of the weights. Minutes are those of one CPU thread "
    "beside other work."
)
_TIME = re.compile(r"^\d\d:\d\d:\d\d\s+")


@dataclass(frozen=True, slots=True)
class Round:
    """How a network learned in one round: minutes of one thread beside other work, and steps.

    `said` is the last line of its log, empty where there is none.
    """

    minutes: float
    steps: int
    said: str = ""

    @classmethod
    def of(cls, folder: Path, role: str) -> Round | None:
        """From `ROLE/checkpoint.pt` and `ROLE.log` in a folder; None where it has no checkpoint."""
        file, log = folder / role / "checkpoint.pt", folder / f"{role}.log"
        if not file.exists():
            return None
        state = torch.load(file, weights_only=True, mmap=True)
        lines = log.read_text(encoding="utf-8").split("\n") if log.exists() else []
        said = [" ".join(_TIME.sub("", line).split()) for line in lines if line.strip()]
        return cls(state["spent"] / 60, state["step"], said[-1] if said else "")


def continued(file: Path, folders: Sequence[Path], roles: Sequence[str]) -> dict[str, list[Round]]:
    """Every role's rounds: those that the file knows, then new ones in the folders.

    Steps tell rounds apart, as the file's first minutes were rounded. WeightsError for a folder
    without a checkpoint: its round would be missing from the cards.
    """
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    rounds = {role: [Round(**own) for own in known.get(role, [])] for role in roles}
    for folder in folders:
        found = {role: Round.of(folder, role) for role in roles}
        if not any(found.values()):
            raise WeightsError(f"{folder} holds no ROLE/checkpoint.pt of {', '.join(roles)}.")
        for role, own in found.items():
            if own is not None and own.steps not in [other.steps for other in rounds[role]]:
                rounds[role].append(own)
    return rounds


def keep(file: Path, rounds: Mapping[str, Sequence[Round]]) -> None:
    """Writes what `continued` reads."""
    told = {role: [asdict(own) for own in each] for role, each in rounds.items()}
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def commands(role: str, text: str) -> list[str]:
    """The lines of a page's shell blocks that train a role of the family, in order."""
    module = role if role in ("finder", "transfer") else f"pose {role}"
    starts = (f"python -m models.training.{module} ", f"fspose train {role} ")
    _, _, own = text.partition("## How the embedded family was trained")
    return [line for line in own.split("\n") if line.startswith(starts)]


def card(
    model: zoo.BundledModel,
    rounds: Sequence[Round],
    figures: Mapping[str, Any],
    *,
    orders: Sequence[str] = (),
    has_picture: bool = False,
) -> str:
    """The text of a card; `orders` are the commands that trained the network."""
    reads = ", ".join(f"{key} {value}" for key, value in model.description.input.items())
    data = "\n".join(f"- {line}" for line in DATA[model.role])
    told = "\n".join(f"- round {number}: {_learnt(own)}" for number, own in enumerate(rounds, 1))
    shell = "\n".join(("```sh", *orders, "```")) if orders else "No command is recorded."
    picture = f"../../{(FAILURES / model.role).as_posix()}.jpg"
    failures = f"""
## Where it fails

The worst of the drawn people, by `benchmarks/failures.py`:

![green is the truth]({picture})
"""
    return f"""# {model.name}

{PURPOSE[model.role]}

| | |
|---|---|
| parameters | {model.parameters:,}, half precision on disk, {model.bytes / 1e6:.2f} MB |
| cost | {cost.gmacs(model):.3f} GMACs a {UNIT[model.role]} |
| input | {reads} |
| SHA-256 | {model.sha256 or "not recorded"} |

## Data, and what its licences mean

{data}

The weights are to be labelled as their data: for research. fspose's code is Apache-2.0.

## Recipe

{RECIPE[model.role]} {HOW}

{told}

{shell}

## Figures

{card_figures.section(model.role, figures)}
{failures if has_picture else ""}"""


def _learnt(own: Round) -> str:
    log = f"; the log ends with `{own.said}`" if own.said else ""
    return f"{own.steps:,} steps in {own.minutes:.0f} minutes{log}"


def merged(files: Sequence[Path], family: Sequence[zoo.BundledModel]) -> dict[str, Any]:
    """The figures of several files; WeightsError where one is of other weights than these."""
    figures: dict[str, Any] = {}
    own = {model.name: model.sha256 for model in family}
    for file in files:
        found = json.loads(file.read_text(encoding="utf-8"))
        other = [name for name, sha256 in found.pop("weights", {}).items() if own[name] != sha256]
        if other:
            raise WeightsError(
                f"{file} was measured with another {other[0]}. Run benchmarks/family.py again."
            )
        figures |= found
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        nargs="+",
        default=[],
        help="New rounds, in order; they hold ROLE/checkpoint.pt.",
    )
    parser.add_argument("--figures", type=Path, nargs="+", required=True, help="JSON files.")
    options = parser.parse_args()
    family = zoo.bundled()
    figures = merged(options.figures, family)
    page = COMMANDS.read_text(encoding="utf-8")
    file = zoo.BUNDLED / ROUNDS
    rounds = continued(file, options.checkpoints, [model.role for model in family])
    keep(file, rounds)
    for model in family:
        text = card(
            model,
            rounds[model.role],
            figures,
            orders=commands(model.role, page),
            has_picture=(ROOT / FAILURES / f"{model.role}.jpg").exists(),
        )
        path = model.path.with_suffix(".md")
        path.write_text(text, encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
