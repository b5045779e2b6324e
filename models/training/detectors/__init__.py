"""The registry of detectors that can be trained: a file each, and its name is the method's.

How one is added: `models/training/detection.py`.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from models.training.detection import Detector


def names() -> tuple[str, ...]:
    """Every detector, in alphabetical order; nothing is imported."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def create(name: str, **settings: Any) -> Detector:
    """The detector of that name; `settings` are the keywords of its file's `build`.

    Raises ConfigError for settings that do not go together.
    """
    made: Detector = importlib.import_module(f"models.training.detectors.{name}").build(**settings)
    return made
