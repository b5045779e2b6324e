"""The script that executes the Dockerfile: how it reads it. Executing needs root and hours."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LINES = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


@pytest.fixture(scope="module")
def verify() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docker_verify", ROOT / "docker" / "verify.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_stages_have_their_base_and_their_steps(verify: ModuleType) -> None:
    build, last = verify.stages(ROOT / "docker" / "Dockerfile", {"BASE": "debian:bookworm"})

    assert (build.name, build.base) == ("build", "debian:bookworm")
    assert (last.name, last.base) == ("1", "debian:bookworm")
    assert ("COPY", "--from=build /opt/fspose /opt/fspose") in last.steps


def test_every_step_of_the_dockerfile_can_be_executed(verify: ModuleType) -> None:
    known = {"ARG", "RUN", "COPY", "ENV", "WORKDIR", "USER"} | verify.NOT_EXECUTED

    for stage in verify.stages(ROOT / "docker" / "Dockerfile", {}):
        assert {instruction for instruction, _ in stage.steps} <= known


@pytest.mark.parametrize(
    ("value", "given", "found"),
    [
        ("A=1", {}, {"A": "1"}),
        ('A="one two"', {}, {"A": "one two"}),
        ("A=1", {"A": "2"}, {"A": "2"}),
        ("A", {"A": "2"}, {"A": "2"}),
        ("A", {"B": "2"}, {}),
    ],
)
def test_an_argument_is_what_was_given_or_its_default(
    verify: ModuleType, value: str, given: dict[str, str], found: dict[str, str]
) -> None:
    arguments: dict[str, str] = {}

    verify.declare(value, arguments, given)

    assert arguments == found


def test_variables_are_filled_in(verify: ModuleType) -> None:
    assert verify.filled("${A}/$B/${C}", {"A": "a", "B": "b"}) == "a/b/"


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("data/crop.py", False),
        ("models/bundled/card.md", False),
        ("pyproject.toml", False),
        ("data/__pycache__/crop.pyc", True),
        ("tests/data/test_crop.py", True),
        (".git/config", True),
        ("live.yaml", True),
        ("docker/Dockerfile", True),
    ],
)
def test_the_context_is_the_code_and_nothing_else(verify: ModuleType, path: str, out: bool) -> None:
    assert verify.ignored(Path(path), LINES) is out


def test_the_context_holds_what_pip_installs(verify: ModuleType) -> None:
    found = {path.as_posix() for path in verify.context(ROOT)}

    for name in ("pyproject.toml", "README.md", "LICENSE", "fspose_app/__init__.py"):
        assert name in found
    assert any(name.endswith(".safetensors") for name in found)
    assert not [name for name in found if name.startswith(("tests/", ".git/", "docs/"))]


def test_the_server_is_started_asked_and_stopped(verify: ModuleType) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))

    script = verify.serving(compose["services"]["live"])

    assert script.startswith("fspose serve --host 0.0.0.0 --port 8000 --config /run/secrets/live &")
    assert "urlopen" in script
    assert "kill $server" in script
