"""Some of a few names on the command line, for commands that need no settings too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class Several(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has it without
    """Some of a few names with commas between, as `jsonl,csv`: a tuple of them."""

    name = "several"

    def __init__(self, choices: Sequence[str]) -> None:
        self._choices = choices

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        names = [name.strip() for name in value.split(",")] if isinstance(value, str) else value
        for name in names:
            if name not in self._choices:
                self.fail(f"{name!r} is not one of {', '.join(self._choices)}.", param, ctx)
        return tuple(dict.fromkeys(names))
