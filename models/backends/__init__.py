"""The registry of backends: the folder is the list, and a file's name is the backend's name."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from data.errors import ConfigError, UnknownBackend
from models.backends.base import PoseBackend


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword of a backend's `build`: its name, type and default as they stand in the file."""

    name: str
    kind: str
    default: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a backend's file says of itself: the first line of its docstring and its options."""

    name: str
    summary: str
    options: tuple[Option, ...]


def names() -> tuple[str, ...]:
    """Every backend that can be plugged in, in alphabetical order; nothing is imported."""
    found = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name for name in found if name != "base" and not name.startswith("_")))


def describe(name: str) -> Description:
    """What a backend is and which options it takes.

    Read from the file's text: importing it would bring in torch, which takes seconds. Raises
    UnknownBackend.
    """
    _check(name)
    tree = ast.parse(Path(__path__[0], f"{name}.py").read_text(encoding="utf-8"))
    summary = (ast.get_docstring(tree) or "").partition("\n")[0]
    builds = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "build"]
    options = tuple(
        Option(keyword.arg, _text(keyword.annotation), _text(default))
        for build in builds
        for keyword, default in zip(build.args.kwonlyargs, build.args.kw_defaults, strict=True)
    )
    return Description(name, summary, options)


def create(
    name: str, *, weights: Path | None, device: str, **options: float | str | None
) -> PoseBackend:
    """The backend of that name, on `device`.

    `weights` is a checkpoint file; None takes what the backend has of its own, or random numbers.
    `options` are the keywords of its `build`; text, as a command line gives it, becomes what the
    keyword's type asks for. Raises UnknownBackend, ConfigError for an option that it does not have
    or that cannot be such a value, WeightsError for a checkpoint that does not fit.
    """
    _check(name)
    build = importlib.import_module(f"models.backends.{name}").build
    kinds = get_type_hints(build)
    known = [option.name for option in describe(name).options]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigError(
            f"Backend '{name}' has no option '{unknown[0]}'; it has: {', '.join(known) or 'none'}."
        )
    fitted = {option: _fitted(option, value, kinds[option]) for option, value in options.items()}
    backend: PoseBackend = build(weights, device, **fitted)
    return backend


def _fitted(option: str, value: object, kind: Any) -> object:
    """An option's value as the type that its keyword is declared with."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        kind_name = getattr(kind, "__name__", str(kind))
        raise ConfigError(
            f"The backend's option '{option}' is {value!r}; a value of type {kind_name} is needed."
        ) from error


def _check(name: str) -> None:
    if name in names():
        return
    near = get_close_matches(name, names()) or names()
    raise UnknownBackend(
        f"There is no backend '{name}'. Try {' or '.join(repr(known) for known in near)}."
    )


def _text(node: ast.expr | None) -> str:
    return ast.unparse(node) if node else ""
