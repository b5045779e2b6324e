"""Imports run downhill, torch stays in models, and no two files import each other."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("data", "models", "pipelines", "fspose_app")  # the ground floor first
TORCH = ("torch", "torchvision")


@dataclass(frozen=True)
class Import:
    """One imported name, as it stands in a file; `names` are the modules it may be."""

    file: str
    line: int
    modules: tuple[str, ...]
    binds: str
    plain: bool
    relative: bool

    @property
    def top(self) -> str:
        return self.modules[0].partition(".")[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.modules[-1]}"


def files(root: Path) -> list[Path]:
    """Every file of the four floors."""
    return sorted(file for floor in FLOORS for file in (root / floor).rglob("*.py"))


def imports(file: Path, root: Path) -> Iterator[Import]:
    """Every import of a file, those inside functions and under TYPE_CHECKING too."""
    place = file.relative_to(root).as_posix()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                bound = name.asname or name.name.partition(".")[0]
                yield Import(place, node.lineno, (name.name,), bound, True, False)
        if isinstance(node, ast.ImportFrom):
            source = node.module or "."
            for name in node.names:
                modules = (source, f"{source}.{name.name}")
                bound = name.asname or name.name
                yield Import(place, node.lineno, modules, bound, False, node.level > 0)


def every_import(root: Path) -> list[Import]:
    return [found for file in files(root) for found in imports(file, root)]


def uphill(root: Path) -> list[str]:
    """Imports of a floor that lies above the file's own."""
    return [
        str(found)
        for found in every_import(root)
        if found.top in FLOORS
        and FLOORS.index(found.top) > FLOORS.index(found.file.partition("/")[0])
    ]


def torch_outside_models(root: Path) -> list[str]:
    return [
        str(found)
        for found in every_import(root)
        if found.top in TORCH and not found.file.startswith("models/")
    ]


def unplain_names(root: Path) -> list[str]:
    """Relative imports, `import data`, and foreign names that would hide one of the floors."""
    return [
        str(found)
        for found in every_import(root)
        if found.relative
        or (found.plain and found.top in FLOORS)
        or (found.binds in FLOORS and found.top not in FLOORS)
    ]


def circle(root: Path) -> list[str]:
    """Files that import one another, in the order of the circle; empty where there is none."""
    known = {_module(file, root) for file in files(root)}
    graph: dict[str, set[str]] = {module: set() for module in known}
    for found in every_import(root):
        importer = _module(root / found.file, root)
        # `from data.sources import video` is the file video.py where there is one, else a name
        # of data/sources/__init__.py.
        named = [module for module in found.modules if module in known]
        graph[importer] |= set(named[-1:]) - {importer}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def _module(file: Path, root: Path) -> str:
    parts = file.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("rule", [uphill, torch_outside_models, unplain_names, circle])
def test_the_house_keeps_the_rule(rule):
    assert rule(ROOT) == []


def test_every_folder_of_the_house_is_a_package():
    bare = {file.parent for file in files(ROOT) if not (file.parent / "__init__.py").is_file()}

    assert bare == set()


@pytest.mark.parametrize("module", ["pipelines", "fspose_app.cli"])
def test_torch_does_not_come_along_with(module):
    """Networks are handed to a pipeline, and a command's help is there at once."""
    program = (
        "import importlib, pkgutil, sys\n"
        "top = importlib.import_module(sys.argv[1])\n"
        "for found in pkgutil.walk_packages(top.__path__, top.__name__ + '.'):\n"
        "    importlib.import_module(found.name)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{found.name} brings torch')\n"
    )

    run = subprocess.run(
        [sys.executable, "-c", program, module], cwd=ROOT, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stderr


def house(root: Path, texts: dict[str, str]) -> Path:
    """A house of few files, under their paths."""
    for path, text in texts.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    "text",
    [
        "from models.warp import Warp",
        "from fspose_app import config",
        "import pipelines.tracker",
        "def late():\n    from models.warp import Warp",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from models.warp import Warp",
    ],
)
def test_an_import_of_a_higher_floor_is_seen(text, tmp_path):
    line = text.count("\n") + 1

    (found,) = uphill(house(tmp_path, {"data/pose.py": text}))

    assert found.startswith(f"data/pose.py:{line} imports ")


def test_imports_of_the_same_floor_and_of_lower_ones_are_fine(tmp_path):
    text = "import numpy\nfrom data.pose import Pose\nfrom pipelines.memory import Memory"

    assert uphill(house(tmp_path, {"pipelines/tracker.py": text})) == []


@pytest.mark.parametrize("text", ["import torch.nn", "def f():\n    from torchvision import ops"])
def test_torch_is_seen_outside_models_and_only_there(text, tmp_path):
    root = house(tmp_path, {"data/crop.py": text, "models/warp.py": text})

    (found,) = torch_outside_models(root)

    assert found.startswith("data/crop.py:")


@pytest.mark.parametrize(
    "text",
    [
        "import data",
        "import data.pose",
        "import data.pose as pose",
        "from . import pose",
        "from .pose import Pose",
        "from ..data.pose import Pose",
        "from torchvision import models",
        "from torch.utils import data",
        "import numpy as data",
    ],
)
def test_a_name_that_is_not_whole_is_seen(text, tmp_path):
    (found,) = unplain_names(house(tmp_path, {"models/warp.py": text}))

    assert found.startswith("models/warp.py:1 imports ")


def test_whole_names_are_fine(tmp_path):
    text = "from data.pose import Pose\nfrom models import weights\nimport torch.utils.data"

    assert unplain_names(house(tmp_path, {"models/warp.py": text})) == []


def test_two_files_that_import_each_other_are_seen(tmp_path):
    texts = {
        "data/frame.py": "from data.pose import Pose",
        "data/pose.py": "def f():\n    from data.frame import Frame",
    }

    assert set(circle(house(tmp_path, texts))) == {"data.frame", "data.pose"}


def test_a_circle_through_a_package_is_seen(tmp_path):
    texts = {
        "data/sources/__init__.py": "from data.sources import video",
        "data/sources/video.py": "from data.sources import Source",
    }

    assert set(circle(house(tmp_path, texts))) == {"data.sources", "data.sources.video"}


def test_a_third_file_for_what_two_share_makes_no_circle(tmp_path):
    texts = {
        "data/sources/__init__.py": "from data.sources.info import Info\nimport data.sources.video",
        "data/sources/video.py": "from data.sources.info import Info",
        "data/sources/info.py": "",
    }

    assert circle(house(tmp_path, texts)) == []
