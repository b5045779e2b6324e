"""fspose backends: what can be plugged in, and what each wants."""

from __future__ import annotations

import click

from fspose_app.console import Console
from models.backends import describe, names


@click.command("backends")
def command() -> None:
    """List the backends that find people, with their options.

    Give one with --backend, its options with --backend-option.
    """
    rows = []
    for name in names():
        backend = describe(name)
        rows.append((name, backend.summary))
        rows.extend(("", f"{o.name}: {o.kind} = {o.default}") for o in backend.options)
    Console().table(rows, columns=("backend", "what it is, and its options"))
