"""Model cards of the bundled family; every figure comes from a file that a command wrote.

python benchmarks/accuracy.py MEDIA_DIR --json accuracy.json
python -m models.training.cards --checkpoints DIR [DIR ...] --figures accuracy.json
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models import zoo

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
        "`nowhere` cell, from random numbers, in three rounds of growing crops, up to 192 x 256; a "
        "few crops show nobody; two thirds of the people do sports from the second round on."
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


@dataclass(frozen=True, slots=True)
class Learnt:
    """How long a network learned: minutes of one thread beside other work, and steps."""

    minutes: float
    steps: int

    @classmethod
    def of(cls, folders: Sequence[Path]) -> Learnt:
        """All rounds of a network, each with its checkpoint."""
        files = [folder / "checkpoint.pt" for folder in folders]
        states = [torch.load(file, weights_only=True) for file in files if file.exists()]
        return cls(sum(s["spent"] for s in states) / 60, sum(s["step"] for s in states))


def card(model: zoo.BundledModel, learnt: Learnt, figures: Mapping[str, Any]) -> str:
    """The text of a card."""
    reads = ", ".join(f"{key} {value}" for key, value in model.description.input.items())
    data = "\n".join(f"- {line}" for line in DATA[model.role])
    return f"""# {model.name}

{PURPOSE[model.role]} {model.parameters:,} parameters, half precision on disk. Input: {reads}.

## Data, and what its licences mean

{data}

The weights are to be labelled as their data: for research. fspose's code is Apache-2.0.

## Recipe

{RECIPE[model.role]} AdamW, cosine schedule, running average of the weights.
{learnt.steps:,} steps in {learnt.minutes:.0f} minutes of one CPU thread beside other work.

## Figures

{_figures(model.role, figures)}
"""


def _figures(role: zoo.Role, figures: Mapping[str, Any]) -> str:
    own = {name: value for name, value in figures.items() if name.split()[0] == role}
    if not own:
        return "What the fusions make of it stands in docs/benchmarks.md."
    lines = ["`python benchmarks/accuracy.py MEDIA_DIR`, first generation:", ""]
    for name, value in own.items():
        if role == "finder":
            lines.append("- people over 96 px tall found at an IoU of 0.5:")
            lines += [
                f"  {value[f'recall_at_{most}']:.3f} at no more than {most:g} false boxes a picture"
                for most in (0.25, 0.5, 1.0)
            ]
            lines.append(f"- {value['people']} people on {value['pictures']} COCO pictures")
        else:
            span = f"[{value['low']:.3f}, {value['high']:.3f}]"
            where = name.split(maxsplit=1)[1]
            score = f"{value['pck']:.3f} {span}"
            lines.append(f"- PCK@0.2, {where}: {score}, {value['people']} people")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--checkpoints", type=Path, nargs="+", required=True, help="Hold ROLE/checkpoint.pt."
    )
    parser.add_argument("--figures", type=Path, required=True, help="What accuracy.py wrote.")
    options = parser.parse_args()
    figures = json.loads(options.figures.read_text(encoding="utf-8"))
    for model in zoo.bundled():
        learnt = Learnt.of([folder / model.role for folder in options.checkpoints])
        path = model.path.with_suffix(".md")
        path.write_text(card(model, learnt, figures), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
