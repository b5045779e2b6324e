"""Commands that are imported when they are asked for: no command waits for another's libraries."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Later(click.Command):
    """A command yet to be imported: `command` of a module. `sentence` is the first of its help."""

    def __init__(self, module: str, sentence: str) -> None:
        super().__init__(None, help=sentence)
        self._module = module

    def imported(self) -> click.Command:
        """The command itself."""
        found: click.Command = import_module(self._module).command
        return found


class LateCommands(UserDict[str, click.Command]):
    """Commands by name; what is looked up is imported, whether by key or by walking all."""

    def __getitem__(self, name: str) -> click.Command:
        command = self.data[name]
        if isinstance(command, Later):
            command = self.data[name] = command.imported()
        return command


class LazyGroup(click.Group):
    """A group whose help lists every command without importing any."""

    def __init__(self, *, later: Mapping[str, Later], **attributes: Any) -> None:
        self._late = LateCommands(later)
        super().__init__(commands=self._late, **attributes)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """click's own list, of the sentences that are known beforehand."""
        listed = {name: self._late.data[name] for name in self.list_commands(ctx)}
        shown = {name: command for name, command in listed.items() if not command.hidden}
        limit = formatter.width - 6 - max(map(len, shown))  # three gaps of two, as click has it
        rows = [(name, command.get_short_help_str(limit)) for name, command in shown.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
