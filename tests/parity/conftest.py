"""Recorded cases: where they lie, and how their words become inputs and tolerances.

A case is a folder with `case.json`, `expected.npz` and, for networks, `manifest.json`. Tests of a
file run over every case whose name begins with the file's `FAMILY`, in `tests/parity/cases` or in
the folder that FSPOSE_PARITY_CASES names.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

Slices = tuple[slice | list[int], ...]


def _load(name: str) -> ModuleType:
    """A file beside this one; `tests` is no package, so it cannot be imported by name."""
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"parity_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fill = _load("fill")
drawn = _load("drawn")


@dataclass(frozen=True)
class Case:
    """One recorded case."""

    folder: Path

    @cached_property
    def text(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "case.json").read_text())
        return content

    @cached_property
    def expected(self) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / "expected.npz") as stored:
            return dict(stored)

    @cached_property
    def inputs(self) -> dict[str, NDArray[Any]]:
        with np.load(self.folder / "inputs.npz") as stored:
            return dict(stored)

    @cached_property
    def manifest(self) -> dict[str, list[int]]:
        content: dict[str, list[int]] = json.loads((self.folder / "manifest.json").read_text())
        return content

    @property
    def seed(self) -> int:
        return int(self.text["seed"])

    def entries(self) -> dict[str, torch.Tensor]:
        """The network's entries: filled by the seed, multiplied by the case's gains, overridden."""
        arrays = fill.state_dict(self.manifest, self.seed)
        for gain in self.text.get("gains", []):
            for name in arrays:
                if re.search(gain["regex"], name):
                    arrays[name] = arrays[name] * np.float32(gain["factor"])
        for end, factor in self.text.get("gain", {}).items():
            for name in arrays:
                if name.endswith(end):
                    arrays[name] = arrays[name] * np.float32(factor)
        for name, values in self.text.get("override", {}).items():
            arrays[name] = np.asarray(values, np.float32)
        return {name: torch.from_numpy(np.asarray(array)) for name, array in arrays.items()}

    def images(self) -> list[NDArray[np.uint8]]:
        height, width, seeds = self._batch("images", r"fill\.image")
        return [fill.image(height, width, seed) for seed in seeds]

    def pairs(self) -> NDArray[np.float32]:
        height, width, seeds = self._batch("pairs", r"heatmaps\.pair")
        return np.stack([drawn.pair(height, width, seed) for seed in seeds])

    def _batch(self, key: str, function: str) -> tuple[int, int, list[int]]:
        """Height, width and seeds out of words like 'fill.image(256, 192, s) for s in [11, 12]'."""
        words = self.text["input"][key]
        found = re.search(function + r"\((\d+), *(\d+), *s\) for s in \[([\d, ]+)\]", words)
        assert found, f"{self.folder.name}: cannot read {words!r}"
        seeds = [int(seed) for seed in found[3].split(",")]
        assert len(seeds) == self.text["input"]["batch"]
        return int(found[1]), int(found[2]), seeds

    def stored(self, output: str) -> Slices:
        """Which part of an output was recorded: 'stored [0:1, ::6, [0, 7]]', or all of it."""
        found = re.search(r"(?:stored|subsampled) \[(.*)\]", self.text["outputs"][output])
        return _slices(found[1]) if found else (slice(None),)

    def assert_activation(self, output: str, found: torch.Tensor) -> None:
        """The recorded part of an output is the recorded numbers, within the case's tolerance."""
        self.assert_close(output, found[self.stored(output)])

    def assert_close(self, output: str, found: torch.Tensor) -> None:
        """The same for the part alone: 'rtol 1e-4, atol 1e-4 x max|expected|'."""
        words, expected = self.text["tolerance"]["activations"], self.expected[output]
        relative, absolute = self.numbers(r"rtol (\S+), atol (\S+) x max", words)
        atol = absolute * np.abs(expected).max()
        assert expected.shape == tuple(found.shape), output
        np.testing.assert_allclose(
            found.numpy(), expected, rtol=relative, atol=atol, err_msg=output
        )

    def numbers(self, pattern: str, words: str | None = None) -> list[float]:
        """The numbers in a sentence of the case (of its tolerance, where none is given)."""
        sentence = self.text["tolerance"] if words is None else words
        found = re.search(pattern, sentence)
        assert found, f"{self.folder.name}: no {pattern!r} in {sentence!r}"
        return [float(number) for number in found.groups()]

    def number(self, pattern: str) -> float:
        """The one number in a sentence of the case's tolerance."""
        (number,) = self.numbers(pattern)
        return number


def _slices(words: str) -> Slices:
    parts = re.findall(r"\[[\d, ]*\]|[^,\s]+", words)
    return tuple(_one_slice(part) for part in parts)


def _one_slice(part: str) -> slice | list[int]:
    if part.startswith("["):
        return [int(place) for place in part.strip("[]").split(",")]
    if ":" not in part:
        return [int(part)]
    return slice(*(int(bound) if bound else None for bound in part.split(":")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per case of the file's family."""
    if "case" not in metafunc.fixturenames:
        return
    elsewhere = os.environ.get("FSPOSE_PARITY_CASES")
    root = Path(elsewhere) if elsewhere else Path(__file__).with_name("cases")
    if not any(root.glob("*/case.json")):
        raise pytest.UsageError(f"FSPOSE_PARITY_CASES: {root} holds no cases")
    family = metafunc.module.FAMILY
    found = sorted(p for p in root.iterdir() if p.name.startswith(family) and p.is_dir())
    if not found and not elsewhere:
        raise pytest.UsageError(f"{root} holds no case of the family {family}")
    metafunc.parametrize("case", [Case(path) for path in found], ids=lambda case: case.folder.name)


@pytest.fixture(name="drawn")
def drawn_fixture() -> ModuleType:
    return drawn


@pytest.fixture(name="fill")
def fill_fixture() -> ModuleType:
    return fill
