"""Stamp: what an exported file says of itself, so that it is known again and can be run alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from data.errors import WeightsError
from models.runtimes.base import PRECISIONS, Precision
from models.runtimes.passes import digest
from models.runtimes.whole import Kind, Whole

VERSION = 2  # of the names and meaning of inputs, outputs and notes
STAMP = "fspose"  # the name under which files hold it


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an exported file is of: `weights` is a digest of layers and weights, `shapes` the
    inputs' without the batch, `notes` what its door must know."""

    version: int
    kind: Kind
    network: str
    weights: str
    shapes: tuple[tuple[int, ...], ...]
    precision: Precision
    notes: Mapping[str, str | float]

    @classmethod
    def of(cls, name: str, whole: Whole, precision: Precision) -> Stamp:
        weights, notes = digest(whole.network), dict(whole.notes)
        return cls(VERSION, whole.kind, name, weights, whole.shapes, precision, notes)

    @classmethod
    def read(cls, path: Path, text: str) -> Stamp:
        """WeightsError for a text that is none, or one of another version."""
        try:
            read = json.loads(text)
            version = int(read["version"])
            if version == VERSION:
                return cls(
                    version,
                    _one_of(get_args(Kind), read["kind"]),
                    str(read["network"]),
                    str(read["weights"]),
                    tuple(tuple(map(int, shape)) for shape in read["shapes"]),
                    _one_of(PRECISIONS, read["precision"]),
                    dict(read["notes"]),
                )
        except (ValueError, KeyError, TypeError) as error:
            raise WeightsError(
                f"{path} was not written by fspose export. Export it again."
            ) from error
        raise WeightsError(
            f"{path} was exported by another version of fspose: its form is {version}, this one "
            f"reads {VERSION}. Export it again."
        )

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))

    def compare(self, path: Path, expected: Stamp) -> None:
        """WeightsError where a file is not of the network that is expected."""
        if self.network != expected.network:
            raise WeightsError(
                f"{path} was exported of '{self.network}', not '{expected.network}'."
            )
        if self.shapes != expected.shapes:
            sizes = f"inputs of {list(self.shapes)}, expected {list(expected.shapes)}"
            raise WeightsError(f"{path} takes {sizes}. Export it again.")
        if self.weights != expected.weights:
            raise WeightsError(f"{path} was exported of other weights. Export it again.")


def _one_of(known: tuple[Any, ...], value: object) -> Any:
    if value not in known:
        raise ValueError(f"{value!r} is none of {known}")
    return value
