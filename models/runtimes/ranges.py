"""Ranges: between which values a network's tensors lie, learnt once and kept beside its weights.

int8 has 256 steps, so every tensor needs to know what they are for. `NAME.ranges.json` beside
`NAME.safetensors` says it, and for which weights. No torch in this file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data.errors import WeightsError
from models import archives

FORM = 1  # of the file: of its fields, and of the graph whose tensors it names
SUFFIX = ".ranges.json"
DIGITS = 6
MEND = "Learn them again with fspose export --to ranges, or remove the file."

Range = tuple[float, float]
"""The least and the largest value."""


@dataclass(frozen=True, slots=True)
class Ranges:
    """Of the tensors by their names in the traced graph (`models/runtimes/exported.py`).

    `weights` is the SHA-256 of the file they were learnt with, `learnt_from` how many people, or
    of a finder pictures, that were.
    """

    weights: str
    learnt_from: int
    tensors: Mapping[str, Range]

    @property
    def digest(self) -> str:
        """Tells ranges apart that would make another graph."""
        return hashlib.sha256("\n".join(sorted(self._lines)).encode()).hexdigest()

    @property
    def text(self) -> str:
        """As the file holds it: a line for each tensor."""
        head = {
            "form": FORM,
            "weights": self.weights,
            "learnt_from": self.learnt_from,
            "digest": self.digest,
        }
        lines = ",\n".join(f"  {line}" for line in self._lines)
        return json.dumps(head, indent=1)[:-2] + f',\n "tensors": {{\n{lines}\n }}\n}}\n'

    @property
    def _lines(self) -> list[str]:
        return [
            f"{json.dumps(name)}: [{least:.{DIGITS}g}, {largest:.{DIGITS}g}]"
            for name, (least, largest) in self.tensors.items()
        ]

    @classmethod
    def read(cls, path: Path) -> Ranges:
        """WeightsError for a file that holds none, of another form, or changed since it was
        written: with other ranges a network would answer nonsense, and say nothing of it."""
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            form = int(read["form"])
            if form == FORM:
                tensors = {str(name): _range(value) for name, value in read["tensors"].items()}
                found = cls(str(read["weights"]), int(read["learnt_from"]), tensors)
                if found.digest != read["digest"]:
                    raise ValueError("changed")
                return found
        except OSError as error:
            raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WeightsError(
                f"{path} holds no ranges for int8, or damaged ones. {MEND}"
            ) from error
        raise WeightsError(f"{path} has the form {form}, this version reads {FORM}. {MEND}")


RangesOf = Callable[[], Ranges | None]
"""Looks for a network's ranges, once they are needed; None where it has none."""


def path_beside(weights: Path) -> Path:
    """Where the ranges of a file of weights lie, if it has any."""
    return weights.with_suffix(SUFFIX)


def beside(weights: Path) -> Ranges | None:
    """The ranges that lie beside a file of weights; None where there are none.

    Raises WeightsError for ranges that were learnt with other weights, or cannot be read.
    """
    path = path_beside(weights)
    if not path.exists():
        return None
    found = Ranges.read(path)
    if found.weights != archives.sha256(weights):
        raise WeightsError(f"{path} was learnt with other weights than {weights.name}. {MEND}")
    return found


def _range(value: object) -> Range:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no range")
    least, largest = map(float, value)
    if not (math.isfinite(least) and math.isfinite(largest) and least <= largest):
        raise ValueError(f"{value!r} is no range")
    return least, largest
