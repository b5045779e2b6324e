"""Which settings a training has: by network and recipe, with presets, a file and the command line.

Presets are YAML files in `fspose_app/presets/NETWORK/NAME.yaml`; they lie over the defaults, a
settings file over them, the command line over all.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path

from data.errors import ConfigError
from fspose_app.config import content_of, settings, told_value
from fspose_app.train_config import (
    FamilyFast,
    FamilyFinder,
    FamilySlow,
    FamilyTransfer,
    PublishedFast,
    PublishedSlow,
    PublishedTransfer,
    TrainSettings,
)
from fspose_app.train_detectors import DETECTORS

KINDS: Mapping[tuple[str, str], type[TrainSettings]] = {
    ("slow", "published"): PublishedSlow,
    ("fast", "published"): PublishedFast,
    ("transfer", "published"): PublishedTransfer,
    ("slow", "family"): FamilySlow,
    ("fast", "family"): FamilyFast,
    ("transfer", "family"): FamilyTransfer,
    ("finder", "family"): FamilyFinder,
    **{(name, "published"): kind for name, kind in DETECTORS.items()},
}


def recipes(network: str) -> tuple[str, ...]:
    """The recipes of a network, the default first."""
    return tuple(recipe for name, recipe in KINDS if name == network)


def presets(network: str) -> tuple[str, ...]:
    """The names of a network's presets."""
    return tuple(sorted(file.stem for file in _folder(network).glob("*.yaml")))


def chosen(
    network: str, preset: str | None, file: Path | None, command_line: Mapping[str, object]
) -> TrainSettings:
    """A training's settings: defaults, preset, file and command line, each over those before.

    Raises ConfigError for what `settings` does, and for an option that the recipe has not.
    """
    ready = None if preset is None else _folder(network) / f"{preset}.yaml"
    recipe: object = recipes(network)[0]
    for source in (ready, file):
        recipe = recipe if source is None else content_of(source).get("recipe", recipe)
    recipe = command_line.get("recipe", recipe)
    kind = KINDS.get((network, recipe)) if isinstance(recipe, str) else None
    if kind is None:
        expected = " or ".join(recipes(network))
        raise ConfigError(f"{file}: recipe is {told_value(recipe)}, but should be {expected}.")
    foreign = [name for name in command_line if name not in kind.model_fields]
    if foreign:
        option = foreign[0].replace("_", "-")
        raise ConfigError(f"--{option} is not for --recipe {recipe} of the {network} network.")
    given = {"recipe": recipe, **command_line}
    return settings(kind, file, given, preset=ready)


def _folder(network: str) -> Path:
    return Path(str(importlib.resources.files("fspose_app"))) / "presets" / network
