"""The pipelines' tests look into a small world of stick people (world.py)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_NAME = "pipelines_world"


@pytest.fixture(scope="session")
def stage() -> ModuleType:
    """The module world.py; `tests` is no package, so it cannot be imported by name."""
    spec = importlib.util.spec_from_file_location(_NAME, Path(__file__).with_name("world.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
