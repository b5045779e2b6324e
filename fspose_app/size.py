"""WIDTHxHEIGHT, as commands and settings files take it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Bounds:
    """What widths and heights may be: pixels from `least` to `most`, multiples of `step`."""

    least: int
    most: int
    step: int = 1

    @property
    def form(self) -> str:
        """What is expected, for the end of a message."""
        multiples = "" if self.step == 1 else f"in multiples of {self.step} "
        return f"should be WIDTHxHEIGHT {multiples}from {self.least} to {self.most}"

    def read(self, value: object) -> tuple[int, int]:
        """Width and height of `192x256` or of two numbers. Raises ValueError, which says `form`."""
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,5}x[0-9]{1,5}", value):
            value = tuple(map(int, value.split("x")))
        match value:
            case (int(width), int(height)) if self._hold(width) and self._hold(height):
                return width, height
        raise ValueError(self.form)

    def _hold(self, side: int) -> bool:
        return self.least <= side <= self.most and side % self.step == 0


PICTURES = Bounds(32, 9999)
"""Of whole pictures."""


class Size(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """An option's `640x360`: width and height within bounds."""

    name = "size"

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        try:
            return self._bounds.read(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}.", param, ctx)
